"""A live channel from its sender to the tables: stalls, black, stops, and owners that are killed."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from itertools import pairwise

import numpy as np
import pytest

from actors import stored
from actors.errors import StorageError
from actors.hop import Direct
from actors.limits import Limits
from actors.measuring import METRICS
from actors.owner import Owner
from actors.reader import Reader
from actors.recorder import Recorder
from actors.schema import measured
from actors.source import stream_name
from actors.task import Task
from actors.transport import PACKET
from tests.actors.channel import BLACK, SECONDS, Channel, pts_at, recorded
from tests.senders import free_port

DETECTORS = ("black", "silence", "freeze", "timestamps", "decode_errors", "stalled")
SETTINGS = {"black": {"minimum_seconds": 1.0}, "stalled": {"seconds": 1.0}}
QUICK = Limits(backoff_seconds=(0.05, 0.1), live_probe_seconds=0.5)
DEADLINE = 120.0


class Watch:
    """An owner in a thread of its own, on the channel at a port."""

    def __init__(self, uri, port, hop=Direct, limits=QUICK, detectors=DETECTORS, settings=SETTINGS):
        self.recorder = Recorder(uri, {table: measured(metrics) for table, metrics in METRICS.items()})
        self.url = f"udp://127.0.0.1:{port}"
        self.stream = stream_name(self.url)
        self.fence = self.recorder.claim([self.stream])[self.stream]
        self.stop = threading.Event()
        known = stored.load(self.recorder, [self.stream]).get(self.stream)
        task = Task(self.stream, self.url, detectors, settings, self.fence, known, limits=limits)
        self.owner = Owner(
            task, self.recorder, lambda table, where: self.recorder.read(table, where=where), self.stop, hop
        )
        self.document = self.error = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        self.stop.set()
        self._thread.join(DEADLINE)

    def _run(self):
        try:
            self.document = self.owner.run()
        except ValueError as error:
            self.error = error

    def end(self):
        """Ask it to stop, and give its document."""
        self.stop.set()
        self._thread.join(DEADLINE)
        assert self.document is not None
        return self.document

    def committed(self, kind, detector):
        """Wait until such an event is in the tables, and give it."""
        return until(lambda: next(iter(events(self.recorder, kind=kind, detector=detector)), None))


def until(found):
    began = time.monotonic()
    while (result := found()) is None:
        assert time.monotonic() - began < DEADLINE, "it did not come"
        time.sleep(0.02)
    return result


def events(recorder, **wanted):
    return recorder.read("events", where=[(name, "=", value) for name, value in wanted.items()]).to_pylist()


def holes(document, track):
    return [
        (c["start_seconds"], c["end_seconds"], c["reason"])
        for c in document["coverage"]
        if c["track"] == track and c["state"] == "unreachable"
    ]


def unbroken(document, track):
    covered = [c for c in document["coverage"] if c["track"] == track]
    return all(one["end_seconds"] == other["start_seconds"] for one, other in pairwise(covered))


@pytest.fixture(scope="module")
def stalling(tmp_path_factory):
    """What is committed of a channel that is cut for a while, and its document."""
    port = free_port()
    with Channel(port) as channel, Watch(str(tmp_path_factory.mktemp("live")), port) as watch:
        black = watch.committed("closed", "black")
        channel.at(8)
        channel.cut()
        opened = watch.committed("opened", "stalled")
        assert not events(watch.recorder, kind="closed", detector="stalled")
        channel.mend()
        closed = watch.committed("closed", "stalled")
        channel.at(channel.seconds + 4)
        assert watch.document is None
        yield watch, watch.end(), black, opened, closed


def test_black_is_in_the_tables_while_it_is_watched(stalling):
    _, document, black, *_ = stalling
    start, end = BLACK[0]
    assert black["start_pts"] == pts_at(start)
    assert (black["end"] - black["start"]) == (end - start) * 90_000
    found = [i for i in document["incidents"] if i["detector"] == "black"]
    assert black["id"] in [i["id"] for i in found]


def test_a_stall_is_an_incident_from_its_last_packet_on(stalling):
    watch, document, _, opened, closed = stalling
    assert opened["id"] == closed["id"]
    assert closed["peak"] >= 1.0
    (incident,) = [i for i in document["incidents"] if i["detector"] == "stalled"]
    assert incident["end_seconds"] - incident["start_seconds"] == pytest.approx(incident["peak"], abs=0.01)
    states = {v["state"] for v in document["verdicts"] if v["detector"] == "stalled"}
    assert states == {"incident"}
    kinds = Counter(e["kind"] for e in events(watch.recorder, detector="stalled"))
    assert kinds == {"opened": 1, "closed": 1}


@pytest.mark.parametrize("track", ["v:0", "a:0"])
def test_what_was_not_sent_is_unreachable_and_says_why(stalling, track):
    _, document, *_ = stalling
    (hole,) = holes(document, track)
    assert hole[0] == pytest.approx(8, abs=1)
    assert hole[1] - hole[0] > 1
    assert hole[2].startswith("nothing arrived for")
    assert unbroken(document, track)


def test_a_stopped_stream_ends_cleanly(stalling):
    watch, document, *_ = stalling
    assert (document["status"], document["error"]) == ("completed", None)
    assert not [i for i in document["incidents"] if i["end_seconds"] is None]
    known = stored.load(watch.recorder, [watch.stream])[watch.stream]
    assert known.checkpoint.summary is not None
    assert not [t for t in threading.enumerate() if t.name.startswith("sightline")]


def opened(uri, detector):
    """What has been told of incidents that began, by another process."""
    with suppress(StorageError):
        return events(Reader(uri), kind="opened", detector=detector)
    return []


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """A watch that goes on where the process of another one was killed in black, and its document."""
    uri, port = str(tmp_path_factory.mktemp("killed")), free_port()
    sets = [f"--set={name}.{field}={value}" for name, of in SETTINGS.items() for field, value in of.items()]
    command = [sys.executable, "-m", "serve", "analyze", f"udp://127.0.0.1:{port}", "--results", uri, *sets]
    process = subprocess.Popen([*command, "--detectors", ",".join(DETECTORS)], stdout=subprocess.DEVNULL)
    with Channel(port, speed=2) as channel:
        channel.at(BLACK[1][0])
        until(lambda: opened(uri, "black")[1:] or None)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        with Watch(uri, port) as watch:
            before = stored.load(watch.recorder, [watch.stream])[watch.stream]
            until(lambda: next((e for e in events(watch.recorder, kind="closed", detector="black")[1:]), None))
            yield watch, watch.end(), before


def test_another_owner_goes_on_after_a_kill(killed):
    watch, document, before = killed
    assert watch.fence == 2
    assert before.recorded["video/v:0"] >= 0
    assert document["epochs"] == 2
    known = stored.load(watch.recorder, [watch.stream])[watch.stream]
    assert known.checkpoint.run == before.checkpoint.run
    assert known.checkpoint.sequence > before.checkpoint.sequence


def test_nothing_is_in_the_tables_twice(killed):
    watch, *_ = killed
    for table in ("video", "audio", "packets"):
        rows = watch.recorder.read(table).to_pylist()
        assert max(row["epoch"] for row in rows) == 1
        for key in (("track", "row"), ("track", "epoch", "wrap", "pts")):
            assert max(Counter(tuple(row[name] for name in key) for row in rows).values()) == 1, (table, key)
        for track in {row["track"] for row in rows}:
            mine = sorted((r["row"], r["window"], r["time"]) for r in rows if r["track"] == track)
            assert all(a[1] <= b[1] and a[2] <= b[2] for a, b in pairwise(mine))
    found = events(watch.recorder)
    assert len({event["sequence"] for event in found}) == len(found)
    opened = Counter(event["id"] for event in found if event["kind"] == "opened")
    assert max(opened.values()) == 1


def test_an_incident_outlives_its_owner(killed):
    watch, document, before = killed
    (was_open,) = [e for e in before.events if e.detector == "black" and e.start_pts == pts_at(BLACK[1][0])]
    found = next(i for i in document["incidents"] if i["id"] == was_open.id(watch.stream))
    start, end = BLACK[1]
    assert found["end_seconds"] - found["start_seconds"] == pytest.approx(end - start, abs=20)
    assert found["end_seconds"] is not None


@pytest.mark.parametrize("track", ["v:0", "a:0"])
def test_what_nobody_watched_is_unreachable_and_says_why(killed, track):
    _, document, _ = killed
    (hole,) = holes(document, track)
    assert hole[2] == "not watched: its owner was restarted"
    assert unbroken(document, track)
    assert not [i for i in document["incidents"] if i["detector"] == "timestamps"]


class Refusing(Direct):
    """Meters that fail with what PyAV raises too."""

    def drain(self):
        raise ValueError("these meters are broken")


def test_what_fails_between_two_bursts_is_not_taken_for_damage(tmp_path):
    port = free_port()
    with Channel(port), Watch(str(tmp_path), port, hop=Refusing) as watch:
        raised = until(lambda: watch.error)
    assert str(raised) == "these meters are broken"


def test_a_channel_that_is_scrambled_is_told_of_while_nothing_of_it_can_be_read(tmp_path):
    data, port = np.frombuffer(recorded(), np.uint8).reshape(-1, PACKET).copy(), free_port()
    carries = np.isin((data[:, 1].astype(int) & 0x1F) << 8 | data[:, 2], (0x100, 0x101))
    late = np.arange(len(data)) > 5 / SECONDS * len(data)
    for number in np.flatnonzero(carries & late & (data[:, 3] & 0x10 != 0)):
        packet = data[number]
        packet[3] |= 0x80
        packet[4 + (1 + int(packet[4]) if packet[3] & 0x20 else 0) :] ^= 0xA5
    wanted = ("encrypted", "black", "stalled", "timestamps")
    with Channel(port, data=data.tobytes()) as channel, Watch(str(tmp_path), port, detectors=wanted) as watch:
        opened = [watch.committed("opened", "encrypted"), watch.committed("updated", "encrypted")]
        assert channel.seconds < SECONDS
        document = watch.end()
    incidents = {(one["detector"], one["track"]): one for one in document["incidents"] if one["detector"] != "black"}
    assert set(incidents) == {("encrypted", "v:0"), ("encrypted", "a:0")}
    assert {event["id"] for event in opened} <= {one["id"] for one in incidents.values()}
    first = incidents["encrypted", "v:0"]
    assert first["start_seconds"] == pytest.approx(5, abs=0.3)
    assert first["end_seconds"] > 10
    assert incidents["encrypted", "a:0"]["explained_by"] == first["id"]
    assert {one["state"] for one in document["verdicts"] if one["detector"] == "timestamps"} == {"unknown"}

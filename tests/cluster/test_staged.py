"""The bucket as a hop: rows as from `Direct`, requests and transitions as planned, nothing left, retries."""

import contextlib
import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from actors.clock import Stamp, TimeBase
from actors.hop import Direct
from actors.measuring import Ear
from actors.media import AudioBatch, AudioBlock, AudioFormat
from cluster import bucketurl
from cluster.bucketserver import bucket_server
from tests.cluster.outages import Between
from tests.cluster.test_bucket import asked, assert_no_secret
from tests.cluster.test_hops import WANTED, batches

pytestmark = pytest.mark.ray

HEARD = frozenset({"peaks", "loudness_power", "true_peak"})
GROUPS = 3


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    return tmp_path_factory.mktemp("log") / "requests"


@pytest.fixture(scope="module")
def server(log):
    with bucket_server(log) as running:
        yield running


def staging(url, **other):
    from cluster.staged import Staging

    return Staging(**{"url": bucketurl.parse(url), "name": "s-1", "task_cpus": 0.5, "patience_seconds": 20, **other})


@pytest.fixture
def begin(own_ray):
    """Makes hops, and closes them. Of a live source, unless said: each batch is a chunk."""
    made = []

    def make(url, wanted=WANTED, *, live=True, **other):
        made.append(staging(url, **other)(wanted))
        made[-1].begin(live=live, recorded={})
        return made[-1]

    yield make
    for hop in made:
        hop.close()


def sounds(count, rng):
    """Batches of five blocks each, one after the other."""
    blocks = [
        AudioBlock(Stamp(0, 0, 4800 * n, 4800 * n), 4800, rng.uniform(-1, 1, (2, 4800)).astype(np.float32), 10 * n,
                   n > 0)
        for n in range(5 * count)
    ]  # fmt: skip
    fmt = AudioFormat("pcm", 48000, 2, "stereo")
    return [AudioBatch("a:0", TimeBase(1, 48000), fmt, tuple(blocks[n : n + 5]), n, 0) for n in range(0, 5 * count, 5)]


def run(hop, pictures, heard=(), ear=None):
    """Rows of batches of pictures, and of sound between them."""
    found, sound = [], list(heard)
    for batch in pictures:
        found += hop.send(batch)
        if sound:
            found += hop.hear(sound.pop(0), ear)
    found += hop.drain()
    hop.close()
    return [r for r in found if r.table == "video"], [r for r in found if r.table == "audio"]


def assert_same(mine, theirs):
    compared = 0
    assert len(mine) == len(theirs)
    for one, other in zip(mine, theirs, strict=True):
        assert (one.first_row, one.track, one.window, one.format) == (
            other.first_row, other.track, other.window, other.format,
        )  # fmt: skip
        assert one.columns.keys() == other.columns.keys()
        for name, values in other.columns.items():
            np.testing.assert_array_equal(one.columns[name], values, err_msg=name)
            compared += values.size
    return compared


@pytest.mark.parametrize("sizes", [(5, 5, 3), (1,) * 12, (2, 1, 7)])
def test_rows_are_those_of_direct(begin, server, log, sizes):
    rng = np.random.default_rng(1)
    pictures, heard = batches(sizes, rng), sounds(min(len(sizes), 3), rng)
    here = run(Direct(WANTED), pictures, heard, Ear(HEARD))
    asked(log)
    hop = begin(server.url)
    there = run(hop, pictures, heard, Ear(HEARD))
    assert assert_same(there[0], here[0]) > 150 * sum(sizes)
    assert assert_same(there[1], here[1]) > 20 * 5 * len(heard)
    assert_planned(hop, log, len(sizes), len(heard))


def test_batches_of_a_file_are_gathered_to_chunks_of_a_second(begin, server):
    pictures = batches((10, 10, 10, 1), np.random.default_rng(8))
    here, _ = run(Direct(WANTED), pictures)
    hop = begin(server.url, live=False)
    there, _ = run(hop, pictures)
    assert [rows.first_row for rows in there] == [0, 30]
    assert hop.traffic.batches == 2
    compared = 0
    for name in here[0].columns:
        mine, other = (np.concatenate([rows.columns[name] for rows in found]) for found in (there, here))
        np.testing.assert_array_equal(mine, other, err_msg=name)
        compared += mine.size
    assert compared > 31 * 150


def assert_planned(hop, log, pictures, sounds):
    """Requests as planned, and as the server was asked; transitions and functions; and nothing left."""
    traffic, folders = hop.traffic, (pictures + sounds) // 32 + 1
    cleared = folders + bool(sounds)
    assert traffic.requests_put == pictures * (1 + GROUPS) + sounds * 2
    assert traffic.requests_get == 2 * (pictures * 2 * GROUPS + sounds * 2 - bool(sounds)) + cleared
    assert traffic.requests_list == 1 + cleared
    assert asked(log) == {
        name: getattr(traffic, f"requests_{name}") for name in ("put", "get", "list", "delete")
    }  # fmt: skip
    assert traffic.transitions == pictures * (2 + GROUPS) + sounds
    assert traffic.functions == 1 + pictures * (1 + GROUPS) + sounds
    assert traffic.function_gb_seconds > 0
    assert traffic.cpu_seconds > 0
    assert traffic.peak_memory_bytes > 1 << 20
    assert traffic.batches == pictures
    assert traffic.copies == pictures * (1 + GROUPS)
    assert hop._bucket.folders() == []


def test_nothing_is_left_of_many_executions(begin, server, log):
    pictures = batches((1,) * 40, np.random.default_rng(2))
    asked(log)
    hop = begin(server.url)
    assert len(run(hop, pictures)[0]) == 40
    assert_planned(hop, log, 40, 0)


def test_what_a_killed_run_left_is_removed(begin, server):
    pictures = batches((2,) * 4, np.random.default_rng(3))
    killed = begin(server.url)
    for batch in pictures:
        list(killed.send(batch))
    killed._tasks.end()
    other = begin(server.url, name="s-11")
    list(other.send(pictures[0]))
    assert {name.partition(".")[0] for name in killed._bucket.folders()} == {"s-1", "s-11"}
    hop = begin(server.url)
    assert {name.partition(".")[0] for name in hop._bucket.folders()} == {"s-11"}
    other.close()
    assert hop._bucket.folders() == []


@pytest.mark.parametrize("compression", ["zstd", "none"])
def test_compression_does_not_matter_to_rows(begin, server, compression):
    pictures = batches((3, 3), np.random.default_rng(4))
    here, _ = run(Direct(WANTED), pictures)
    hop = begin(server.url, compression=compression)
    there, _ = run(hop, pictures)
    assert assert_same(there, here) > 900
    assert hop.traffic.bytes_bucket > 8 * (360 * 640 + 2 * 180 * 320)


def test_facts_travel_with_pictures(begin, server):
    pictures = batches((2, 2), np.random.default_rng(5))
    (rows,) = Direct(frozenset()).send(pictures[0])
    facts = replace(rows, table="packets")
    hop = begin(server.url, wanted=frozenset())
    found = [*hop.tell(facts), *hop.tell(facts), *hop.send(pictures[0]), *hop.tell(facts), *hop.drain()]
    hop.close()
    assert sorted(row.table for row in found) == ["packets", "packets", "packets", "video"]
    assert_same([row for row in found if row.table == "packets"], [facts] * 3)
    assert hop.traffic.requests_put == 2 + 1 + 1
    assert hop.traffic.transitions == 2 + 1 + 1


def test_no_more_than_eight_tasks_are_under_way(begin, server):
    hop = begin(server.url)
    most = 0
    for batch in batches((1,) * 20, np.random.default_rng(6)):
        for _ in hop.send(batch):
            pass
        most = max(most, len(hop._tasks))
        assert len(hop._executions) <= 8
    list(hop.drain())
    assert 0 < most <= 8


def test_an_outage_is_waited_for(begin, server):
    pictures = batches((2,) * 8, np.random.default_rng(7))
    here, _ = run(Direct(WANTED), pictures)
    with Between(server.port) as between:
        hop = begin(between.url(server.url))
        found = []
        for number, batch in enumerate(pictures):
            if number == 4:
                between.refuse("503 Slow Down", times=3)
            found += hop.send(batch)
        found += hop.drain()
        hop.close()
    assert assert_same(found, here) > 2000


def test_a_bucket_that_is_away_for_good_is_said(begin, server):
    from cluster.bucket import BucketError

    with Between(server.port) as between:
        hop = begin(between.url(server.url), patience_seconds=1)
        for batch in batches((2,) * 2, np.random.default_rng(8)):
            list(hop.send(batch))
        between.refuse("507 Insufficient Storage")
        more = batches((2,) * 8, np.random.default_rng(8))
        with pytest.raises(BucketError, match="is full") as raised:
            run(hop, more)
        began = time.monotonic()
        hop.close()
        assert time.monotonic() - began < 60
    assert_no_secret(str(raised.value), server.url)


def test_a_task_is_killed(begin, server):
    pictures = batches((8,) * 12, np.random.default_rng(9))
    here, _ = run(Direct(WANTED), pictures)
    hop = begin(server.url)
    killed = threading.Event()
    ended = threading.Event()
    threading.Thread(target=_kill_one, args=(killed, ended), daemon=True).start()
    there = []
    for batch in pictures:
        there += hop.send(batch)
    there += hop.drain()
    ended.set()
    hop.close()
    assert killed.is_set()
    assert assert_same(there, here) > 14000
    assert hop.traffic.transitions > 12 * (2 + GROUPS)
    assert hop._bucket.folders() == []


def _is_ours(entry):
    """Whether a worker's raylet was started by this process."""
    raylet = (entry / "stat").read_text().rpartition(")")[2].split()[1]
    return Path(f"/proc/{raylet}/stat").read_text().rpartition(")")[2].split()[1] == str(os.getpid())


def _kill_one(killed, ended):
    """Kill a process of this test's Ray while it runs a meter."""
    while not ended.is_set() and not killed.is_set():
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and b"ray::measure" in (entry / "cmdline").read_bytes() and _is_ours(entry):
                    os.kill(int(entry.name), signal.SIGKILL)
                    killed.set()
                    return
        time.sleep(0.01)


def test_a_meter_that_always_fails_is_said(begin, server, monkeypatch):
    from actors.hop import HopBroken

    hop = begin(server.url)
    monkeypatch.setattr(hop, "_meters", {"luma": 17})
    with pytest.raises(HopBroken, match=r"the meter luma has failed 3 times on chunk 0: TypeError"):
        [*hop.send(batches((2,), np.random.default_rng(1))[0]), *hop.drain()]
    hop.close()
    assert hop.traffic.transitions == 2 + 3
    assert hop._bucket.folders() == []

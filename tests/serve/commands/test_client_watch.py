"""`sightline watch`: lines, JSON and a table on a terminal."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import time
from contextlib import suppress

import pytest

from serve.client.answers import Event, StreamState
from serve.client.client import RefusedError, UnreachableError
from serve.commands import watching
from serve.commands.watching import Looked, Note
from serve.terminal.output import console
from tests.serve.calling import seeded
from tests.serve.commands.test_client_events import DEADLINE, Running
from tests.serve.running import COMMAND, ENVIRONMENT
from tests.serve.served import Served, refused


@pytest.fixture(scope="module")
def served():
    with Served() as served:
        served.job = served.submitted("channel-a", "channel-b", "channel-c")
        for name in ("channel-a", "channel-b"):
            served.do(served.backend.set_stream, served.job, name, status="running", newest_frame_age_seconds=0.1)
        yield served


@pytest.fixture(autouse=True)
def before(served):
    """Nothing is open, and nobody follows."""
    served.followed(0)
    served.do(served.backend.set_stream, served.job, "channel-a", open_incidents=0)


def happens(served, detector):
    """Wait until the command listens; then let an incident be opened, updated and closed, and a stream change."""
    served.followed(1)
    (one,) = seeded(1, detector, "channel-a", served.job)
    served.do(served.backend.commit, [(kind, one) for kind in ("opened", "updated", "closed")])
    served.do(served.backend.set_stream, served.job, "channel-a", open_incidents=1)


def test_lines(served):
    with Running(served, "watch") as running:
        assert [running.line() for _ in range(3)] == [
            "channel-a  running  newest frame 0.1 s ago\n", "channel-b  running  newest frame 0.1 s ago\n",
            "channel-c  starting\n",
        ]  # fmt: skip
        happens(served, "freeze")
        lines = [running.line() for _ in range(3)]
        assert [line.split()[1] for line in lines[:2]] == ["opened", "closed"]
        assert lines[2] == "channel-a  running  newest frame 0.1 s ago  1 open\n"
        assert running.interrupted() == 0
        assert running.said.empty()


def test_lines_of_json_of_one_stream(served):
    with Running(served, "watch", "channel-a", "--json") as running:
        first = json.loads(running.line())
        assert first == {"stream": served.backend.states[served.job, "channel-a"].model_dump(mode="json")}
        happens(served, "black")
        more = [json.loads(running.line()) for _ in range(3)]
        assert [one["event"]["kind"] for one in more if "event" in one] == ["opened", "closed"]
        assert [one["stream"]["open_incidents"] for one in more if "stream" in one] == [1]
        assert running.interrupted() == 0


def test_a_stream_that_there_is_not(served):
    assert "no stream 'channel-x'" in refused(served, "watch", "channel-a", "channel-x")


def test_a_terminal(served):
    """The table is drawn, the incident appears, and Ctrl-C gives the cursor back and ends with 0."""
    ours, theirs = pty.openpty()
    environment = {**ENVIRONMENT, "SIGHTLINE_URL": served.url, "TERM": "xterm", "COLUMNS": "120", "LINES": "24"}
    running = subprocess.Popen([*COMMAND, "watch"], env=environment, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    try:
        happens(served, "silence")
        shown, until = b"", time.monotonic() + DEADLINE
        while b"closed" not in shown and time.monotonic() < until:
            if select.select([ours], [], [], 0.2)[0]:
                shown += os.read(ours, 65536)
        running.send_signal(signal.SIGINT)
        with suppress(OSError):  # the other side is closed
            while part := os.read(ours, 65536):
                shown += part
        assert running.wait(DEADLINE) == 0
    finally:
        running.kill()
        running.wait()
        os.close(ours)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())
    assert "newest frame" in text
    assert "closed  critical  channel-a  silence a:0" in text
    assert shown.rstrip().endswith(b"\x1b[?25h")
    assert "Traceback" not in text


def state(name, status="running", **changes):
    known = {
        "stream": name, "job": "job-1", "source": "x", "status": status, "live": True, "shape": "fused", "cell": None,
        "position_seconds": 1.0, "newest_frame_age_seconds": 1.0, "frames": 1, "dropped": 0, "restarts": 0,
        "open_incidents": 0, "error": None, "tags": {},
    }  # fmt: skip
    return StreamState.of({**known, **changes})


def drawn(streams, events=(), trouble="", height=24):
    screen = console()
    with screen.capture() as capture:
        screen.print(watching.picture(Looked(tuple(streams), 0.0), events, trouble, height, 60.0))
    return capture.get().splitlines()


def test_streams_in_need_come_first_and_as_many_as_fit():
    streams = [state(f"s{number:03}") for number in range(200)]
    streams += [state("zz-open", open_incidents=2), state("zz-failed", "failed", error="x y" * 200)]
    incident = seeded(1)[0].model_dump(mode="json")
    one = Event.of({"id": "0.1.1", "kind": "opened", "job": "j", "stream": "s001", "incident": incident})
    lines = drawn(streams, [one] * 3, "connection lost")
    assert len(lines) <= 24
    assert [line.split()[0] for line in lines[1:4]] == ["zz-failed", "zz-open", "s000"]
    assert "61.0 s" in lines[1]  # its newest frame, as old as it is by now
    assert "and 186 more streams" in "\n".join(lines)
    assert lines[-1] == "connection lost"


def test_a_server_that_is_away_for_a_while_is_said_once(capsys):
    away = Note("http://x cannot be reached")
    looked = Looked((state("a"),), 0.0)
    changed = Looked((state("a", "stalled"),), 1.0)
    news = iter([looked, None, away, away, changed, away, looked])
    statuses = [one.status for one in watching._changes(news)]
    assert statuses == ["running", "stalled", "running"]
    assert capsys.readouterr().err == "sightline: http://x cannot be reached\n" * 2


def test_looking_goes_on_when_the_server_is_away_and_ends_when_it_refuses(monkeypatch):
    looks = iter([Looked((), 0.0), UnreachableError("away"), Looked((), 2.0), RefusedError("revoked", 401)])

    def look(client, names):
        found = next(looks)
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(watching, "look", look)
    monkeypatch.setattr(watching, "BETWEEN_SECONDS", 0.01)
    monkeypatch.setattr(watching, "follow", lambda *arguments: iter(()))
    news = watching.begun(None, ())
    assert [type(next(news)) for _ in range(3)] == [Looked, Note, Looked]
    with pytest.raises(RefusedError, match="revoked"):
        next(news)

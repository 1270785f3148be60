"""`sightline events`: what is there, and what comes, through a server that goes and comes back."""

import json
import os
import signal
import subprocess
import threading
from queue import Queue

import pytest

from tests.serve.calling import seeded
from tests.serve.running import COMMAND, ENVIRONMENT
from tests.serve.served import Served, documents, printed, refused

DEADLINE = 120


@pytest.fixture(scope="module")
def served():
    with Served() as served:
        job = served.submitted("channel-a", "channel-b")
        freezes = seeded(6, "freeze", "channel-a", job)
        served.ids = list(map(str, served.do(served.backend.commit, [("closed", one) for one in freezes[:5]])))
        cuts = [("marker", one) for one in seeded(3, "scene", "channel-b", job)]
        served.ids += list(map(str, served.do(served.backend.commit, cuts)))
        served.later = [("opened", freezes[5])]
        yield served


class Running:
    """A command in a process of its own, whose lines are read as they come."""

    def __init__(self, served, *arguments):
        environment = {**ENVIRONMENT, "SIGHTLINE_URL": served.url, "XDG_STATE_HOME": os.devnull}
        environment.pop("SIGHTLINE_API_KEY", None)
        self.process = subprocess.Popen(
            [*COMMAND, *arguments], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.lines, self.said = Queue(), Queue()
        for source, target in ((self.process.stdout, self.lines), (self.process.stderr, self.said)):
            threading.Thread(target=self._read, args=(source, target), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.kill()
        self.process.wait(DEADLINE)

    @staticmethod
    def _read(source, target):
        with source:
            for line in source:
                target.put(line)

    def line(self):
        return self.lines.get(timeout=DEADLINE)

    def interrupted(self):
        """Ctrl-C; its exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(DEADLINE)


def test_all_that_is_there(served):
    assert [event["id"] for event in documents(served, "events")] == served.ids
    assert [event["id"] for event in documents(served, "events", "--after", served.ids[3])] == served.ids[4:]
    first = printed(served, "events").splitlines()[0]
    assert first == "0.1.1  closed  critical  channel-a  freeze v:0  00:00.000 - 00:01.000  frozen for 1.00 s"


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        (("--stream", "channel-a"), 5), (("--severity", "info"), 3), (("--severity", "warning"), 0),
        (("--severity", "info", "--severity", "critical"), 8), (("--stream", "channel-b", "--severity", "critical"), 0),
    ],
)  # fmt: skip
def test_some_of_them(served, arguments, count):
    assert len(documents(served, "events", *arguments)) == count


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--after", "yesterday"), "for example 0.4711.2"), (("--severity", "bad"), "allowed are info, warning"),
        (("--stream", "A B"), "no name"),
    ],
)  # fmt: skip
def test_wrong_usage(served, arguments, words):
    assert words in refused(served, "events", *arguments, status=2)


def test_nothing_has_happened_yet():
    with Served() as served:
        assert documents(served, "events") == []
        assert printed(served, "events") == ""


def test_following_through_a_server_that_goes_and_comes_back():
    with Served() as served:
        job = served.submitted("channel-a")
        events = [("opened", one) for one in seeded(30, job=job)]
        before = served.do(served.backend.commit, events[:2])
        with Running(served, "events", "--follow", "--json", "--after", str(before[0])) as running:
            ids = [before[1]]
            got = [json.loads(running.line())["id"]]
            ids += served.do(served.backend.commit, events[2:10])
            got += [json.loads(running.line())["id"] for _ in range(8)]
            served.stop()
            ids += served.backend.commit(events[10:20])  # while nobody can be asked
            served.start()
            ids += served.do(served.backend.commit, events[20:])
            got += [json.loads(running.line())["id"] for _ in range(20)]
            assert got == list(map(str, ids))
            assert running.interrupted() == 0
            assert running.lines.empty()
            said = [running.said.get(timeout=DEADLINE) for _ in range(3)]
    assert said[0].startswith("sightline: lost the feed of events (")
    assert said[1] == f"sightline: connected to {served.url} again, going on after {ids[9 - 1]}\n"
    ends = [f"sightline: stopped; --after {last} goes on from here\n" for last in ids[-2:]]
    assert said[2] in ends  # whoever is stopped between writing the last and noting it gets it again


def test_following_begins_now_and_takes_only_what_is_asked_for(served):
    served.followed(0)
    with Running(served, "events", "-f", "--severity", "critical", "--stream", "channel-a") as running:
        served.followed(1)
        served.do(served.backend.commit, served.later)
        assert running.line().startswith("0.3.1  opened  critical  channel-a  freeze v:0  00:05.000 - 00:06.000  ")
        assert running.interrupted() == 0


def test_a_reader_that_closes_the_pipe(served):
    environment = {**ENVIRONMENT, "SIGHTLINE_URL": served.url}
    line = f"{' '.join(COMMAND)} measurements channel-a | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", line], env=environment, capture_output=True, text=True, timeout=DEADLINE, check=False
    )
    assert done.stdout.startswith("track")
    assert (done.returncode, done.stderr) == (141, "")

"""Several streams in one decoder's process: equal results, deaths shared and got over, and a poisonous one apart."""

import hashlib
import os
import signal
import tempfile
import threading
import time
from pathlib import Path

import pytest

from actors.tables import Table
from actors.verify import verify
from cluster.analysis import analyse
from cluster.job import Analysis
from tests.cluster.harness import Cluster
from tests.equal import assert_equal, unexplained
from tests.senders import HttpServer, paced, slowed
from tests.serve.defective import defective

pytestmark = [pytest.mark.ray, pytest.mark.timeout(600)]

SECONDS = 8
CLIPS = {"lost": "lost.ts", "wrap": "wrap.ts", "again": "lost.ts"}
EMPTY, EMPTIES = bytes((0x47, 0x1F, 0xFF, 0x10)) + bytes(184), 20_000
LEAST = {"video": 340, "audio": 150, "packets": 1000, "silence": 2, "black": 1, "decode_errors": 1}


@pytest.fixture(scope="module")
def server():
    """Serves the clips, each over eight seconds.

    While ``slow`` is set ``held.ts`` has empty packets in its middle for 100 seconds, and the second halves of two
    clips take as long.
    """
    with HttpServer() as running:
        running.slow, wrap = threading.Event(), defective("wrap.ts").read_bytes()
        for name, clip in CLIPS.items():
            running.routes[f"/{name}.ts"] = paced(defective(clip).read_bytes(), SECONDS)
        middle = len(wrap) // 2 // len(EMPTY) * len(EMPTY)
        held = wrap[:middle] + EMPTIES * EMPTY + wrap[middle:]
        running.routes["/held.ts"] = slowed(held, running.slow, range(middle, middle + EMPTIES * len(EMPTY)), 100)
        for name in ("slow", "slower"):
            running.routes[f"/{name}.ts"] = slowed(wrap, running.slow, range(middle, len(wrap)), 100)
        yield running


@pytest.fixture(scope="module")
def expected(server, tmp_path_factory):
    """What the process of `analyze` finds, of the first so many clips."""

    def found(count):
        results = tmp_path_factory.mktemp("expected") / "results"
        sources = [server.url(f"/{name}.ts") for name in list(CLIPS)[:count]]
        assert {d["status"] for d in analyse(sources, Analysis(results=str(results), jobs=count))} == {"completed"}
        return results

    return {count: found(count) for count in (2, 3)}


@pytest.fixture
def together(own_ray, tmp_path):
    """A supervisor that puts three streams into one process."""
    made = Cluster(own_ray, tmp_path / "results", sizes={"streams_per_actor": 3})
    yield made
    made.close()


def submitted(cluster, server, count, shape="fused"):
    """The job, and the one process that all of its streams are in."""
    job = cluster.submit(*(server.url(f"/{name}.ts") for name in list(CLIPS)[:count]), shape=shape)
    (pid,) = {cluster.running(stream).pid for stream in job.streams}
    return job, pid


def assert_equal_in_the_end(cluster, job, expected, count):
    ended = cluster.ended(job)
    assert {outcome.status for outcome in ended.outcomes.values()} == {"completed"}
    assert verify(cluster.uri) == []
    assert unexplained(cluster.uri) == {}
    assert assert_equal(cluster.uri, expected, **LEAST).streams == count


def pids(cluster, job):
    return {pid for stream in job.streams for pid in cluster.call("watched")[stream].pids}


def process(cluster, stream, dead):
    """The process that a stream is in, now that some are dead."""

    def there():
        report = cluster.report(stream)
        return report if report and report.newest_at and not report.outcome and report.pid not in dead else None

    return cluster.wait(there, 60).pid


@pytest.mark.parametrize(("count", "shape"), [(2, "colocated"), pytest.param(3, "fused", marks=pytest.mark.slow)])
def test_streams_of_one_process_give_what_they_give_alone(together, server, expected, count, shape):
    job, pid = submitted(together, server, count, shape)
    assert_equal_in_the_end(together, job, expected[count], count)
    assert pids(together, job) == {pid}


def test_each_stream_has_its_own_part_of_what_its_process_burns(together, server):
    job, _ = submitted(together, server, 3)
    together.ended(job)
    usage = {row["stream"]: row for row in Table(together.uri, "usage").read().to_pylist()}
    assert len(usage) == 3
    burnt = [row["cpu_seconds"] for row in usage.values()]
    assert all(0.1 < each / sum(burnt) < 0.6 for each in burnt)
    for row in usage.values():
        assert row["cpu_decode_seconds"] + row["cpu_picture_seconds"] <= row["cpu_seconds"] + 1e-5
        assert row["peak_memory_bytes"] < 200 << 20


def test_all_streams_of_a_process_that_dies_go_on(together, server, expected):
    job, pid = submitted(together, server, 2)
    os.kill(pid, signal.SIGKILL)
    together.wait(lambda: all((r := together.report(s)) and r.pid != pid and r.newest_at for s in job.streams))
    assert_equal_in_the_end(together, job, expected[2], 2)
    assert len(pids(together, job)) == 2


@pytest.mark.slow
def test_the_supervisor_dies_and_the_next_one_finds_who_sits_where(together, server, own_ray, expected):
    job, pid = submitted(together, server, 2)
    killed = together.call("pid")
    os.kill(killed, signal.SIGKILL)

    def back():
        try:
            return together.call("pid") != killed
        except own_ray.exceptions.RayActorError:
            return False

    together.wait(back)
    late = together.submit(server.url("/again.ts"))
    assert {together.running(stream).pid for stream in late.streams} == {pid}
    together.ended(late)
    assert_equal_in_the_end(together, job, expected[3], 3)
    assert pids(together, job) == {pid}


def place(cluster, stream):
    """The packet that is decoded, as its trace says."""
    name = hashlib.sha256(f"{cluster.uri}\0{stream}".encode()).hexdigest()[:32]
    return Path(tempfile.gettempdir(), f"sightline-{os.getuid()}", name).read_bytes()[8:64]


def stands(cluster, stream, seconds=2.0):
    """Whether a stream does not leave its packet for so long."""
    before = place(cluster, stream)
    time.sleep(seconds)
    return place(cluster, stream) == before


def test_a_poisonous_stream_is_put_apart_and_its_neighbours_run(together, server):
    server.slow.set()
    sources = {"poison": "held", "healthy": "slow", "sound": "slower"}
    job = together.submit(*({"source": server.url(f"/{s}.ts"), "name": n} for n, s in sources.items()))
    healthy, killed, last = ("healthy", "sound"), [], None
    for times in range(3):
        pid = process(together, "poison", killed)
        together.wait(lambda: (together.report("poison").position_seconds or 0) >= 3.5)
        together.wait(lambda last=last: place(together, "poison") == last if last else stands(together, "poison"))
        last = place(together, "poison")
        if times < 2:
            assert {process(together, name, killed) for name in healthy} == {pid}
        killed.append(pid)
        os.kill(pid, signal.SIGSEGV)
    beside = {name: process(together, name, killed) for name in healthy}
    assert len({*killed, *beside.values()}) == 5
    together.wait(lambda: "poison" in together.job(job).outcomes)
    outcome = together.job(job).outcomes["poison"]
    assert outcome.status == "quarantined"
    assert "crashed 3 times at" in outcome.error
    assert {name: process(together, name, killed) for name in healthy} == beside
    server.slow.clear()
    ended = together.ended(job)
    assert {ended.outcomes[name].status for name in healthy} == {"completed"}
    assert verify(together.uri) == []
    assert unexplained(together.uri) == {}

"""Processes of the cluster are killed: results are equal in the end, and what was not killed does not notice."""

import os
import signal
import threading

import pytest

from actors.verify import verify
from cluster.analysis import analyse
from cluster.job import Analysis
from tests.actors.channel import Channel
from tests.equal import assert_equal, summaries, unexplained
from tests.senders import HttpServer, free_port, paced
from tests.serve.defective import defective

pytestmark = [pytest.mark.ray, pytest.mark.timeout(600)]

SECONDS = 8
CLIPS = ("lost.ts", "wrap.ts")
LEAST = {"video": 340, "audio": 150, "packets": 1000, "silence": 2, "black": 1, "decode_errors": 1}


@pytest.fixture(scope="module")
def server():
    """Serves the clips, each over eight seconds; ``hold`` keeps back what lies beyond the middle of ``held.ts``."""
    with HttpServer() as running:
        running.hold = threading.Event()
        for name in CLIPS:
            running.routes[f"/{name}"] = paced(defective(name).read_bytes(), SECONDS)
        running.routes["/held.ts"] = paced(defective("wrap.ts").read_bytes(), 1.0, running.hold, 0.5)
        yield running


@pytest.fixture(scope="module")
def expected(server, tmp_path_factory):
    results = tmp_path_factory.mktemp("expected") / "results"
    sources = [server.url(f"/{name}") for name in CLIPS]
    assert {d["status"] for d in analyse(sources, Analysis(results=str(results), jobs=2))} == {"completed"}
    return results


@pytest.fixture(params=[pytest.param("fused", marks=pytest.mark.slow), "colocated"])
def watched(cluster, server, request):
    """Two streams under way, in both shapes: the job, and their reports by name."""
    job = cluster.submit(*(server.url(f"/{name}") for name in CLIPS), shape=request.param)
    return job, {stream: cluster.running(stream) for stream in job.streams}


def assert_undisturbed(cluster, job, expected):
    assert {outcome.status for outcome in job.outcomes.values()} == {"completed"}
    assert verify(cluster.uri) == []
    assert unexplained(cluster.uri) == {}
    assert assert_equal(cluster.uri, expected, **LEAST).streams == len(CLIPS)


def test_a_decoder_dies(cluster, watched, expected):
    job, reports = watched
    first, other = reports
    os.kill(reports[first].pid, signal.SIGKILL)
    again = cluster.wait(lambda: (r := cluster.report(first)) and r.pid != reports[first].pid and r.newest_at and r)
    assert again.pid != reports[first].pid
    ended = cluster.ended(job)
    assert cluster.report(other).pid == reports[other].pid
    assert_undisturbed(cluster, ended, expected)


def test_a_detector_dies(cluster, server, own_ray, expected):
    job = cluster.submit(*(server.url(f"/{name}") for name in CLIPS), shape="colocated")
    pids = {stream: cluster.running(stream).pid for stream in job.streams}
    detector = own_ray.get_actor("detector/cell/colocated/0", namespace="sightline")
    killed = own_ray.get(detector.pid.remote(), timeout=120)
    os.kill(killed, signal.SIGKILL)
    ended = cluster.ended(job)
    assert own_ray.get(detector.pid.remote(), timeout=120) != killed
    assert {stream: cluster.report(stream).pid for stream in job.streams} == pids
    assert_undisturbed(cluster, ended, expected)


def test_the_recorder_dies(cluster, watched, own_ray, expected):
    job, reports = watched
    recorder = own_ray.get_actor("recorder", namespace="sightline")
    os.kill(own_ray.get(recorder.pid.remote(), timeout=120), signal.SIGKILL)
    ended = cluster.ended(job)
    assert {stream: cluster.report(stream).pid for stream in reports} == {s: r.pid for s, r in reports.items()}
    assert_undisturbed(cluster, ended, expected)


def test_the_supervisor_dies_and_every_stream_keeps_its_process(cluster, watched, own_ray, expected):
    job, reports = watched
    killed = cluster.call("pid")
    os.kill(killed, signal.SIGKILL)

    def back():
        try:
            return cluster.call("pid") != killed
        except own_ray.exceptions.RayActorError:
            return False

    cluster.wait(back)
    ended = cluster.ended(job)
    assert {stream: cluster.report(stream).pid for stream in reports} == {s: r.pid for s, r in reports.items()}
    assert_undisturbed(cluster, ended, expected)


def test_no_second_of_a_live_stream_is_lost_to_the_supervisors_death(cluster, own_ray):
    port = free_port()
    job = cluster.submit({"source": f"udp://127.0.0.1:{port}", "name": "channel"})
    with Channel(port) as channel:
        cluster.wait(lambda: channel.seconds > 4, 180)
        pid = cluster.running("channel").pid
        os.kill(cluster.call("pid"), signal.SIGKILL)
        channel.at(50)
        cluster.wait(lambda: (r := cluster.report("channel")) and r.position_seconds and r.position_seconds > 45)
        assert cluster.report("channel").pid == pid
        cluster.call("change", job.id, "stopped", None)
        cluster.wait(lambda: summaries(cluster.uri)["channel"] is not None)
    summary = summaries(cluster.uri)["channel"]
    assert summary["status"] == "completed"
    assert sum(account["dropped"] for account in summary["ledger"].values()) == 0
    assert unexplained(cluster.uri) == {}
    assert verify(cluster.uri) == []


def test_a_stream_that_kills_its_decoder_three_times_at_one_place_is_put_aside(cluster, server):
    server.hold.set()
    held, other = server.url("/held.ts"), server.url("/lost.ts")
    job = cluster.submit({"source": held, "name": "poison"}, {"source": other, "name": "healthy"})
    pids = []
    for _ in range(3):
        report = cluster.wait(lambda: (r := cluster.report("poison")) and r.pid not in pids and r.newest_at and r)
        pids.append(report.pid)
        place = report.position_seconds
        cluster.wait(lambda place=place: cluster.report("poison").position_seconds >= max(place, 3.5))
        threading.Event().wait(0.5)
        os.kill(report.pid, signal.SIGSEGV)
    ended = cluster.ended(job)
    server.hold.clear()
    assert ended.outcomes["poison"].status == "quarantined"
    assert "crashed 3 times at" in ended.outcomes["poison"].error
    assert ended.outcomes["healthy"].status == "completed"
    document = cluster.report("poison").document
    (crash,) = [i for i in document["incidents"] if i["detector"] == "decoder_crashed"]
    assert (crash["severity"], crash["peak"]) == ("critical", 3)
    assert 3 < crash["start_seconds"] < 5
    assert verify(cluster.uri) == []

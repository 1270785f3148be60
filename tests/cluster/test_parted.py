"""Meters parted among nodes: a job's tables are equal to those of `analyze`, and frames are counted for each node."""

import os
import signal

import pytest

from actors.verify import verify
from cluster.analysis import analyse
from cluster.job import Analysis
from tests.cluster import harness
from tests.equal import assert_equal, rows_of, unexplained
from tests.senders import HttpServer, UdpSender, bytes_of, free_port, paced
from tests.serve.defective import SECONDS, defective

pytestmark = [pytest.mark.ray, pytest.mark.timeout(600)]

CLIPS = ("plain.mp4", "flipped.ts", "lost.ts", "jump.ts", "gaps.mp4", "wrap.ts")
LEAST = {"video": 1000, "audio": 400, "packets": 1500, "freeze": 3, "black": 3, "silence": 3, "incidents": 20}
PARTED = {"detector_cpus": 0.5, "node_detector_cpus": 0.4}
"""For two detectors, on nodes of two processors."""
AGAIN = {**PARTED, "clones": "decode"}
FRAMES = {**PARTED, "clones": "frames"}


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    results = tmp_path_factory.mktemp("expected") / "results"
    documents = list(analyse([str(defective(name)) for name in CLIPS], Analysis(results=str(results), jobs=1)))
    assert {document["status"] for document in documents} == {"completed"}
    return results


@pytest.fixture
def parted(own_ray, two_more, tmp_path, request):
    made = harness.Cluster(own_ray, tmp_path / "results", sizes=request.param)
    yield made
    made.close()


def beside(ray):
    """Process ids of what decodes a source again, and lives."""
    actors = ray._private.state.actors().values()
    return [one["Pid"] for one in actors if one["ActorClassName"] == "AgainActor" and one["State"] == "ALIVE"]


@pytest.mark.parametrize(
    ("parted", "shape", "pulled"),
    [
        (FRAMES, "spread", 2),
        pytest.param(FRAMES, "colocated", 1, marks=pytest.mark.slow),
        pytest.param(AGAIN, "spread", 1, marks=pytest.mark.slow),
    ],
    indirect=["parted"],
)  # fmt: skip
def test_tables_are_equal_to_those_of_analyze(parted, own_ray, expected, shape, pulled):
    job = parted.ended(parted.submit(*(defective(name) for name in CLIPS), shape=shape), 120)
    assert {outcome.status for outcome in job.outcomes.values()} == {"completed"}
    assert verify(parted.uri) == []
    assert unexplained(parted.uri) == {}
    assert assert_equal(parted.uri, expected, **LEAST).streams == len(CLIPS)
    pids = [
        own_ray.get(own_ray.get_actor(name, namespace="sightline").pid.remote(), timeout=120)
        for name in (f"detector/cell/{shape}/0", f"detector/cell/{shape}/0/1")
    ]  # fmt: skip
    assert len(set(pids)) == 2
    for usage in job.usage.values():
        assert usage.bytes_object_store > 0
        assert usage.bytes_network == pulled * usage.bytes_object_store
        assert usage.copies == (1 + pulled) * usage.batches


@pytest.mark.slow
def test_streams_of_one_process_are_measured_by_all_detectors(own_ray, two_more, expected, tmp_path):
    together = harness.Cluster(own_ray, tmp_path / "results", sizes={**FRAMES, "streams_per_actor": 3})
    try:
        job = together.ended(together.submit(*(defective(name) for name in CLIPS), shape="colocated"), 120)
        assert {outcome.status for outcome in job.outcomes.values()} == {"completed"}
        watched = together.call("watched")
        assert len({pid for stream in job.streams for pid in watched[stream].pids}) < len(CLIPS)
        assert verify(together.uri) == []
        assert assert_equal(together.uri, expected, **LEAST).streams == len(CLIPS)
        for usage in job.usage.values():
            assert usage.copies == 2 * usage.batches > 0
    finally:
        together.close()


@pytest.mark.parametrize("parted", [FRAMES], indirect=True)
def test_a_clone_dies_and_the_others_do_not_notice(parted, own_ray, tmp_path):
    with HttpServer() as server:
        server.routes["/lost.ts"] = bytes_of(defective("lost.ts").read_bytes())
        source, results = server.url("/lost.ts"), tmp_path / "expected"
        assert [d["status"] for d in analyse([source], Analysis(results=str(results)))] == ["completed"]
        server.routes["/lost.ts"] = paced(defective("lost.ts").read_bytes(), 6)
        job = parted.submit(source, shape="colocated")
        (stream,) = job.streams
        pid = parted.running(stream).pid
        first, clone = (
            own_ray.get_actor(name, namespace="sightline")
            for name in ("detector/cell/colocated/0", "detector/cell/colocated/0/1")
        )
        stays, killed = own_ray.get([first.pid.remote(), clone.pid.remote()], timeout=120)
        os.kill(killed, signal.SIGKILL)
        assert parted.ended(job).outcomes[stream].status == "completed"
    assert parted.report(stream).pid == pid
    assert own_ray.get(first.pid.remote(), timeout=120) == stays
    assert own_ray.get(clone.pid.remote(), timeout=120) != killed
    assert verify(parted.uri) == []
    assert assert_equal(parted.uri, results, video=150, audio=70, packets=400).streams == 1


@pytest.mark.slow
@pytest.mark.parametrize("parted", [AGAIN], indirect=True)
def test_what_decodes_again_dies_twice_and_frames_are_sent(parted, own_ray, tmp_path):
    with HttpServer() as server:
        server.routes["/lost.ts"] = bytes_of(defective("lost.ts").read_bytes())
        source, results = server.url("/lost.ts"), tmp_path / "expected"
        assert [d["status"] for d in analyse([source], Analysis(results=str(results)))] == ["completed"]
        server.routes["/lost.ts"] = paced(defective("lost.ts").read_bytes(), 6)
        job = parted.submit(source, shape="colocated")
        (stream,) = job.streams
        (first,) = parted.wait(lambda: beside(own_ray))
        pid = parted.running(stream).pid
        os.kill(first, signal.SIGKILL)
        (second,) = parted.wait(lambda: [one for one in beside(own_ray) if one != first])
        os.kill(second, signal.SIGKILL)
        ended = parted.ended(job)
    assert ended.outcomes[stream].status == "completed"
    assert parted.report(stream).pid == pid
    assert beside(own_ray) == []
    assert 0 < ended.usage[stream].bytes_network <= ended.usage[stream].bytes_object_store
    assert verify(parted.uri) == []
    assert assert_equal(parted.uri, results, video=150, audio=70, packets=400).streams == 1


@pytest.mark.parametrize("parted", [AGAIN], indirect=True)
def test_of_a_live_stream_frames_are_sent(parted, own_ray):
    port = free_port()
    job = parted.submit({"source": f"udp://127.0.0.1:{port}", "name": "channel"}, shape="colocated")
    with UdpSender(defective("wrap.ts").read_bytes(), SECONDS, port):
        parted.wait(lambda: (r := parted.report("channel")) and r.frames > 60)
        assert beside(own_ray) == []
        parted.call("change", job.id, "stopped", None)
        parted.wait(lambda: parted.job(job).usage)
    usage = parted.job(job).usage["channel"]
    assert usage.bytes_network == usage.bytes_object_store > 0
    assert verify(parted.uri) == []
    assert unexplained(parted.uri) == {}
    rows = rows_of(parted.uri, "video")
    assert len(rows) > 60
    assert rows["black_share"].null_count == rows["signature"].null_count == 0


def test_a_job_that_no_node_can_hold_is_refused(own_ray, tmp_path):
    from cluster.jobs import Unfit

    made = harness.Cluster(own_ray, tmp_path / "results", sizes={"detector_cpus": 1.0, "node_detector_cpus": 0.05})
    try:
        with pytest.raises(Unfit, match="SIGHTLINE_NODE_DETECTOR_CPUS"):
            made.submit(defective("plain.mp4"), shape="colocated")
        job = made.submit(defective("plain.mp4"), shape="fused")
        assert [outcome.status for outcome in made.ended(job).outcomes.values()] == ["completed"]
    finally:
        made.close()

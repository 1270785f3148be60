"""Meters parted among nodes: a job's tables are equal to those of `analyze`, and frames are counted for each node."""

import os
import signal

import pytest

from actors.verify import verify
from cluster.analysis import analyse
from cluster.job import Analysis
from tests.cluster import harness
from tests.equal import assert_equal, unexplained
from tests.senders import HttpServer, paced
from tests.serve.defective import defective

pytestmark = [pytest.mark.ray, pytest.mark.timeout(180)]

CLIPS = ("plain.mp4", "flipped.ts", "lost.ts", "jump.ts", "gaps.mp4", "wrap.ts")
LEAST = {"video": 1000, "audio": 400, "packets": 1500, "freeze": 3, "black": 3, "silence": 3, "incidents": 20}
PARTED = {"detector_cpus": 0.5, "node_detector_cpus": 0.4}
"""For two detectors, on nodes of two processors."""


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    results = tmp_path_factory.mktemp("expected") / "results"
    documents = list(analyse([str(defective(name)) for name in CLIPS], Analysis(results=str(results), jobs=1)))
    assert {document["status"] for document in documents} == {"completed"}
    return results


@pytest.fixture
def parted(own_ray, two_more, tmp_path):
    made = harness.Cluster(own_ray, tmp_path / "results", sizes=PARTED)
    yield made
    made.close()


@pytest.mark.parametrize(("shape", "pulled"), [("colocated", 1), ("spread", 2)])
def test_tables_are_equal_to_those_of_analyze(parted, own_ray, expected, shape, pulled):
    job = parted.ended(parted.submit(*(defective(name) for name in CLIPS), shape=shape), 120)
    assert {outcome.status for outcome in job.outcomes.values()} == {"completed"}
    assert verify(parted.uri) == []
    assert unexplained(parted.uri) == {}
    assert assert_equal(parted.uri, expected, **LEAST).streams == len(CLIPS)
    pids = [
        own_ray.get(own_ray.get_actor(name, namespace="sightline").pid.remote(), timeout=20)
        for name in (f"detector/cell/{shape}/0", f"detector/cell/{shape}/0/1")
    ]  # fmt: skip
    assert len(set(pids)) == 2
    for usage in job.usage.values():
        assert usage.bytes_object_store > 0
        assert usage.bytes_network == pulled * usage.bytes_object_store
        assert usage.copies == (1 + pulled) * usage.batches


def test_streams_of_one_process_are_measured_by_all_detectors(own_ray, two_more, expected, tmp_path):
    together = harness.Cluster(own_ray, tmp_path / "results", sizes={**PARTED, "streams_per_actor": 3})
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


def test_a_clone_dies_and_the_others_do_not_notice(parted, own_ray, tmp_path):
    with HttpServer() as server:
        server.routes["/lost.ts"] = paced(defective("lost.ts").read_bytes(), 6)
        source, results = server.url("/lost.ts"), tmp_path / "expected"
        assert [d["status"] for d in analyse([source], Analysis(results=str(results)))] == ["completed"]
        job = parted.submit(source, shape="colocated")
        (stream,) = job.streams
        pid = parted.running(stream).pid
        first, clone = (
            own_ray.get_actor(name, namespace="sightline")
            for name in ("detector/cell/colocated/0", "detector/cell/colocated/0/1")
        )
        stays, killed = own_ray.get([first.pid.remote(), clone.pid.remote()], timeout=20)
        os.kill(killed, signal.SIGKILL)
        assert parted.ended(job).outcomes[stream].status == "completed"
    assert parted.report(stream).pid == pid
    assert own_ray.get(first.pid.remote(), timeout=20) == stays
    assert own_ray.get(clone.pid.remote(), timeout=20) != killed
    assert verify(parted.uri) == []
    assert assert_equal(parted.uri, results, video=150, audio=70, packets=400).streams == 1


def test_a_job_that_no_node_can_hold_is_refused(own_ray, tmp_path):
    from cluster.jobs import Unfit

    made = harness.Cluster(own_ray, tmp_path / "results", sizes={"detector_cpus": 1.0, "node_detector_cpus": 0.5})
    try:
        with pytest.raises(Unfit, match="SIGHTLINE_NODE_DETECTOR_CPUS"):
            made.submit(defective("plain.mp4"), shape="colocated")
        job = made.submit(defective("plain.mp4"), shape="fused")
        assert [outcome.status for outcome in made.ended(job).outcomes.values()] == ["completed"]
    finally:
        made.close()

"""A cell that loses its node, or its detector for good, comes back whole; other cells do not notice."""

import os
import signal
import threading
import time
from contextlib import contextmanager, suppress

import pytest

from actors.verify import verify
from cluster.analysis import analyse
from cluster.job import Analysis
from tests.cluster import harness
from tests.equal import assert_equal, unexplained
from tests.senders import HttpServer, paced, slowed
from tests.serve.defective import defective

pytestmark = [pytest.mark.ray, pytest.mark.timeout(600)]

SECONDS = 8
TOGETHER, APART = ("lost.ts", "wrap.ts", "flipped.ts"), "jump.ts"
LEAST = {"video": 700, "audio": 300, "packets": 1800, "silence": 3, "black": 2, "decode_errors": 1, "incidents": 10}


@pytest.fixture(scope="module")
def server():
    """Serves the clips, each over eight seconds."""
    with HttpServer() as running:
        for name in (*TOGETHER, APART):
            running.routes[f"/{name}"] = paced(defective(name).read_bytes(), SECONDS)
        yield running


@pytest.fixture(scope="module")
def expected(server, tmp_path_factory):
    results = tmp_path_factory.mktemp("expected") / "results"
    sources = [server.url(f"/{name}") for name in (*TOGETHER, APART)]
    assert {d["status"] for d in analyse(sources, Analysis(results=str(results), jobs=2))} == {"completed"}
    return results


@pytest.fixture
def impatient(own_ray, tmp_path):
    """A supervisor that waits twelve seconds for answers."""
    made = harness.Cluster(own_ray, tmp_path / "results", answer_seconds=12.0)
    yield made
    made.close()


@contextmanager
def held(ray, node, cpus):
    """Keep processors of a node, so that nothing else is placed there."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    class Sitter:
        def here(self):
            return True

    where = NodeAffinitySchedulingStrategy(node, soft=False)
    sitter = ray.remote(Sitter).options(num_cpus=cpus, scheduling_strategy=where).remote()
    assert ray.get(sitter.here.remote(), timeout=120)
    try:
        yield
    finally:
        ray.kill(sitter)


def nodes_of(ray, cell):
    """The nodes of a cell's bundles."""
    from ray.util import get_placement_group, placement_group_table

    return set(placement_group_table(get_placement_group(cell))["bundles_to_node_id"].values())


def node_of(ray, cell):
    """The node that a cell is on."""
    (node,) = nodes_of(ray, cell)
    return node


def assert_undisturbed(cluster, expected):
    """Tables are whole, and equal to those of an undisturbed run; no event is told twice."""
    assert verify(cluster.uri) == []
    assert unexplained(cluster.uri) == {}
    assert assert_equal(cluster.uri, expected, **LEAST).streams == len(TOGETHER) + 1


def asked(ray, cluster, question):
    """What a question to the supervisor gives; None while it is away, as one is that was on a lost node."""
    try:
        return question()
    except (ray.exceptions.RayActorError, ray.exceptions.GetTimeoutError):
        return None


@pytest.fixture
def slow(server):
    """While it is set, the second half of each clip takes a minute."""
    slow, paced_ones = threading.Event(), dict(server.routes)
    slow.set()
    for name in (*TOGETHER, APART):
        data = defective(name).read_bytes()
        server.routes[f"/{name}"] = slowed(data, slow, range(len(data) // 2, len(data)), 60)
    yield slow
    slow.clear()
    server.routes.update(paced_ones)


@pytest.mark.slow
def test_a_cell_whose_node_is_lost_comes_back_whole(cluster, nodes, two_more, own_ray, expected, server, slow):
    with held(own_ray, nodes.head_node.node_id, 4):
        job = cluster.submit(*(server.url(f"/{name}") for name in TOGETHER), shape="colocated")
        pids = {stream: cluster.running(stream).pid for stream in job.streams}
    lost = node_of(own_ray, "cell/colocated/0")
    with held(own_ray, lost, 1.5):
        other = cluster.submit(server.url(f"/{APART}"), shape="fused")
        (apart,) = other.streams
        undisturbed = cluster.running(apart).pid
    assert lost not in nodes_of(own_ray, "cell/fused/0")
    nodes.remove_node(next(node for node in two_more if node.node_id == lost), allow_graceful=False)
    began = time.monotonic()

    def again(stream):
        report = asked(own_ray, cluster, lambda: cluster.report(stream))
        return report and report.pid != pids[stream] and (report.newest_at or report.outcome)

    for stream in pids:
        cluster.wait(lambda stream=stream: again(stream), 180)
        print(f"{stream}: its next result {time.monotonic() - began:.1f} s after its node was lost")
    slow.clear()
    for one in (job, other):
        cluster.wait(lambda one=one: asked(own_ray, cluster, lambda: not cluster.job(one).open), 180)
    ended = {**cluster.job(job).outcomes, **cluster.job(other).outcomes}
    assert {outcome.status for outcome in ended.values()} == {"completed"}
    assert node_of(own_ray, "cell/colocated/0") != lost
    assert cluster.report(apart).pid == undisturbed
    assert_undisturbed(cluster, expected)


@pytest.mark.slow
def test_a_detector_that_is_gone_for_good_is_replaced(cluster, own_ray, server, expected):
    job = cluster.submit(*(server.url(f"/{name}") for name in (*TOGETHER, APART)), shape="colocated")
    pids = {stream: cluster.running(stream).pid for stream in job.streams}
    own_ray.kill(own_ray.get_actor("detector/cell/colocated/0", namespace="sightline"))
    ended = cluster.ended(job)
    assert {outcome.status for outcome in ended.outcomes.values()} == {"completed"}
    assert {stream: cluster.report(stream).pid for stream in job.streams} == pids
    assert_undisturbed(cluster, expected)


def test_a_detector_that_hangs_is_replaced(impatient, own_ray, server, expected):
    job = impatient.submit(*(server.url(f"/{name}") for name in (*TOGETHER, APART)), shape="colocated")
    pids = {stream: impatient.running(stream).pid for stream in job.streams}
    detector = own_ray.get_actor("detector/cell/colocated/0", namespace="sightline")
    hung = own_ray.get(detector.pid.remote(), timeout=120)
    os.kill(hung, signal.SIGSTOP)
    try:
        ended = impatient.ended(job)
    finally:
        with suppress(ProcessLookupError):
            os.kill(hung, signal.SIGKILL)
    assert {outcome.status for outcome in ended.outcomes.values()} == {"completed"}
    assert {stream: impatient.report(stream).pid for stream in job.streams} == pids
    now = own_ray.get_actor("detector/cell/colocated/0", namespace="sightline")
    assert own_ray.get(now.pid.remote(), timeout=120) != hung
    assert_undisturbed(impatient, expected)

"""`spread`: frames cross from node to node, as Ray itself counts them, and a node that is lost changes nothing."""

import pytest

from actors.verify import verify
from cluster.analysis import analyse
from cluster.job import Analysis
from cluster.moved import Moved, settled
from tests.clips import generated_clip
from tests.equal import assert_equal, unexplained
from tests.senders import HttpServer, paced
from tests.serve.defective import defective

pytestmark = [pytest.mark.ray, pytest.mark.timeout(600)]

SECONDS = 8
FRAMES = 200
CLIPS = ("lost.ts", "wrap.ts")
LEAST = {"video": 340, "audio": 150, "packets": 1000, "silence": 2, "black": 1, "decode_errors": 1}


@pytest.fixture(scope="module")
def server():
    """Serves the clips, each over eight seconds."""
    with HttpServer() as running:
        for name in CLIPS:
            running.routes[f"/{name}"] = paced(defective(name).read_bytes(), SECONDS)
        yield running


@pytest.fixture(scope="module")
def expected(server, tmp_path_factory):
    results = tmp_path_factory.mktemp("expected") / "results"
    sources = [server.url(f"/{name}") for name in CLIPS]
    assert {d["status"] for d in analyse(sources, Analysis(results=str(results), jobs=2))} == {"completed"}
    return results


@pytest.fixture(scope="module")
def large():
    """Pictures that are much more than the rows that are measured of them."""
    return generated_clip(seconds=FRAMES // 25, size=(640, 360))


def place(ray, cell):
    """The nodes of a cell's bundles."""
    from ray.util import get_placement_group, placement_group_table

    return placement_group_table(get_placement_group(cell))["bundles_to_node_id"]


def test_with_too_few_nodes_the_job_waits_and_says_so(cluster, nodes, own_ray):
    from serve.replica import states

    job = cluster.submit(defective("plain.mp4"), shape="spread")
    (stream,) = job.streams
    seen = cluster.wait(lambda: (w := cluster.call("watched").get(stream)) and w.waits and w)
    shown = states.job(job, {stream: seen})
    assert (shown.status, shown.streams[0].status) == ("pending", "pending")
    assert shown.streams[0].error == "spread needs 2 nodes; there is 1"
    added = nodes.add_node(num_cpus=2, object_store_memory=256 << 20)
    try:
        ended = cluster.ended(job)
        assert ended.outcomes[stream].status == "completed"
        assert states.job(ended, {}).streams[0].error is None
    finally:
        cluster.close()
        nodes.remove_node(added)


def since(before):
    """What each node has moved since then, once as many bytes were pushed as received: busy nodes report late."""
    for _ in range(4):
        meanwhile = {node: now - before[node] for node, now in settled().items()}
        whole = sum(meanwhile.values(), Moved())
        if whole.pushed == whole.received:
            break
    return meanwhile, whole


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["colocated", "spread"])
def test_the_hop_counts_what_ray_counts(cluster, own_ray, two_more, large, shape):
    """To Ray's counters come rows on their way to the recorder, if it is on another node than the decoder."""
    before = settled()
    job = cluster.ended(cluster.submit({"source": str(large), "name": shape}, shape=shape))
    cell = set(place(own_ray, f"cell/{shape}/0").values())
    meanwhile, whole = since(before)
    (usage,) = job.usage.values()
    print(f"{shape}: {usage.bytes_network} by the hop; by Ray {whole}")
    assert usage.bytes_object_store == FRAMES * (640 * 360 * 3 // 2)
    assert whole.spilled == 0
    if shape == "colocated":
        (node,) = cell
        assert usage.bytes_network == meanwhile[node].received == 0
        assert whole.pushed == whole.received < usage.bytes_object_store / 100
    else:
        assert usage.bytes_network == usage.bytes_object_store
        assert len(cell) == 2
        assert whole.received == pytest.approx(usage.bytes_network, rel=0.05)
        assert whole.pushed == pytest.approx(usage.bytes_network, rel=0.05)


@pytest.mark.slow
def test_the_detectors_node_is_lost_and_another_takes_over(cluster, nodes, two_more, own_ray, server, expected):
    head = nodes.head_node.node_id
    with whole_node(own_ray, head):
        job = cluster.submit(*(server.url(f"/{name}") for name in CLIPS), shape="spread")
        pids = {stream: cluster.running(stream).pid for stream in job.streams}
        decoders, detectors = (place(own_ray, "cell/spread/0")[bundle] for bundle in (0, 1))
        assert len({head, decoders, detectors}) == 3
    nodes.remove_node(next(node for node in two_more if node.node_id == detectors), allow_graceful=False)
    cluster.wait(lambda: ended_by_now(own_ray, cluster, job), 150)
    ended = cluster.job(job)
    assert {outcome.status for outcome in ended.outcomes.values()} == {"completed"}
    assert {stream: cluster.report(stream).pid for stream in pids} == pids
    assert verify(cluster.uri) == []
    assert unexplained(cluster.uri) == {}
    assert assert_equal(cluster.uri, expected, **LEAST).streams == len(CLIPS)


def ended_by_now(ray, cluster, job):
    """Whether all streams have ended; a supervisor that was on the lost node is waited for."""
    try:
        return not cluster.job(job).open
    except ray.exceptions.RayActorError:
        return False


def whole_node(ray, node):
    """Keep all processors of a node meanwhile, so that nothing else is placed there."""
    from contextlib import contextmanager

    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    class Sitter:
        def here(self):
            return True

    @contextmanager
    def held():
        sitter = ray.remote(Sitter).options(
            num_cpus=4, scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False)
        ).remote()  # fmt: skip
        assert ray.get(sitter.here.remote(), timeout=120)
        try:
            yield
        finally:
            ray.kill(sitter)

    return held()

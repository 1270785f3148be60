"""One Ray for all tests here; each test has a results folder and a supervisor of its own."""

import pytest

from tests.cluster import harness


@pytest.fixture(scope="session")
def nodes():
    """The nodes of that Ray: one, with four logical processors, and those that a module adds."""
    with harness.own_nodes() as started:
        yield started


@pytest.fixture(scope="session")
def own_ray(nodes):
    """Ray, connected."""
    import ray

    return ray


@pytest.fixture(scope="module")
def two_more(nodes):
    """Two more nodes, for as long as the module's tests run."""
    added = [nodes.add_node(num_cpus=2, object_store_memory=256 << 20) for _ in range(2)]
    yield added
    for node in added:
        if node in nodes.worker_nodes:
            nodes.remove_node(node)


@pytest.fixture
def cluster(own_ray, tmp_path):
    made = harness.Cluster(own_ray, tmp_path / "results")
    yield made
    made.close()

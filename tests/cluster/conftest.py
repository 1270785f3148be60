"""One Ray for all tests here; each test has a results folder and a supervisor of its own."""

import pytest

from tests.cluster import harness


@pytest.fixture(scope="session")
def own_ray():
    """Ray with four logical processors."""
    with harness.own_ray() as ray:
        yield ray


@pytest.fixture
def cluster(own_ray, tmp_path):
    made = harness.Cluster(own_ray, tmp_path / "results")
    yield made
    made.close()

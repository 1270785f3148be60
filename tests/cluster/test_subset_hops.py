"""A hop to several detectors on several nodes: rows as from one, frames counted for each node, one death alone."""

import os
import signal

import numpy as np
import pytest

from actors.hop import Direct
from actors.measure.picture import PictureMeter
from cluster.subsets import GROUP_SECONDS, parts, split
from tests.cluster.test_hops import batches, rows_of

pytestmark = [pytest.mark.ray, pytest.mark.timeout(120)]

WANTED = frozenset(metric.name for metric in PictureMeter.metrics)
SIZES = (5, 3, 1, 6)
FRAME_BYTES = 360 * 672 + 2 * 180 * 352


def subsets(count):
    """All groups, parted among so many."""
    need = parts(1.0)
    found = split(need, {1: 2.0, 2: max(need.values()), 3: max(need.values())}[count])
    groups = [subset.metrics for subset in found]
    return groups if len(groups) == count else [*groups[:-1], *(split_last(found[-1]))]


def split_last(subset):
    return [frozenset(type(subset)((group,), 0.0).metrics) for group in subset.groups]


@pytest.fixture
def detectors(own_ray, two_more, nodes):
    """A detector on each of three nodes: the driver's, and two others."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    from actors.remote import DetectorActor

    class Counting(DetectorActor):
        """A detector that counts how often it is asked."""

        asked = 0

        def measure(self, wanted, batch, *earlier):
            self.asked += 1
            return super().measure(wanted, batch, *earlier)

        def count(self):
            return self.asked

    made = [
        own_ray.remote(Counting).options(
            num_cpus=0.1, max_restarts=-1, scheduling_strategy=NodeAffinitySchedulingStrategy(node.node_id, soft=False)
        ).remote() for node in (nodes.head_node, *two_more)
    ]  # fmt: skip
    yield made
    for one in made:
        own_ray.kill(one)


def hop_to(detectors, count):
    from cluster.ends import Detector
    from cluster.hops import ObjectStore

    wanted = subsets(count)
    finds = [lambda one=one: one for one in detectors[:count]]
    others = [Detector(find, metrics) for find, metrics in zip(finds[1:], wanted[1:], strict=True)]
    return ObjectStore(finds[0], wanted[0], others=others)


def assert_alike(here, there):
    """Every column of every batch; gives how many values were compared."""
    compared = 0
    for mine, other in zip(here, there, strict=True):
        assert mine.columns.keys() == other.columns.keys()
        assert (mine.track, mine.first_row, mine.window, mine.format) == (
            other.track, other.first_row, other.window, other.format,
        )  # fmt: skip
        for name, values in mine.columns.items():
            np.testing.assert_array_equal(values, other.columns[name], err_msg=name)
            compared += values.size
    return compared


@pytest.mark.parametrize("count", [2, 3])
def test_rows_are_those_of_one_pass_and_each_node_is_sent_every_frame_once(detectors, count):
    assert len(subsets(count)) == count
    assert frozenset().union(*subsets(count)) == WANTED
    sent = batches(SIZES, np.random.default_rng(7))
    hop = hop_to(detectors, count)
    there = rows_of(hop, sent)
    assert assert_alike(rows_of(Direct(WANTED), sent), there) > 150 * sum(SIZES)
    written = sum(SIZES) * FRAME_BYTES
    assert (hop.traffic.bytes_object_store, hop.traffic.bytes_network) == (written, (count - 1) * written)
    assert hop.traffic.batches == len(SIZES)
    assert hop.traffic.copies == count * len(SIZES)
    assert hop.traffic.cpu_seconds > 0
    assert hop.traffic.peak_memory_bytes > count * (50 << 20)


def test_one_dies_and_is_sent_again_what_is_under_way_and_nobody_else_is(own_ray, detectors):
    sent = batches((3,) * 12, np.random.default_rng(8))
    hop = hop_to(detectors, 3)
    there = [rows for batch in sent[:6] for rows in hop.send(batch)]
    os.kill(own_ray.get(detectors[1].pid.remote(), timeout=30), signal.SIGKILL)
    there += [rows for batch in sent[6:] for rows in hop.send(batch)]
    there += hop.drain()
    assert assert_alike(rows_of(Direct(WANTED), sent), there) > 150 * 36
    first, _, third = own_ray.get([one.count.remote() for one in detectors], timeout=60)
    assert (first, third) == (12, 12)
    assert hop._bytes == 0


def test_a_batch_is_under_way_until_all_have_answered(detectors):
    from cluster.ends import Detector
    from cluster.hops import ObjectStore

    sent = batches((4,) * 8, np.random.default_rng(9))
    size = 4 * FRAME_BYTES
    wanted = subsets(2)
    hop = ObjectStore(
        lambda: detectors[0], wanted[0], credit=2 * size, others=[Detector(lambda: detectors[1], wanted[1])]
    )  # fmt: skip
    for batch in sent:
        list(hop.send(batch))
        assert hop._bytes <= 2 * size
    assert len(list(hop.drain())) <= 2
    assert hop._bytes == 0


def test_the_groups_are_those_that_are_parted():
    assert len(GROUP_SECONDS) == 3
    assert [sorted(one) for one in subsets(1)] == [sorted(WANTED)]

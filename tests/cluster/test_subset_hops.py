"""A hop to several detectors on several nodes: rows as from one, frames counted for each node, one death alone.

Some of them decode the source again; frames are sent wherever that cannot be.
"""

import os
import signal

import numpy as np
import pytest

from actors.again import batches as pictures
from actors.hop import Direct
from actors.limits import Limits
from actors.measure.picture import PictureMeter
from actors.source import open_source
from cluster.subsets import parts, split
from tests.clips import generated_clip
from tests.cluster.test_hops import batches, rows_of
from tests.serve.defective import defective

pytestmark = [pytest.mark.ray, pytest.mark.timeout(600)]

WANTED = frozenset(metric.name for metric in PictureMeter.metrics)
SIZES = (5, 3, 1, 6)
FRAME_BYTES = 360 * 672 + 2 * 180 * 352


def subsets(count):
    """All groups, parted among so many."""
    return [subset.metrics for subset in split(parts(1.0), {1: 2.0, 2: 0.6, 3: 0.4}[count])]


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


@pytest.mark.parametrize("count", [2, pytest.param(3, marks=pytest.mark.slow)])
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
    os.kill(own_ray.get(detectors[1].pid.remote(), timeout=120), signal.SIGKILL)
    there += [rows for batch in sent[6:] for rows in hop.send(batch)]
    there += hop.drain()
    assert assert_alike(rows_of(Direct(WANTED), sent), there) > 150 * 36
    first, _, third = own_ray.get([one.count.remote() for one in detectors], timeout=120)
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
    assert [len(subsets(count)) for count in (1, 2, 3)] == [1, 2, 3]
    assert [sorted(one) for one in subsets(1)] == [sorted(WANTED)]


def owners(source):
    """The batches of a file, as its owner sends them."""
    with open_source(source) as opened:
        return list(pictures(opened, Limits()))


def beside(ray, detectors, source, actor=None):
    """A hop to a detector, and to what decodes a source on another node again, with a detector there, too."""
    from actors.remote_again import AgainActor
    from cluster.ends import Again, Detector
    from cluster.hops import ObjectStore

    wanted = subsets(2)
    made = ray.remote(actor or AgainActor).options(num_cpus=0.1)
    end = Again(
        "stream", lambda: made.remote(str(source), Limits(), None, wanted[1]),
        Detector(lambda: detectors[1], wanted[1]),
    )  # fmt: skip
    return ObjectStore(lambda: detectors[0], wanted[0], others=[end]), end


@pytest.fixture
def told(caplog):
    caplog.set_level("INFO", "cluster.ends")
    return lambda: [record.getMessage() for record in caplog.records if record.name == "cluster.ends"]


def bytes_of(sent):
    return sum(plane.lines.nbytes for batch in sent for frame in batch.frames for plane in frame.planes)


def test_what_decodes_again_is_asked_from_the_first_batch_on_that_is_not_recorded(own_ray, detectors, told):
    source = generated_clip(seconds=70, size=(64, 48), rate=5, layout=None)
    sent = [batch for batch in owners(source) if batch.window == 1]
    assert sum(len(batch.frames) for batch in sent) >= 45
    hop, end = beside(own_ray, detectors, source)
    hop.begin(live=False, recorded={"video/v:0": 0})
    there = rows_of(hop, sent)
    assert assert_alike(rows_of(Direct(WANTED), sent), there) > 150 * 45
    assert (hop.traffic.bytes_object_store, hop.traffic.bytes_network) == (bytes_of(sent), 0)
    assert hop.traffic.copies == hop.traffic.batches == len(sent)
    assert end.peak_bytes > 50 << 20
    assert hop.traffic.peak_memory_bytes > end.peak_bytes
    hop.close()
    assert not end.marks
    assert told() == []


def test_frames_are_sent_where_another_file_is_under_that_name_there(own_ray, detectors, told):
    sent = owners(defective("plain.mp4"))
    hop, _ = beside(own_ray, detectors, defective("wrap.ts"))
    hop.begin(live=False, recorded={})
    assert assert_alike(rows_of(Direct(WANTED), sent), rows_of(hop, sent)) > 150 * 150
    assert hop.traffic.bytes_network == hop.traffic.bytes_object_store == bytes_of(sent)
    (line,) = told()
    assert line.startswith("stream: is not decoded again any more, frames are sent: its pictures from 0 of v:0 on")


def test_frames_are_sent_from_where_there_is_no_answer_on(own_ray, detectors, told, monkeypatch):
    import time

    from actors.remote_again import AgainActor
    from cluster import hops

    class Slow(AgainActor):
        def measure(self, track, first_row, marked):
            if first_row > 60:
                time.sleep(600)
            return super().measure(track, first_row, marked)

    monkeypatch.setattr(hops, "CALL_SECONDS", 3.0)
    sent = owners(defective("plain.mp4"))
    hop, _ = beside(own_ray, detectors, defective("plain.mp4"), Slow)
    hop.begin(live=False, recorded={})
    assert assert_alike(rows_of(Direct(WANTED), sent), rows_of(hop, sent)) > 150 * 150
    late = bytes_of([batch for batch in sent if batch.first_row > 60])
    assert 0 < late <= hop.traffic.bytes_network <= bytes_of(sent)
    assert told() == ["stream: is not decoded again any more, frames are sent: no answer in time"]


def test_a_live_source_is_not_decoded_again(detectors, own_ray, told):
    sent = batches((3, 3), np.random.default_rng(10))
    hop, end = beside(own_ray, detectors, "udp://127.0.0.1:5000")
    hop.begin(live=True, recorded={})
    assert not end.marks
    assert assert_alike(rows_of(Direct(WANTED), sent), rows_of(hop, sent)) > 150 * 6
    assert hop.traffic.bytes_network == bytes_of(sent)
    assert told() == ["stream: on air, so frames are sent, and it is not decoded again"]

"""The object store as a hop: rows as from `Direct`, frames read where they lie, little under way, retries."""

from pathlib import Path

import numpy as np
import pytest

from actors.clock import Stamp, TimeBase
from actors.hop import Direct
from actors.media import Batch, Frame, Plane, VideoFormat

pytestmark = pytest.mark.ray

FORMAT = VideoFormat("h264", 640, 360, "yuv420p", 8, 1, 1, 3, "limited", "sdr")
WANTED = frozenset({"luma_mean", "difference", "block_difference", "signature"})
BASE = TimeBase(1, 25)


def frames(first, count, rng, *, clean=True):
    made = []
    sizes = ((360, 640), (180, 320), (180, 320))
    for number in range(first, first + count):
        planes = tuple(Plane(rng.integers(16, 235, (h, w + 32), dtype=np.uint8), w) for h, w in sizes)
        made.append(Frame(Stamp(0, 0, number, number), 1, planes, False, False, 100, clean or number > first, 1))
    return tuple(made)


def batches(sizes, rng, track="v:0"):
    """Batches of these many frames as `VideoBatcher` gives them: with at most two frames of context."""
    made, row, earlier = [], 0, ()
    for size in sizes:
        own = frames(row, size, rng)
        made.append(Batch(track, BASE, FORMAT, own, earlier, row, 0))
        earlier, row = (earlier + own)[-2:], row + size
    return made


@pytest.fixture(scope="module")
def detector(own_ray):
    from actors.remote import DetectorActor

    class Witness(DetectorActor):
        """A detector that also tells where the frames that it sees lie, and that can be held up."""

        def measure(self, wanted, batch, *earlier):
            self.seen = [plane.lines for frame in batch.frames for plane in frame.planes]
            self.context = sum(len(one.frames) for one in earlier) or len(batch.context)
            return super().measure(wanted, batch, *earlier)

        def where(self):
            """For each array: whether it owns its memory, whether it may be written, and the file it is mapped from."""
            maps = []
            for line in Path("/proc/self/maps").read_text().splitlines():
                span, *_, name = line.split(maxsplit=5)
                low, high = (int(part, 16) for part in span.split("-"))
                maps.append((low, high, name))
            found = []
            for lines in self.seen:
                at = lines.__array_interface__["data"][0]
                name = next((name for low, high, name in maps if low <= at < high), "")
                found.append((lines.flags.owndata, lines.flags.writeable, name))
            return found

        def contexts(self):
            return self.context

    handle = own_ray.remote(Witness).options(num_cpus=0.1).remote()
    yield handle
    own_ray.kill(handle)


@pytest.fixture
def hop(detector):
    from cluster.hops import ObjectStore

    return ObjectStore(lambda: detector, WANTED)


def rows_of(hop, sent):
    found = [rows for batch in sent for rows in hop.send(batch)]
    return [*found, *hop.drain()]


@pytest.mark.parametrize("sizes", [(5, 5, 3), (1, 1, 1, 4), (2, 1, 7)])
def test_rows_are_those_of_direct(hop, sizes):
    sent = batches(sizes, np.random.default_rng(1))
    here, there = rows_of(Direct(WANTED), sent), rows_of(hop, sent)
    assert [rows.first_row for rows in there] == [batch.first_row for batch in sent]
    compared = 0
    for mine, other in zip(here, there, strict=True):
        assert mine.columns.keys() == other.columns.keys()
        for name, values in mine.columns.items():
            np.testing.assert_array_equal(values, other.columns[name])
            compared += values.size
    assert compared > 100 * sum(sizes)
    assert hop.traffic.batches == hop.traffic.copies == len(sizes)
    assert hop.traffic.bytes_object_store == sum(sizes) * (360 * 672 + 2 * 180 * 352)
    assert hop.traffic.cpu_seconds > 0


def test_tracks_do_not_take_each_others_context(hop, detector, own_ray):
    rng = np.random.default_rng(4)
    tracks = [batches((3, 2, 3, 1), rng, f"v:{number}") for number in range(2)]
    sent = [batch for both in zip(*tracks, strict=True) for batch in both]
    here, there = rows_of(Direct(WANTED), sent), rows_of(hop, sent)
    compared = 0
    for mine, other in zip(here, there, strict=True):
        assert (mine.track, mine.first_row) == (other.track, other.first_row)
        for name, values in mine.columns.items():
            np.testing.assert_array_equal(values, other.columns[name])
            compared += values.size
    assert compared > 100 * 18
    assert own_ray.get(detector.contexts.remote(), timeout=120) == 3, "the batch before it, sent by reference"


def test_context_that_was_not_sent_travels_with_the_batch(hop):
    sent = batches((4, 4, 4), np.random.default_rng(2))
    here, there = rows_of(Direct(WANTED), sent[2:]), rows_of(hop, [sent[2]])
    np.testing.assert_array_equal(here[0].columns["difference"], there[0].columns["difference"])
    assert not np.isnan(there[0].columns["difference"]).any()


def test_frames_are_read_where_they_lie(own_ray, hop, detector):
    rows_of(hop, batches((4,), np.random.default_rng(3)))
    found = own_ray.get(detector.where.remote(), timeout=120)
    assert len(found) == 12
    for owns, writes, name in found:
        assert not owns
        assert not writes
        assert name.startswith("/dev/shm/") or "plasma" in name


def test_no_more_than_the_credit_is_under_way(detector):
    from cluster.hops import ObjectStore

    sent = batches((4,) * 12, np.random.default_rng(4))
    size = 4 * (360 * 672 + 2 * 180 * 352)
    hop = ObjectStore(lambda: detector, WANTED, credit=2 * size)
    for batch in sent:
        for _ in hop.send(batch):
            pass
        assert hop._bytes <= 2 * size
    assert len(list(hop.drain())) <= 2
    assert hop._bytes == 0
    assert hop.traffic.batches == 12

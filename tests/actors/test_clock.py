"""The clock: wraps, jumps, epochs, as properties over sequences of packets."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.clock import WRAP, StreamClock, TimeBase

MPEG = TimeBase(1, 90_000)
FRAME = 3600


def run(packets, *, track="v:0", base=MPEG, clock=None, start=None, wraps=True):
    """Step through (pts, dts) pairs and give the stamps."""
    clock = clock or StreamClock.starting(base.exact(packets[0][0] if start is None else start))
    stamps = []
    for pts, dts in packets:
        clock, stamp = clock.step(track, base, pts, dts, FRAME, wraps=wraps)
        stamps.append(stamp)
    return clock, stamps


bases = st.builds(TimeBase, st.integers(1, 1001), st.integers(1, 96_000))


@given(bases, st.integers(-(10**12), 10**12))
def test_seconds_to_ticks_rounds_outwards(base, ticks):
    exact = base.exact(ticks)
    assert base.ceil(exact) == base.floor(exact) == ticks
    assert base.ceil(exact - Fraction(1, 10**9)) in (ticks, ticks - 1 if base.exact(1) <= Fraction(1, 10**9) else ticks)
    assert base.exact(base.ceil(exact + Fraction(1, 7))) >= exact + Fraction(1, 7)
    assert base.exact(base.floor(exact + Fraction(1, 7))) <= exact + Fraction(1, 7)


def test_a_float_is_read_as_its_shortest_decimal():
    assert MPEG.ceil(0.1) == 9000
    assert MPEG.ceil(2.0) == 180_000


def test_a_time_base_is_positive():
    with pytest.raises(ValueError, match="positive"):
        TimeBase(0, 1)


@given(st.integers(0, WRAP - 1), st.lists(st.integers(1, 9 * 90_000), min_size=1, max_size=60))
def test_a_wrap_is_no_break(start, steps):
    """Whatever the start, a source that only moves forward stays in epoch 0 and its timeline is exact."""
    true = [start]
    for step in steps:
        true.append(true[-1] + step)
    _, stamps = run([(value % WRAP, value % WRAP) for value in true])
    assert [stamp.epoch for stamp in stamps] == [0] * len(true)
    assert [stamp.time for stamp in stamps] == [value - start for value in true]
    assert [stamp.pts + stamp.wrap * WRAP for stamp in stamps] == true


@given(st.integers(0, WRAP - 1), st.integers(0, 5))
def test_pts_beyond_the_wrap_of_its_dts(start, delay):
    """B-frames: the PTS wraps a few frames before the DTS does."""
    packets = [((start + i * FRAME + delay * FRAME) % WRAP, (start + i * FRAME) % WRAP) for i in range(40)]
    _, stamps = run(packets)
    times = [stamp.time for stamp in stamps]
    assert {b - a for a, b in pairwise(times)} == {FRAME}
    assert times[0] == 0


@pytest.mark.parametrize("jump", [-2 * 90_000, 11 * 90_000, 3600 * 90_000, -20 * 90_000])
def test_a_jump_begins_an_epoch_where_the_track_ended(jump):
    packets = [(10**7 + i * FRAME + (jump if i >= 25 else 0),) * 2 for i in range(50)]
    clock, stamps = run(packets)
    assert [stamp.epoch for stamp in stamps] == [0] * 25 + [1] * 25
    assert [stamp.time for stamp in stamps] == [i * FRAME for i in range(50)]
    assert len(clock.epochs) == 2


@pytest.mark.parametrize("jump", [-80_000, 9 * 90_000])
def test_a_small_step_is_a_gap_and_no_epoch(jump):
    packets = [(10**7 + i * FRAME + (jump if i >= 25 else 0),) * 2 for i in range(50)]
    _, stamps = run(packets)
    assert {stamp.epoch for stamp in stamps} == {0}
    assert stamps[25].time - stamps[24].time == FRAME + jump


@given(st.integers(-90_000 * 3600, 90_000 * 3600).filter(lambda j: not -110_000 < j < 11 * 90_000), st.integers(0, 8))
def test_tracks_keep_their_distance_through_a_jump(jump, lag):
    """Sound that jumps by as much as the picture, a little later, lands in the same epoch at the same distance."""
    sound = TimeBase(1, 90_000)
    origin = 3600 * 90_000 * 2
    clock = StreamClock.starting(MPEG.exact(origin))
    times = {"v:0": [], "a:0": []}
    for i in range(60):
        for track, late in (("v:0", 0), ("a:0", lag)):
            pts = origin + i * FRAME + (jump if i >= 30 + late else 0)
            if late and 30 <= i < 30 + late:
                continue  # the sound of that stretch is missing
            clock, stamp = clock.step(track, sound, pts, pts, FRAME, wraps=False)
            times[track].append((i, stamp))
    assert len(clock.epochs) == 2
    assert all(stamp.time == i * FRAME for track in times for i, stamp in times[track])
    assert times["a:0"][-1][1].epoch == times["v:0"][-1][1].epoch == 1


def test_a_cut_begins_an_epoch_without_a_jump():
    clock, _ = run([(i * FRAME, i * FRAME) for i in range(10)])
    clock, stamps = run([(10 * FRAME, 10 * FRAME)], clock=clock.cut("v:0"))
    assert (stamps[0].epoch, stamps[0].time) == (1, 10 * FRAME)
    assert clock.cut("a:7") is clock


def test_tracks_that_start_on_both_sides_of_a_wrap():
    clock = StreamClock.starting(MPEG.exact(WRAP - 9000))
    clock, sound = clock.step("a:0", MPEG, WRAP - 9000, WRAP - 9000, 1920, wraps=True)
    clock, picture = clock.step("v:0", MPEG, 900, 900, FRAME, wraps=True)
    assert (sound.time, sound.wrap) == (0, 0)
    assert (picture.time, picture.wrap) == (9900, 1)


@given(st.lists(st.integers(-(2**40), 2**40), min_size=2, max_size=50))
def test_hostile_timestamps_never_step_back_more_than_a_second(values):
    _, stamps = run([(value, value) for value in values], wraps=False)
    for earlier, later in pairwise(stamps):
        assert later.time - earlier.time >= -90_000
        assert later.time - earlier.time <= 10 * 90_000 + FRAME

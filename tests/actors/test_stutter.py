import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.detectors.stutter import Stutter, StutterThresholds
from tests.actors.rows import BASE, FRAME, check_splits, joined, judged, video


def moving(n, seed=0, level=2.0):
    """Luma changes of n frames that move unevenly."""
    return np.random.default_rng(seed).uniform(0.5, 1.5, n) * level


def repeated(n, places, period, **more):
    """The same, with frames at some places of each period that hardly change."""
    return np.where(np.isin(np.arange(n) % period, places), 0.05, 1) * moving(n, **more)


def found(changes, **columns):
    changes = np.concatenate(([np.nan], changes[1:]))
    events = judged(Stutter(), [video(len(changes), luma_difference=changes, **columns)])
    return [
        (event.part, BASE.seconds(event.start), BASE.seconds(event.end), round(event.peak, 2), event.cause)
        for event in events if event.kind == "closed"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("places", "period"), [([1], 2), ([2], 3), ([4], 5), ([1, 3, 4], 5), ([1, 2, 3], 4), ([5], 6), ([1, 2], 3)]
)
def test_a_pattern_is_found_from_its_first_repeat_to_its_last(places, period):
    changes = np.concatenate((moving(60), repeated(60, places, period), moving(90)))
    ((part, start, end, peak, cause),) = found(changes)
    assert (part, cause) == ("repeats", f"{len(places)} of {period}")
    assert peak == pytest.approx(25 * len(places) / period, abs=0.01)
    assert start == (60 + places[0]) / 25
    assert end == (120 - period + places[-1] + 1) / 25


def test_repeats_without_a_pattern_are_none():
    changes = moving(200)
    changes[np.random.default_rng(1).random(200) < 0.3] *= 0.05
    assert found(changes) == []


def test_what_moves_is_none_and_what_rests_is_none():
    assert found(moving(200)) == []
    assert found(np.zeros(200)) == []
    assert found(repeated(200, [1], 2, level=0.1)) == []


def test_a_cut_does_not_divide_a_pattern():
    changes = repeated(150, [4], 5)
    changes[75] = 40
    assert found(changes) == [("repeats", 0.16, 6.0, 5.0, "1 of 5")]


def test_too_few_frames_are_no_pattern():
    assert found(np.concatenate((moving(60), repeated(20, [1], 2), moving(60)))) == []


def spaced(steps):
    time = np.concatenate(([0], np.cumsum(steps)))
    return {"time": time, "duration": np.diff(time, append=time[-1] + FRAME)}


@pytest.mark.parametrize(("step", "late"), [(4.7, False), (4.76, True), (15, True)])
def test_a_late_frame_is_found_from_when_it_was_due(step, late):
    steps = np.full(99, FRAME)
    steps[50] = round(step * FRAME)
    expected = [("late", 51 / 25, (50 + step) / 25, round(40 * (step - 1), 2), "")] if late else []
    assert found(moving(100), **spaced(steps)) == [pytest.approx(one) for one in expected]


def test_slow_sources_are_late_by_their_own_measure():
    steps = np.full(99, 5 * FRAME)
    steps[50] = 14 * FRAME
    assert found(moving(100), **spaced(steps)) == []
    steps[50] = 15 * FRAME
    assert [part for part, *_ in found(moving(100), **spaced(steps))] == ["late"]


def test_what_is_awaited_for_two_seconds_is_a_freeze():
    steps = np.full(99, FRAME)
    steps[50] = 50 * FRAME
    assert found(moving(100), **spaced(steps)) == []
    steps[50] = 49 * FRAME
    assert [part for part, *_ in found(moving(100), **spaced(steps))] == ["late"]


def test_what_we_skipped_is_not_late():
    steps = np.full(99, FRAME)
    steps[50] = 30 * FRAME
    changes = moving(100)
    changes[51] = np.nan
    assert found(changes, **spaced(steps)) == []


def test_late_frames_close_together_are_one_incident():
    steps = np.full(199, FRAME)
    steps[[50, 70, 190]] = 8 * FRAME
    rows = video(200, luma_difference=moving(200), **spaced(steps))
    messages = [event.message for event in judged(Stutter(), [rows]) if event.kind == "closed"]
    assert messages == ["a picture comes 280 ms late, 2 times", "a picture comes 280 ms late"]


def test_every_picture_can_be_judged():
    assert Stutter().unknown("h264 320x180 yuv420p 8 113 limited sdr") is None


PIECES = st.lists(
    st.tuples(st.sampled_from([([], 2), ([1], 2), ([4], 5), ([1, 2, 3], 4)]), st.integers(1, 80), st.booleans(),
              st.sampled_from([1, 1, 9])), min_size=1, max_size=6,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(pieces=PIECES, sizes=st.lists(st.integers(1, 60), max_size=12))
def test_any_split_and_restart_give_the_same_events(pieces, sizes):
    parts, clock = [], 0
    for number, ((places, period), n, begins, step) in enumerate(pieces):
        changes = repeated(n, places, period, seed=number)
        changes[0] = np.nan if begins or not number else changes[0]
        time = clock + np.arange(n) * FRAME
        time[n // 2 :] += (step - 1) * FRAME
        clock = int(time[-1]) + FRAME
        parts.append(video(n, time=time, duration=np.diff(time, append=clock), luma_difference=changes))
    check_splits(Stutter(StutterThresholds(hold_seconds=0.4)), joined(*parts), sizes)


def test_the_property_above_compares_events():
    changes = np.concatenate((repeated(60, [1], 2), moving(60), repeated(60, [4], 5)))
    steps = np.full(179, FRAME)
    steps[90] = 9 * FRAME
    rows = video(180, luma_difference=changes, **spaced(steps))
    assert len(check_splits(Stutter(), [rows], [7, 40, 1, 1, 30])) >= 6

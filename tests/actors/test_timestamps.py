"""Gaps, steps back and jumps of timestamps, and the many ways of sources that have none."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.clock import WRAP, TimeBase
from actors.detectors.timestamps import Timestamps
from actors.media import MISSING
from tests.actors.rows import FRAME, check_splits, closed, joined, judged, packets


def spaced(intervals, **more):
    return packets(len(intervals) + 1, time=np.concatenate(([0], np.cumsum(intervals))), **more)


def found(*parts):
    return closed(judged(Timestamps(), list(parts)))


def test_a_gap_is_where_the_frames_are_missing():
    assert found(spaced([FRAME] * 49 + [16 * FRAME] + [FRAME] * 99)) == [(2.0, 2.6, "gap")]


def test_half_a_frame_is_no_gap_and_more_is():
    assert found(spaced([FRAME] * 49 + [FRAME * 3 // 2] + [FRAME] * 99)) == []
    assert len(found(spaced([FRAME] * 49 + [FRAME * 3 // 2 + 1] + [FRAME] * 99))) == 1


def test_a_declared_gap_breaks_a_cadence():
    duration = np.full(150, FRAME)
    duration[49] = 16 * FRAME
    assert len(found(spaced([FRAME] * 49 + [16 * FRAME] + [FRAME] * 99, duration=duration))) == 1


def early(before, after, step=16 * FRAME):
    """A gap that the container declares, between so many intervals."""
    intervals = np.array([FRAME] * before + [step] + [FRAME] * after)
    return spaced(intervals, duration=np.append(intervals, FRAME))


@pytest.mark.parametrize("before", [8, 12, 24])
def test_a_declared_gap_before_there_is_a_cadence_is_told_once_there_is_one(before):
    events = judged(Timestamps(), [early(before, 60)])
    end = (before + 16) / 25
    assert closed(events) == [(pytest.approx(end - 0.6), pytest.approx(end), "gap")]
    assert events[0].peak == pytest.approx(0.6)
    assert events[0].at == (before + 16 + 25 + 1) * FRAME
    assert len(found(early(before, 25))) == 1
    assert found(early(before, 24)) == []


def test_no_cadence_before_it_or_none_after_it_and_no_other_step_are_no_gap():
    assert found(early(7, 300)) == []
    assert found(early(12, 60, step=FRAME // 2)) == []
    intervals = [FRAME] * 12 + [16 * FRAME] + ([FRAME] * 10 + [2 * FRAME]) * 30
    assert found(spaced(intervals, duration=np.append(intervals, FRAME))) == []
    slower = [FRAME] * 12 + [16 * FRAME] + [2 * FRAME] * 100
    assert found(spaced(slower, duration=np.append(slower, FRAME))) == []


@settings(max_examples=60, deadline=None)
@given(st.integers(6, 26), st.integers(20, 40), st.integers(0, 70), st.lists(st.integers(1, 30), max_size=12))
def test_an_early_gap_is_the_same_in_any_split(before, after, border, sizes):
    rows = early(before, after)
    half = rows.slice(min(border, len(rows)), len(rows))
    half.columns["epoch"][:] = 1
    check_splits(Timestamps(), joined(rows.slice(0, border), half) if 0 < border < len(rows) else [rows], sizes)


def test_declared_durations_of_a_variable_source_are_no_gaps():
    intervals = np.random.default_rng(1).choice([FRAME, 2 * FRAME, 9 * FRAME, 40 * FRAME], 400)
    assert found(spaced(intervals, duration=np.append(intervals, FRAME))) == []


def test_the_gap_is_found_among_frames_that_are_reordered():
    shown = np.arange(100)
    shown[60:] += 15
    order = np.concatenate([[k, k - 2, k - 1] for k in range(2, 98, 3)])
    time = shown[order] * FRAME
    dts = np.sort(time) - 2 * FRAME
    assert found(packets(len(time), time=time, dts=dts)) == [(2.4, 3.0, "gap")]


def test_timestamps_rounded_to_a_millisecond_are_no_gaps():
    time = np.round(np.arange(500) * 1000 / 29.97).astype(np.int64)
    assert found(packets(500, time=time, duration=33, base=TimeBase(1, 1000))) == []


def test_jitter_without_durations_is_no_gap():
    intervals = np.random.default_rng(2).integers(62, 73, 300)
    assert found(spaced(intervals, duration=0, base=TimeBase(1, 1000))) == []


def test_packets_without_dts_say_nothing():
    assert found(packets(90, dts=np.full(90, MISSING))) == []
    dts = np.arange(90) * FRAME
    dts[:2] = MISSING
    assert found(packets(90, dts=dts)) == []


def test_a_step_back():
    (only,) = found(spaced([FRAME] * 49 + [-5 * FRAME] + [FRAME] * 99))
    assert only == (1.76, 1.8, "back")


def said(*parts):
    return judged(Timestamps(), list(parts))[-1].message


def jumped(seconds, order=None):
    """A new epoch: what the source says moves by so much, what is shown goes on."""
    time = np.arange(150) * FRAME
    time[:50] = time[:50] if order is None else time[:50][order]
    rows = packets(150, time=np.arange(150) * FRAME)
    rows.columns["pts_time"], rows.columns["pts"] = time, time + 7
    rows.columns["epoch"][50:] = 1
    rows.columns["pts"][50:] += round(seconds * 25 * FRAME)
    return joined(rows.slice(0, 50), rows.slice(50, 150))


@pytest.mark.parametrize(("seconds", "words"), [
    (-3, "timestamps jump back by 3.000 s"), (12, "timestamps jump forward by 12.000 s"),
    (-0.04, "timestamps jump back by 0.040 s"),
])  # fmt: skip
def test_a_jump_is_said_as_a_viewer_of_the_timeline_reads_it(seconds, words):
    reordered = np.arange(50)
    reordered[47:] = [49, 47, 48]
    for order in (None, reordered):
        assert said(*jumped(seconds, order)) == words


def test_a_step_back_is_said_from_where_time_should_have_gone_on():
    assert said(spaced([FRAME] * 49 + [-5 * FRAME] + [FRAME] * 99)) == "timestamps step back by 0.240 s"


def test_a_new_epoch_is_a_jump_and_its_size_is_what_the_source_says():
    first, second = packets(50), packets(100, time=np.arange(50, 150) * FRAME, epoch=1)
    second.columns["pts"][:] += 10 * 25 * FRAME
    events = judged(Timestamps(), joined(first, second))
    assert closed(events) == [(2.0, 2.04, "jump")]
    assert events[-1].peak == 10.0


def test_a_wrap_is_none():
    rows = packets(150)
    rows.columns["pts"][60:] -= WRAP
    rows.columns["wrap"][60:] = 1
    assert found(rows) == []


@pytest.mark.parametrize(("apart", "incidents"), [(20, 1), (200, 2)])
def test_a_burst_is_one_incident_and_its_peak_the_largest(apart, incidents):
    intervals = [FRAME] * 60 + [5 * FRAME] + [FRAME] * apart + [9 * FRAME] + [FRAME] * 80
    events = judged(Timestamps(), [spaced(intervals)])
    assert len(closed(events)) == incidents
    assert max(event.peak for event in events) == pytest.approx(0.32)


INTERVAL = st.sampled_from([FRAME, FRAME, FRAME + 20, 2 * FRAME, 7 * FRAME, -3 * FRAME, 300 * FRAME, 0])


@settings(max_examples=120, deadline=None)
@given(
    st.lists(st.tuples(INTERVAL, st.sampled_from([1, 2, 26, 60, 300])), min_size=1, max_size=12),
    st.sampled_from([0, FRAME]), st.sets(st.integers(0, 300), max_size=4), st.lists(st.integers(1, 70), max_size=30),
)  # fmt: skip
def test_any_split_gives_the_same_events(pieces, duration, unstamped, sizes):
    rows = spaced(np.repeat([step for step, _ in pieces], [count for _, count in pieces]), duration=duration)
    for index in unstamped:
        rows.columns["dts_time"][index : index + 1] = MISSING
    half = rows.slice(len(rows) // 2, len(rows))
    half.columns["epoch"][:] = 1
    check_splits(Timestamps(), joined(rows.slice(0, len(rows) // 2), half), sizes)

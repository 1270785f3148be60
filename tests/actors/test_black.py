"""Black pictures."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.detectors.black import Black, BlackThresholds
from tests.actors.rows import FRAME, check_splits, closed, judged, video


def shares(*pieces):
    return np.repeat([share for share, _ in pieces], [frames for _, frames in pieces])


def test_it_ends_when_the_last_black_frame_is_no_longer_shown():
    share = shares((0, 25), (1, 50), (0.5, 10))
    assert [span[:2] for span in closed(judged(Black(), [video(85, black_share=share)]))] == [(1.0, 3.0)]


@pytest.mark.parametrize(("share", "frames", "found"), [(0.98, 50, 1), (0.979, 50, 0), (1, 49, 0)])
def test_thresholds_are_inclusive(share, frames, found):
    rows = video(frames + 2, black_share=shares((0, 1), (share, frames), (0, 1)))
    assert len(closed(judged(Black(), [rows]))) == found


def test_a_frame_counts_for_as_long_as_it_is_shown():
    rows = video(3, black_share=np.array([0, 1, 0]), time=[0, FRAME, 61 * FRAME], duration=[FRAME, 60 * FRAME, FRAME])
    assert [span[:2] for span in closed(judged(Black(), [rows]))] == [(0.04, 2.44)]


def test_it_closes_at_the_end_of_the_track_and_says_what_it_saw():
    events = judged(Black(), [video(60, black_share=np.full(60, 0.99))])
    assert [event.kind for event in events] == ["opened", "closed"]
    assert (events[-1].peak, events[-1].unit, events[-1].severity) == (0.99, "share", "critical")
    assert "assumed" not in events[-1].message


def test_an_assumed_range_is_said():
    rows = video(60, black_share=np.ones(60), format="h264 320x180 yuv420p 8 113 assumed sdr")
    assert "range assumed limited" in judged(Black(), [rows])[0].message


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([0.0, 0.97, 0.98, 1.0]), st.sampled_from([1, 3, 30, 49, 50, 400])), max_size=12),
    st.lists(st.integers(1, 90), max_size=30),
)
def test_any_split_gives_the_same_events(pieces, sizes):
    share = shares((0.0, 1), *pieces)
    check_splits(Black(BlackThresholds(minimum_seconds=1.5)), [video(len(share), black_share=share)], sizes)

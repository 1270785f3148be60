"""Coverage: stretches follow each other without overlap or hole, however the rows are split."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from actors.clock import TimeBase
from actors.coverage import cover
from actors.measure import Rows

BASE = TimeBase(1, 1000)


def rows_of(times, durations, coded=None):
    n = len(times)
    columns = {
        "epoch": np.zeros(n, np.int64), "wrap": np.zeros(n, np.int64), "pts": np.array(times, np.int64),
        "time": np.array(times, np.int64), "duration": np.array(durations, np.int64),
    }  # fmt: skip
    if coded is not None:
        columns["coded"] = np.array(coded, np.int64)
    return Rows("video", "v:0", BASE, "", 0, 0, columns)


def joined(stretches):
    """Stretches with neighbours of one state joined."""
    out = []
    for s in stretches:
        if out and out[-1][1:] == (s.start, s.state, s.reason):
            out[-1] = (out[-1][0], s.end, s.state, s.reason)
        else:
            out.append((s.start, s.end, s.state, s.reason))
    return out


def test_a_picture_shown_for_longer_than_it_was_coded_for_is_a_hole():
    _, given_ = cover(None, rows_of([0, 40, 80, 5000], [40, 40, 4920, 40], [40] * 4))
    assert joined(given_) == [
        (0, 120, "analysed", ""), (120, 5000, "unreachable", "nothing in the source"), (5000, 5040, "analysed", ""),
    ]  # fmt: skip


def test_sound_that_is_missing_is_a_hole_and_jitter_is_none():
    _, given_ = cover(None, rows_of([0, 100, 201, 900], [100, 100, 100, 100]))
    assert joined(given_) == [
        (0, 301, "analysed", ""), (301, 900, "unreachable", "nothing in the source"), (900, 1000, "analysed", ""),
    ]  # fmt: skip


def test_an_unknown_duration_leaves_no_hole():
    _, given_ = cover(None, rows_of([0, 3000], [3000, 0], [0, 0]))
    assert joined(given_) == [(0, 3000, "analysed", "")]


rows_lists = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 400), st.integers(0, 400)), min_size=1, max_size=40)


@given(rows_lists, st.lists(st.integers(0, 40), max_size=6))
def test_any_split_gives_the_same_stretches_without_hole_or_overlap(items, cuts):
    times = np.cumsum([step for step, _, _ in items]).tolist()
    whole = rows_of(times, [d for _, d, _ in items], [c for _, _, c in items])
    end, expected = cover(None, whole)
    until, got = None, []
    edges = sorted({0, len(items), *(cut for cut in cuts if cut < len(items))})
    for start, stop in pairwise(edges):
        until, given_ = cover(until, whole.slice(start, stop))
        got += given_
    assert (until, joined(got)) == (end, joined(expected))
    assert all(a.end == b.start for a, b in pairwise(expected))
    if expected:
        assert (expected[0].start, expected[-1].end) == (times[0], end)

"""Damaged packets."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.detectors.decode_errors import DecodeErrors
from tests.actors.rows import FRAME, check_splits, closed, judged, packets


def damaged(n, at, kind="error while decoding MB # #", **more):
    errors = np.full(n, "", np.object_)
    errors[list(at)] = kind
    return packets(n, error=errors, **more)


def test_damage_is_one_incident_from_its_first_packet_to_its_last():
    events = judged(DecodeErrors(), [damaged(200, [50, 52, 99])])
    assert closed(events) == [(2.0, 4.0, "error while decoding MB # #")]
    assert [event.kind for event in events] == ["opened", "closed"]
    assert events[0].at == 51 * FRAME
    assert events[-1].at == 150 * FRAME


def test_two_seconds_without_damage_close_it():
    assert len(closed(judged(DecodeErrors(), [damaged(300, [50, 101])]))) == 2
    assert len(closed(judged(DecodeErrors(), [damaged(300, [50, 99])]))) == 1


def test_the_peak_is_the_most_within_a_second():
    events = judged(DecodeErrors(), [damaged(200, [10, *range(40, 52), 90])])
    assert (events[-1].peak, events[-1].unit) == (12.0, "per s")


def test_the_cause_is_the_most_frequent_kind():
    rows = damaged(100, [10, 11])
    rows.columns["corrupt"][20:25] = True
    assert closed(judged(DecodeErrors(), [rows])) == [(0.4, 1.0, "corrupt")]


def test_kinds_beyond_counting_are_other():
    errors = np.array([f"kind {number}" for number in range(100)], np.object_)
    events = judged(DecodeErrors(), [packets(100, error=errors)])
    assert [event.cause for event in events if event.kind == "closed"] == ["other"]


@settings(max_examples=80, deadline=None)
@given(
    st.sets(st.integers(0, 999), max_size=40), st.sets(st.integers(0, 999), max_size=400),
    st.lists(st.integers(1, 90), max_size=30), st.permutations(range(4)),
)  # fmt: skip
def test_any_split_gives_the_same_events(errors, corrupt, sizes, order):
    time = (np.arange(250)[:, None] * 4 + np.array(order)).reshape(-1) * FRAME
    rows = damaged(1000, errors, time=time, corrupt=np.isin(np.arange(1000), list(corrupt)))
    check_splits(DecodeErrors(), [rows], sizes)

"""What a crash leaves behind: how often a stream's process died, and of which packet, alone or beside others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors import breadcrumb
from actors.breadcrumb import APART_SECONDS, CRASHES, Breadcrumb
from actors.clock import Stamp, TimeBase

BASE = TimeBase(1, 90_000)


@pytest.fixture
def begin(tmp_path):
    """Takes up the trace of the stream, as a process that begins does; what had it before is dead by then."""
    return lambda stream="one": Breadcrumb("results", stream, tmp_path)


def at(trace, place):
    trace.leave("v:0", BASE, Stamp(0, 0, place, place))


def test_a_place_is_counted_as_often_as_it_kills(begin):
    for times in range(CRASHES + 1):
        trace = begin()
        assert (trace.crashes, trace.deaths) == (times, times)
        at(trace, 4)
    assert (trace.place.track, trace.place.end, trace.place.base) == ("v:0", 4, BASE)


def test_another_place_begins_anew_and_deaths_go_on(begin):
    for place in range(4):
        trace = begin()
        assert (trace.crashes, trace.deaths) == (min(place, 1), place)
        at(trace, place)


def test_a_death_before_the_first_packet_counts_too(begin):
    begin()
    assert not begin().suspect
    again = begin()
    assert (again.crashes, again.deaths, again.suspect) == (0, 2, True)


def test_deaths_far_apart_are_not_in_a_row(begin, monkeypatch):
    now = 1e9
    monkeypatch.setattr(breadcrumb.time, "time", lambda: now)
    begin()
    assert begin().deaths == 1
    now += APART_SECONDS / 2
    assert begin().deaths == 2
    now += APART_SECONDS
    assert (begin().deaths, begin().deaths) == (1, 2)


def test_a_death_beside_others_never_fills_the_count(begin):
    for _ in range(5):
        trace = begin()
        assert trace.crashes < CRASHES
        trace.beside(True)
        at(trace, 4)
    trace = begin()
    assert (trace.crashes, trace.suspect) == (CRASHES - 1, True)
    at(trace, 4)
    assert begin().crashes == CRASHES


def test_who_comes_and_goes_is_known_of_a_stream_that_waits(begin):
    for joined, left in ((True, False), (True, True)):
        for _ in range(CRASHES):
            trace = begin()
            at(trace, 4)
            trace.beside(joined)
            if left:
                trace.beside(False)
        assert begin().crashes == (CRASHES if left else CRASHES - 1)
        begin().wipe()


@given(st.lists(st.tuples(st.integers(0, 1), st.booleans()), max_size=12))
def test_the_count_is_full_only_after_so_many_in_a_row_at_one_place_the_last_alone(tmp_path_factory, lives):
    folder = tmp_path_factory.mktemp("traces")
    for ended in range(len(lives) + 1):
        trace = Breadcrumb("results", "one", folder)
        places = [place for place, _ in lives[:ended]]
        row = next((n for n, place in enumerate(reversed(places)) if place != places[-1]), ended)
        assert trace.crashes <= row
        if trace.crashes >= CRASHES:
            assert row >= CRASHES
            assert any(not beside for _, beside in lives[ended - row : ended])
        if row >= CRASHES and not lives[ended - 1][1]:
            assert trace.crashes >= CRASHES
        if ended < len(lives):
            place, beside = lives[ended]
            trace.beside(beside)
            at(trace, place)


def test_an_end_in_order_leaves_nothing(begin):
    for _ in range(3):
        trace = begin()
        at(trace, 4)
        trace.wipe()
        trace.beside(True)
    assert (begin().crashes, begin("other").deaths) == (0, 0)


def test_one_that_does_not_begin_keeps_what_was_known_and_is_no_death(begin):
    for _ in range(2):
        at(begin(), 4)
    for _ in range(2):
        trace = begin()
        assert (trace.deaths, trace.suspect) == (2, True)
        trace.close()
    at(begin(), 4)
    assert begin().crashes == CRASHES

"""The bucket: what it lets through in any stretch of time, and that whoever waits as told is served."""

from hypothesis import given
from hypothesis import strategies as st

from serve.api import rate as module
from serve.api.rate import SECOND, Callers, Rate

RATES = st.builds(Rate, st.floats(0.01, 1e5), st.integers(1, 200))
GAPS = st.lists(st.one_of(st.just(0), st.integers(0, 3 * SECOND)), max_size=150)


class Clock:
    """A clock that is set."""

    def __init__(self):
        self.now = 10**18

    def __call__(self):
        return self.now


def served(rate, gaps):
    """The times of the requests that are let through, each so long after the one before."""
    full_at, now, times = 0, 10**18, []
    for gap in gaps:
        now += gap
        full_at, wait = rate.take(full_at, now)
        if wait == 0:
            times.append(now)
    return times


@given(RATES, GAPS)
def test_no_stretch_of_time_has_more_than_the_burst_and_what_was_added(rate, gaps):
    times = served(rate, gaps)
    for first in range(len(times)):
        for last in range(first, len(times)):
            assert last - first + 1 <= rate.burst + (times[last] - times[first]) // rate.step


@given(RATES, st.lists(st.integers(0, SECOND), max_size=100))
def test_who_keeps_to_the_rate_is_never_refused(rate, more):
    gaps = [rate.step + extra for extra in more]
    assert len(served(rate, gaps)) == len(gaps)


@given(RATES)
def test_a_full_bucket_gives_the_burst_at_once_and_no_more(rate):
    assert len(served(rate, [0] * (rate.burst + 20))) == rate.burst


@given(RATES, GAPS)
def test_who_waits_as_told_is_served_and_not_a_moment_earlier(rate, gaps):
    full_at, now = 0, 10**18
    for gap in gaps:
        now += gap
        full_at, wait = rate.take(full_at, now)
        if wait:
            assert rate.take(full_at, now + wait - 1)[1] == 1
            now += wait
            full_at, wait = rate.take(full_at, now)
            assert wait == 0


@given(RATES, GAPS)
def test_a_refused_request_costs_nothing(rate, gaps):
    """Else a client that asks too often would never be served again."""
    often = [part for gap in gaps for part in (gap, 0, 0)]
    assert len(served(rate, often)) >= len(served(rate, gaps))


def test_callers_have_a_bucket_each():
    clock = Clock()
    callers = Callers(Rate(2.0, 3), clock)
    assert [callers.wait_seconds("a") for _ in range(5)] == [0, 0, 0, 1, 1]
    assert callers.wait_seconds("b") == 0
    clock.now += SECOND // 2
    assert [callers.wait_seconds("a") for _ in range(2)] == [0, 1]
    clock.now += 60 * SECOND
    assert [callers.wait_seconds("a") for _ in range(4)] == [0, 0, 0, 1]
    slow = Callers(Rate(0.1, 1), clock)
    assert [slow.wait_seconds("a"), slow.wait_seconds("a")] == [0, 10]


def test_what_is_remembered_of_callers_is_bounded(monkeypatch):
    monkeypatch.setattr(module, "MOST_CALLERS", 100)
    callers = Callers(Rate(0.001, 1), Clock())
    assert callers.wait_seconds("steady") == 0
    for number in range(1000):
        assert callers.wait_seconds(str(number)) == 0
        assert callers.wait_seconds("steady") == 1000, "who asks again and again is not forgotten"
    assert len(callers._full_at) == 100

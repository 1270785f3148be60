"""A source that gives nothing."""

from fractions import Fraction

from actors import state as states
from actors.clock import Stamp, TimeBase
from actors.detectors.stalled import Position, Stall, Stalled, StalledThresholds, StallWatch
from actors.source import Recovered
from actors.source import Stalled as Silence

BASE = TimeBase(1, 90000)
LAST = Position("v:0", BASE, Stamp(1, 0, 123, 900000), 903600)


def test_a_stall_opens_after_its_seconds_and_closes_when_media_comes():
    detector = Stalled()
    state = detector.heard(detector.start(), LAST)
    state, events = detector.silent(state, 4.9)
    assert events == []
    state, (opened,) = detector.silent(state, 5.0)
    state = states.load(Stall, states.dump(state))
    state, events = detector.silent(state, 9.0)
    assert events == []
    state, (closed,) = detector.recovered(state, 12.5)
    assert (opened.kind, opened.end, closed.kind, closed.peak) == ("opened", None, "closed", 12.5)
    assert BASE.exact(closed.end - closed.start) == Fraction(25, 2)
    assert opened.id("s") == closed.id("s")
    assert (closed.start_epoch, closed.start_pts, closed.start) == (1, 123, 903600)
    assert detector.recovered(state, 20.0) == (state, [])


def test_a_short_silence_is_no_stall():
    detector = Stalled(StalledThresholds(seconds=30))
    state, events = detector.silent(detector.start(), 29.0)
    assert events == []
    assert detector.recovered(state, 29.5)[1] == []


def test_the_watch_reads_what_the_source_says():
    watch = StallWatch()
    watch.heard("a:0", BASE, Stamp(0, 0, 5, 5), 10)
    assert watch.judge(Silence(100.0, 2.0)) == []
    (opened,) = watch.judge(Silence(100.0, 6.0))
    (closed,) = watch.judge(Recovered(100.0, 107.0))
    assert (opened.track, opened.start, closed.peak) == ("a:0", 15, 7.0)


def test_a_source_that_never_gave_anything_stalls_too():
    (event,) = StallWatch().judge(Silence(0.0, 6.0))
    assert (event.track, event.start) == ("", 0)

"""Which flash and which beep belong together, and by how much sound is off its pictures: two tracks judged at once.

One more pure state machine, over the markers that judges of single tracks have found, in the order of media time. What
comes out depends on the markers alone, not on when they were handed in, nor on which track was judged first.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from statistics import median_low

from actors.detectors.av_sync import AvSync
from actors.incident import Event, EventKind

REACH_SECONDS = 2
"""How far apart a flash and its beep may be."""

DELAY_SECONDS = 2 * REACH_SECONDS + 1
"""How long after a flash all are known that may compete for its beep: markers are told once they are over."""

FORGOTTEN_SECONDS = 2 * DELAY_SECONDS
LAPSE_SECONDS = 60
"""How long after a beep nothing is known any more, if no other comes."""

NEWEST = 9
"""Pairs of which the median is taken, at most."""

JITTER_US = 5000
"""By how much pairs may differ besides the length of a picture, to which flashes are rounded."""

_END = Fraction(10**12)


@dataclass(frozen=True, slots=True)
class Pair:
    """A beep, and by how many microseconds it comes before its flash, whose picture is shown for ``picture_us``."""

    beep: Event
    early_us: int
    picture_us: int


@dataclass(frozen=True, slots=True)
class Course:
    """What is known of a sound track. ``pairs``: the newest. ``agreed``: whether ever enough of them did.

    ``part``: of the incident that is open, or ''; ``first``, ``last``: its first beep and its newest; ``peak_us``.
    The next one needs pairs of its own.
    """

    pairs: tuple[Pair, ...] = ()
    agreed: bool = False
    part: str = ""
    first: Event | None = None
    last: Event | None = None
    peak_us: int = 0


@dataclass(frozen=True, slots=True)
class SyncState:
    """What is remembered. ``pending``: markers not looked at yet. ``settled``: flashes that have been decided."""

    pending: tuple[Event, ...] = ()
    flashes: tuple[Event, ...] = ()
    settled: tuple[Event, ...] = ()
    beeps: tuple[Event, ...] = ()
    courses: dict[str, Course] = field(default_factory=dict)


def sync(
    state: SyncState, markers: Sequence[Event], watermark: Fraction | None, detector: AvSync
) -> tuple[SyncState, list[Event]]:
    """Take markers in, and give the incidents that they make.

    Args:
        state: What was remembered.
        markers: New ones: flashes of one track, beeps of any.
        watermark: Seconds up to which every track has been judged; None at the end of the stream.
        detector: Whose settings, and whose name, they have.

    Returns:
        What to remember, and events on the tracks of sound, none of them decided before the last watermark.
    """
    pending = sorted((*state.pending, *markers), key=_order)
    due = len(pending) if watermark is None else bisect_left(pending, watermark, key=_at)
    state, events = replace(state, pending=tuple(pending[due:])), []
    for marker in pending[:due]:
        state, given = _decide(state, _at(marker), detector)
        events += given
        if marker.part == "flash":
            state = replace(state, flashes=(*state.flashes, marker))
        else:
            state = replace(state, beeps=(*state.beeps, marker))
    state, given = _decide(state, _END if watermark is None else watermark, detector)
    return state, events + given


def doubt(state: SyncState, track: str, detector: AvSync) -> str | None:
    """Why nothing can be said of a sound track, or None."""
    if state.courses.get(track, Course()).agreed:
        return None
    return f"it has no {detector.settings.pairs} flashes and beeps that agree, and nothing else tells"


def _at(event: Event) -> Fraction:
    return event.base.exact(event.at)


def _start(event: Event) -> Fraction:
    return event.base.exact(event.start)


def _order(event: Event) -> tuple[Fraction, str, Fraction]:
    return _at(event), event.track, _start(event)


def _decided(flash: Event) -> Fraction:
    """When it is known which beep is a flash's."""
    return max(_start(flash) + DELAY_SECONDS, _at(flash))


def _decide(state: SyncState, now: Fraction, detector: AvSync) -> tuple[SyncState, list[Event]]:
    """Settle the flashes, and the silence after them, that can be settled by now."""
    events: list[Event] = []
    courses = dict(state.courses)
    due = sorted((flash for flash in state.flashes if _decided(flash) <= now), key=_decided)
    for flash in due:
        at = _decided(flash)
        events += _lapse(courses, at, detector)
        for beep in _partners(state, flash):
            early = (_start(flash) - _start(beep)) * 1_000_000
            found = Pair(beep, round(early), round(1000 * (flash.peak or 0)))
            courses[beep.track], given = _step(courses.get(beep.track, Course()), found, at, detector)
            events += given
    events += _lapse(courses, now, detector)
    oldest = now - FORGOTTEN_SECONDS
    return SyncState(
        pending=state.pending, flashes=tuple(flash for flash in state.flashes if _decided(flash) > now),
        settled=tuple(flash for flash in (*state.settled, *due) if _at(flash) > oldest),
        beeps=tuple(beep for beep in state.beeps if _at(beep) > oldest), courses=courses,
    ), events  # fmt: skip


def _partners(state: SyncState, flash: Event) -> list[Event]:
    """Of each sound track the beep that is a flash's: they are nearest to each other."""
    flashes = (*state.settled, *state.flashes)
    found = []
    for track in sorted({beep.track for beep in state.beeps}):
        beep = _nearest(flash, [beep for beep in state.beeps if beep.track == track])
        if abs(_start(beep) - _start(flash)) <= REACH_SECONDS and _nearest(beep, flashes) == flash:
            found.append(beep)
    return found


def _nearest(one: Event, others: Sequence[Event]) -> Event:
    return min(others, key=lambda other: (abs(_start(other) - _start(one)), _start(other)))


def _step(course: Course, found: Pair, at: Fraction, detector: AvSync) -> tuple[Course, list[Event]]:
    """One more pair of a track, and what it makes of the incident there."""
    limits = detector.settings
    course = replace(course, pairs=(*course.pairs, found)[-NEWEST:])
    agreeing = _agreeing(course.pairs)
    if len(agreeing) < limits.pairs:
        return course, []
    early = median_low(one.early_us for one in agreeing)
    part = "early" if early > 1000 * limits.early_ms else "late" if -early > 1000 * limits.late_ms else ""
    course, events = replace(course, agreed=True), []
    if course.part not in ("", part):
        events.append(_event("closed", course, at, detector))
        course = Course(pairs=agreeing[-limits.pairs :] if part else (), agreed=True)
    if part:
        opens, first = not course.part, course.first or agreeing[0].beep
        course = replace(course, part=part, first=first, last=found.beep, peak_us=max(course.peak_us, abs(early)))
        events += [_event("opened", course, at, detector)] if opens else []
    return course, events


def _agreeing(pairs: tuple[Pair, ...]) -> tuple[Pair, ...]:
    """The newest pairs that agree, as many as do."""
    for first in range(len(pairs)):
        early = [one.early_us for one in pairs[first:]]
        if max(early) - min(early) <= pairs[-1].picture_us + JITTER_US:
            return pairs[first:]
    return ()


def _lapse(courses: dict[str, Course], now: Fraction, detector: AvSync) -> list[Event]:
    """Forget the pairs of tracks that have had none for long, and close what is open there."""
    events = []
    for track, course in sorted(courses.items()):
        if course.pairs and (at := _start(course.pairs[-1].beep) + LAPSE_SECONDS) <= now:
            courses[track] = Course(agreed=course.agreed)
            events += [_event("closed", course, at, detector)] if course.part else []
    return events


def _event(kind: EventKind, course: Course, at: Fraction, detector: AvSync) -> Event:
    assert course.first is not None
    assert course.last is not None
    first, half = course.first, course.pairs[-1].picture_us / 2000
    message = (
        f"sound comes {course.peak_us / 1000:.0f} ms {course.part}, by flashes and beeps "
        f"(give or take half a picture, {half:.0f} ms)"
    )
    return replace(
        first, kind=kind, part=course.part, at=first.base.ceil(at), severity=detector.severity, cause="marker",
        end=course.last.end if kind == "closed" else None, peak=course.peak_us / 1000, unit="ms", message=message,
    )  # fmt: skip

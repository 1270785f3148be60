"""Which incident is the cause of which: one more pure state machine, over events.

It also puts a stream's events into the order of media time: an event is released once every track has been judged past
the time at which it was decided. What comes out depends on the events alone, not on when they were handed in.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import Literal

from actors.clock import TimeBase
from actors.incident import Event

HOLD_SECONDS = 2
"""How long after its close, in media time, an incident may still find its cause."""

MEMORY_SECONDS = 60
"""How much later than an incident's end its close may be decided."""

_KINDS = ("opened", "updated", "closed", "marker")


@dataclass(frozen=True, slots=True)
class Cause:
    """A detector whose incidents explain another's.

    ``where``: on the same track, on any, or on one that goes before (pictures before sound), so that of several tracks
    one explains the others. ``only``: the effect's own cause must be one of these, if any are given; ``because``: the
    explaining incident's likewise. ``near_seconds``: by how much that counts as longer at both ends.
    ``outlasts``: it must be at least as long as the effect.
    """

    detector: str
    where: Literal["same", "any", "leading"] = "same"
    only: tuple[str, ...] = ()
    because: tuple[str, ...] = ()
    near_seconds: Fraction = Fraction(0)
    outlasts: bool = False


_STALLED = Cause("stalled", "any")
_SECRET = Cause("encrypted", near_seconds=Fraction(1, 2))
_UNREFRESHED = Cause("encrypted", near_seconds=Fraction(2))
"""Until a picture comes that needs no other, a decoder lacks what was encrypted."""
_LOST = Cause("transport", because=("continuity", "flagged", "unsynced"), near_seconds=Fraction(1, 2))
_LATE = ("association", "map", "clock")
"""Tables and clocks of a transport stream that do not come: they were lost, or nothing came at all."""
_STEP = ("jump", "back")
"""Timestamps that do not go on: a decoder then lacks what it was told to refer to."""

CAUSES: dict[str, tuple[Cause, ...]] = {
    "encrypted": (_STALLED, Cause("encrypted", "leading", near_seconds=Fraction(1, 4))),
    "black": (_STALLED, Cause("bars")),
    "freeze": (
        _STALLED, _SECRET, Cause("decode_errors", only=("decode_failure",)),
        Cause("timestamps", only=("no_packets",)), Cause("bars"), Cause("black"),
    ),
    "silence": (_STALLED,),
    "channel_loss": (_STALLED, Cause("silence")),
    "loudness": (_STALLED,),
    "click": (
        _STALLED, _SECRET, _LOST, Cause("timestamps", near_seconds=Fraction(1, 2)),
        Cause("decode_errors", near_seconds=Fraction(1, 2)),
        Cause("format_change", "any", near_seconds=Fraction(1, 4)), Cause("phase", near_seconds=Fraction(1, 10)),
    ),
    "stutter": (
        _STALLED, _SECRET, _LOST, Cause("timestamps", near_seconds=Fraction(1, 2)),
        Cause("decode_errors", near_seconds=Fraction(1, 2)), Cause("flash", near_seconds=Fraction(1, 2)),
    ),
    "flash": (_STALLED, Cause("flash", only=("warning",), because=("luminance", "red", "extended"))),
    "captions": (_STALLED,),
    "av_sync": (Cause("av_skew", because=("drift",)),),
    "transport": (
        _STALLED, _SECRET, replace(_LOST, only=_LATE),
        Cause("timestamps", only=_LATE, because=("gap",), near_seconds=Fraction(1, 4)),
        replace(_LOST, where="leading", near_seconds=Fraction(1, 4)),
    ),
    "timestamps": (
        _STALLED, _SECRET, replace(_LOST, only=("gap",)), Cause("timestamps", "leading", near_seconds=Fraction(1, 4)),
    ),
    "corruption": (_STALLED, _UNREFRESHED, _LOST),
    "decode_errors": (
        _STALLED, _UNREFRESHED, Cause("timestamps", "any", because=_STEP, near_seconds=Fraction(1, 2)), _LOST,
        Cause("timestamps", "any", because=("gap",), near_seconds=Fraction(1, 2), outlasts=True),
        Cause("corruption", near_seconds=Fraction(1, 2)),
    ),
}  # fmt: skip
"""By effect, in the order in which they are preferred: a source that gives nothing, then a loss, then what it shows."""

RANKS = {
    name: rank for rank, name in enumerate(
        (
            "stalled", "encrypted", "transport", "timestamps", "corruption", "decode_errors", "bars", "black",
            "silence", "format_change", "phase", "flash", "av_skew",
        )
    )
}  # fmt: skip
"""Of events decided at the same time causes come first; what is no cause comes last."""


@dataclass(frozen=True, slots=True)
class Known:
    """An incident or marker that may explain others. ``end`` is None while it is open; ``cause`` is its own, so far."""

    id: str
    detector: str
    track: str
    base: TimeBase
    start: int
    end: int | None
    cause: str = ""


@dataclass(frozen=True, slots=True)
class ExplainState:
    """What is remembered. ``pending``: not released yet. ``waiting``: closed without a cause, lately."""

    pending: tuple[Event, ...] = ()
    known: tuple[Known, ...] = ()
    waiting: tuple[Event, ...] = ()


def explain(
    state: ExplainState, events: Sequence[Event], watermark: Fraction | None, stream: str
) -> tuple[ExplainState, list[Event]]:
    """Take events in, and give those that are settled, with their causes.

    An incident is explained by one whose span overlaps at least half of its own. That is decided at its close; if the
    cause becomes known only within HOLD_SECONDS after it, one more ``updated`` event says so.

    Args:
        state: What was remembered.
        events: New ones. Those of one detector and track come in the order of ``at``; else the order is free.
        watermark: Seconds up to which every track has been judged, so that no event decided before it is to come;
            None at the end of the stream.
        stream: The stream's name, for incident ids.

    Returns:
        What to remember, and the events released, in the order of media time. A stall has no rows that a watermark
        could wait for: it is released at once.
    """
    released: list[Event] = []
    for event in events:
        if event.detector == "stalled":
            state, given = _release(state, event, stream)
            released += given
    pending = sorted((*state.pending, *(event for event in events if event.detector != "stalled")), key=_order)
    due = len(pending) if watermark is None else bisect_left(pending, watermark, key=_at)
    state = replace(state, pending=tuple(pending[due:]))
    for event in pending[:due]:
        state, given = _release(_forget(state, event), event, stream)
        released += given
    return state, released


def _at(event: Event) -> Fraction:
    return event.base.exact(event.at)


def _order(event: Event) -> tuple[Fraction, int, str, str, str, Fraction, int]:
    rank = RANKS.get(event.detector, len(RANKS))
    start = event.base.exact(event.start)
    return (_at(event), rank, event.detector, event.track, event.part, start, _KINDS.index(event.kind))


def _release(state: ExplainState, event: Event, stream: str) -> tuple[ExplainState, list[Event]]:
    given = [event]
    if event.kind == "closed" and event.detector in CAUSES:
        cause = _cause(state, event)
        given = [replace(event, explained_by=cause)]
        if cause is None:
            state = replace(state, waiting=(*state.waiting, event))
    if event.detector in RANKS:
        place = (event.track, event.base, event.start, event.end)
        known = Known(event.id(stream), event.detector, *place, event.cause)
        others = tuple(other for other in state.known if other.id != known.id)
        state = replace(state, known=(*others, known))
        late = [effect for effect in state.waiting if _explains(known, effect, _at(event))]
        state = replace(state, waiting=tuple(effect for effect in state.waiting if effect not in late))
        given += [
            replace(effect, kind="updated", at=effect.base.ceil(_at(event)), explained_by=known.id) for effect in late
        ]
    return state, given


def _cause(state: ExplainState, effect: Event) -> str | None:
    """The id of the preferred cause of an incident that has closed; of equals, the one that began first.

    Of several tracks, one on the first: pictures before sound.
    """
    for cause in CAUSES[effect.detector]:
        found = [known for known in state.known if _fits(cause, known, effect, None)]
        if found:
            if cause.where != "same":
                found = [known for known in found if known.track == min((other.track for other in found), key=_place)]
            return min(found, key=lambda known: (known.base.exact(known.start), known.track, known.id)).id
    return None


def _explains(known: Known, effect: Event, until: Fraction | None) -> bool:
    """Whether an incident is a cause of another. ``until``: how far one that is open has come; None: it lasts."""
    return any(_fits(cause, known, effect, until) for cause in CAUSES.get(effect.detector, ()))


def _fits(cause: Cause, known: Known, effect: Event, until: Fraction | None) -> bool:
    """Whether it is so as this cause says, and overlaps enough."""
    if effect.end is None or cause.detector != known.detector or not _reaches(cause, known.track, effect.track):
        return False
    if (cause.only and effect.cause not in cause.only) or (cause.because and known.cause not in cause.because):
        return False
    start, end = effect.base.exact(effect.start), effect.base.exact(effect.end)
    first = known.base.exact(known.start)
    if known.end is not None:
        until = known.base.exact(known.end)
    last = end if until is None else until
    if cause.outlasts and last - first < end - start:
        return False
    first, last = first - cause.near_seconds, last + cause.near_seconds
    overlap = min(last, end) - max(first, start)
    return 2 * overlap >= end - start and (overlap > 0 or first <= start <= last)


def _reaches(cause: Cause, track: str, effect: str) -> bool:
    """Whether a cause on one track may explain an effect on another."""
    if cause.where == "leading":
        return _place(track) < _place(effect)
    return cause.where == "any" or track == effect


def _place(track: str) -> tuple[bool, str]:
    """Where a track stands: pictures before sound."""
    return not track.startswith("v"), track


def _forget(state: ExplainState, event: Event) -> ExplainState:
    """Drop what can no longer matter once an event is released."""
    now = _at(event)
    return replace(
        state,
        waiting=tuple(effect for effect in state.waiting if now <= _at(effect) + HOLD_SECONDS),
        known=tuple(known for known in state.known if now <= _last_use(known, now)),
    )


def _last_use(known: Known, now: Fraction) -> Fraction:
    """When the last incident closes that it can explain: one twice as long as itself, begun as it ended."""
    return now if known.end is None else _forgotten(known.base, known.start, known.end)


@lru_cache(maxsize=1024)
def _forgotten(base: TimeBase, start: int, end: int) -> Fraction:
    """The same, of one that is over: asked again with every event."""
    return base.exact(end) + 2 * (base.exact(end) - base.exact(start)) + MEMORY_SECONDS

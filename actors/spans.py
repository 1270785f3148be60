"""The state machine that most detectors are: a condition that must hold for a while.

A span starts at the first row where the condition holds and ends where the last such row stops being shown. It opens
an incident once it has lasted long enough. Any split of the rows gives the same moments.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from actors.incident import UPDATE_SECONDS, Event, EventKind, Severity
from actors.measure import Rows

BEFORE = -(1 << 62)
"""Earlier than any time."""


@dataclass(frozen=True, slots=True)
class Span:
    """What is remembered of a condition on one track. ``start`` and ``end`` are ticks on the timeline.

    ``reached``: the furthest end of any row so far. Times may step back; when a moment is decided may not.
    """

    active: bool = False
    opened: bool = False
    epoch: int = 0
    wrap: int = 0
    pts: int = 0
    start: int = 0
    end: int = 0
    peak: float = -np.inf
    reached: int = BEFORE


IDLE = Span()
"""No span, and no row yet."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A change of a span, with the span as it then was."""

    kind: EventKind
    at: int
    span: Span


class Source(Protocol):
    """The part of a detector that goes into its events."""

    name: str
    version: int
    severity: Severity


@dataclass(frozen=True, slots=True)
class Reading:
    """Rows with what spans need of them, (n,) each.

    ``until``: when each row stops being shown. ``reached``: the furthest of them so far. ``level``: how strongly the
    condition holds; NaN counts for nothing. ``minimum``: ticks that a span must last to be an incident.
    """

    rows: Rows
    until: NDArray[np.int64]
    reached: NDArray[np.int64]
    level: NDArray[np.float64]
    minimum: int


def read(rows: Rows, level: NDArray[np.float64], minimum: int, reached: int) -> Reading:
    """Read at least one row. ``reached``: the furthest end of the rows before."""
    until = rows.columns["time"].astype(np.int64) + rows.columns["duration"].astype(np.int64)
    return Reading(rows, until, np.maximum(np.maximum.accumulate(until), reached), level, minimum)


def follow(
    span: Span, rows: Rows, held: NDArray[np.bool_], level: NDArray[np.float64], minimum: int
) -> tuple[Span, list[Moment]]:
    """Follow a condition through rows.

    Args:
        span: What was remembered.
        rows: n rows.
        held: (n,) whether the condition holds.
        level: (n,) how strongly; the greatest while it holds is the peak. NaN counts for nothing.
        minimum: Ticks that it must last to be an incident.
    """
    moments: list[Moment] = []
    if not len(rows):
        return span, moments
    reading = read(rows, level, minimum, span.reached)
    span = replace(span, reached=BEFORE)
    for first, stop in _telling(reading, held):
        if held[first]:
            span, found = extend(span if span.active else begin(rows, first), reading, np.arange(first, stop))
            moments += found
        elif span.active:
            if span.opened:
                moments.append(Moment("closed", int(reading.reached[first]), span))
            span = Span()
    return replace(span, reached=int(reading.reached[-1])), moments


def sought(
    rows: Rows, minimum: int, holds: Callable[[NDArray[np.int64]], NDArray[np.bool_]]
) -> NDArray[np.bool_]:
    """(k, n) whether each of k conditions, which take long to compute, holds in n rows, at least one, to be followed.

    They are computed for the first row of each half ``minimum``, and between such rows only if one of those two holds
    or a run could last. Other runs are shorter than ``minimum``, so that :func:`follow` would pass over them.

    Args:
        rows: n rows.
        minimum: Ticks that a condition must last.
        holds: Of (m,) places in the rows, (k, m) whether each condition holds there.
    """
    time = rows.columns["time"].astype(np.int64)
    half = time // max(1, minimum // 2)
    some = np.concatenate(([True], half[1:] != half[:-1]))
    some[-1] = True
    firsts = np.flatnonzero(some)
    found = holds(firsts)
    held = np.zeros((len(found), len(rows)), np.bool_)
    held[:, firsts] = found
    near = np.append(found.any(axis=0), False)
    until = time + rows.columns["duration"].astype(np.int64)
    lasts = np.maximum.reduceat(until, firsts) - np.minimum.reduceat(time, firsts)
    doubtful = near[:-1] | near[1:] | (lasts >= minimum)
    rest = np.flatnonzero(np.repeat(doubtful, np.diff(np.append(firsts, len(rows)))) & ~some)
    held[:, rest] = holds(rest)
    return held


def _telling(reading: Reading, held: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """The runs that matter: all but short ones that start and end within these rows, and what follows those."""
    n = len(held)
    edges = np.concatenate(([0], np.flatnonzero(held[1:] != held[:-1]) + 1, [n]))
    firsts, stops = edges[:-1], edges[1:]
    lasts = np.maximum.reduceat(reading.until, firsts) - reading.rows.columns["time"][firsts].astype(np.int64)
    kept = held[firsts] & ((lasts >= reading.minimum) | (firsts == 0) | (stops == n))
    kept[1:] |= kept[:-1]
    kept[0] = True
    return list(zip(firsts[kept].tolist(), stops[kept].tolist(), strict=True))


def begin(rows: Rows, index: int) -> Span:
    """A span that starts at a row and has no length yet."""
    epoch, wrap, pts, start = (int(rows.columns[name][index]) for name in ("epoch", "wrap", "pts", "time"))
    return Span(True, False, epoch, wrap, pts, start, start)


def extend(span: Span, reading: Reading, held: NDArray[np.int64]) -> tuple[Span, list[Moment]]:
    """Carry an active span through the rows that are named, at least one, in all of which the condition holds."""
    moments: list[Moment] = []
    ends = np.maximum(np.maximum.accumulate(reading.until[held]), span.end)
    level = reading.level[held]
    peaks = np.maximum(np.fmax.accumulate(np.where(np.isnan(level), -np.inf, level)), span.peak)
    grid = reading.rows.base.ceil(UPDATE_SECONDS)
    telling = ends // grid != np.concatenate(([span.end], ends[:-1])) // grid
    opens = np.flatnonzero(ends - span.start >= reading.minimum) if not span.opened else np.empty(0, np.int64)
    telling[opens[:1]] = True
    for index in np.flatnonzero(telling).tolist():
        opening = bool(len(opens)) and index == opens[0]
        if opening or span.opened:
            span = replace(span, opened=True, end=int(ends[index]), peak=float(peaks[index]))
            moments.append(Moment("opened" if opening else "updated", int(reading.reached[held[index]]), span))
    return replace(span, end=int(ends[-1]), peak=float(peaks[-1])), moments


def close(span: Span) -> list[Moment]:
    """The track has ended: close what is open."""
    return [Moment("closed", max(span.end, span.reached), span)] if span.opened else []


def event(
    source: Source, rows: Rows, moment: Moment, *, unit: str, message: str, part: str = "", cause: str = ""
) -> Event:
    """Word a moment as an event of a detector."""
    span = moment.span
    return Event(
        kind=moment.kind, detector=source.name, version=source.version, track=rows.track, part=part, base=rows.base,
        at=moment.at, start_epoch=span.epoch, start_wrap=span.wrap, start_pts=span.pts, start=span.start,
        end=span.end if moment.kind == "closed" else None, severity=source.severity,
        peak=span.peak if np.isfinite(span.peak) else None, unit=unit, cause=cause, message=message,
    )  # fmt: skip


def marker(
    source: Source, rows: Rows, index: int, *, at: int, message: str, peak: float | None = None, unit: str = "",
    cause: str = "",
) -> Event:  # fmt: skip
    """A change that happens at one row and has no length; ``at`` is the furthest end of any row up to it."""
    columns = rows.columns
    time = int(columns["time"][index])
    return Event(
        kind="marker", detector=source.name, version=source.version, track=rows.track, part="", base=rows.base, at=at,
        start_epoch=int(columns["epoch"][index]), start_wrap=int(columns["wrap"][index]),
        start_pts=int(columns["pts"][index]), start=time, end=time, severity="info", peak=peak, unit=unit, cause=cause,
        message=message,
    )  # fmt: skip

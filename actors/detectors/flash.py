"""Flashes that may cause seizures, as WCAG describes them, counted as EA's IRIS counts them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from actors.detectors.transitions import SECONDS, STEADY_SECONDS, Trail, Transition, counts, crossings, steady
from actors.incident import UPDATE_SECONDS, Event, Severity, Thresholds
from actors.measure import Rows
from actors.media import Table, VideoFormat
from actors.spans import BEFORE, IDLE, Moment, Span, event

KINDS = ("luminance", "red")


class FlashThresholds(Thresholds):
    """When flashes count, and how many are too many."""

    luminance: float = Field(
        0.1, gt=0, le=1, title="change of luminance, of white's, that is half a flash",
        description="Origin: WCAG 2.2 (general flash); IRIS.",
    )  # fmt: skip
    dark: float = Field(
        0.8, gt=0, le=1, title="luminance, of white's, below which the darker picture must be",
        description="Origin: WCAG 2.2 (general flash); IRIS.",
    )  # fmt: skip
    red: float = Field(
        20.0, gt=0, le=320, title="change of saturated red, 320 (R - G - B), that is half a flash",
        description="Origin: IRIS; WCAG's working definition before 2.2.",
    )  # fmt: skip
    area: float = Field(
        0.25, gt=0, le=1, title="share of the picture that must change one way, at least",
        description="Origin: IRIS; WCAG 2.2 has it of any 10 degrees of what is seen.",
    )  # fmt: skip
    most: int = Field(
        6, ge=2, title="changes in 1 s that pass; more are a failure",
        description="Origin: WCAG 2.2 (three flashes, of two changes each); IRIS.",
    )  # fmt: skip
    warned: int = Field(
        4, ge=1, title="changes in 1 s from which there is a warning",
        description="Origin: IRIS. Not more than most.",
    )  # fmt: skip
    extended_seconds: float = Field(
        4.0, gt=0, le=STEADY_SECONDS, title="seconds of the last 5 with warned to most changes that are a failure",
        description="Origin: IRIS.",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class FlashState:
    """What is remembered of a track's flashes.

    ``trails``: by kind. ``warning``: of a run of rows with ``warned`` changes or more; it waits for a second before it
    opens, and never does if the run has failed by then (``failed``). ``failure``, with ``cause`` and ``kind``: of rows
    with too many. ``now``: the newest time; ``reached``: the furthest end.
    """

    trails: tuple[Trail, Trail] = (Trail(), Trail())
    warning: Span = IDLE
    failed: bool = False
    failure: Span = IDLE
    cause: str = ""
    kind: str = ""
    now: int = BEFORE
    reached: int = BEFORE


@dataclass(frozen=True, slots=True)
class Look:
    """Rows, and what is counted in them.

    ``times``, ``until``, ``reached``: (n,), the first and the last never step back. ``found``: by kind, the transitions
    that matter. ``counts``: (kinds, n) transitions of the second up to each row.
    """

    rows: Rows
    times: NDArray[np.int64]
    until: NDArray[np.int64]
    reached: NDArray[np.int64]
    found: tuple[tuple[Transition, ...], ...]
    counts: NDArray[np.int64]
    second: int

    def recent(self, kind: int, row: int) -> tuple[Transition, ...]:
        """Transitions of the second up to a row."""
        stop = bisect_right(self.found[kind], int(self.times[row]), key=lambda one: one.time)
        return self.found[kind][stop - int(self.counts[kind, row]) : stop]


class Flash:
    """Flashes, of luminance or of saturated red, that may cause seizures: a failure is critical, a warning is not."""

    name = "flash"
    version = 1
    table: Table = "video"
    metrics: tuple[str, ...] = (
        "flash_area", "flash_before", "flash_after", "leap_area", "leap_before", "leap_after",
        "red_area", "red_before", "red_after",
    )  # fmt: skip
    severity: Severity = "critical"

    def __init__(self, settings: FlashThresholds | None = None) -> None:
        self.settings = settings or FlashThresholds()

    def start(self) -> FlashState:
        """No picture yet."""
        return FlashState()

    def judge(self, state: FlashState, rows: Rows) -> tuple[FlashState, list[Event]]:
        """Count changes, and follow the runs of rows in which there are many."""
        if not len(rows):
            return state, []
        state, look = self._look(state, rows)
        many: NDArray[np.bool_] = np.max(look.counts, axis=0) >= self.settings.warned
        after: NDArray[np.bool_] = np.concatenate(([state.warning.active], many[:-1]))
        events: list[Event] = []
        for row in np.flatnonzero(many | after).tolist():
            state, given = self._step(state, look, row) if many[row] else self._end(state, rows, int(look.reached[row]))
            events += given
        return state, events

    def finish(self, state: FlashState, rows: Rows) -> list[Event]:
        """Close what lasts to the end."""
        return self._end(state, rows, state.reached)[1]

    def unknown(self, format_text: str) -> str | None:
        """The limits are those of SDR."""
        transfer = VideoFormat.parse(format_text).transfer
        return None if transfer == "sdr" else f"the limits are those of SDR, not of {transfer.upper()}"

    def _look(self, state: FlashState, rows: Rows) -> tuple[FlashState, Look]:
        second = rows.base.ceil(SECONDS)
        times = np.maximum(np.maximum.accumulate(rows.columns["time"].astype(np.int64)), state.now)
        until = times + rows.columns["duration"].astype(np.int64)
        reached = np.maximum(np.maximum.accumulate(until), state.reached)
        keys = [rows.columns[name] for name in ("epoch", "wrap", "pts")]
        trails, found = [], []
        for kind, trail in zip(KINDS, state.trails, strict=True):
            changes, allowed = self._changes(rows, kind)
            threshold = self.settings.luminance if kind == "luminance" else self.settings.red
            walked, crosses = crossings(trail, times, changes, threshold, second)
            new = (
                Transition(int(times[row]), int(until[row]), *(int(key[row]) for key in keys))
                for row in np.flatnonzero(crosses & allowed).tolist()
            )
            found.append((*trail.transitions, *new))
            kept = tuple(one for one in found[-1] if one.time > times[-1] - second)
            trails.append(replace(walked, transitions=kept))
        counted = np.stack([counts(transitions, times, second) for transitions in found])
        state = replace(state, trails=(trails[0], trails[1]), now=int(times[-1]), reached=int(reached[-1]))
        return state, Look(rows, times, until, reached, tuple(found), counted, second)

    def _changes(self, rows: Rows, kind: str) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """(n,) change of light where enough of the picture changes, else 0; and whether it may be half a flash.

        Of luminance it is that of all that changed, or of what leaps, whichever is more.
        """
        change, darker = np.zeros(len(rows)), np.zeros(len(rows))
        for name in ("flash", "leap") if kind == "luminance" else ("red",):
            area, before, after = (
                rows.columns[f"{name}_{part}"].astype(np.float64) for part in ("area", "before", "after")
            )  # fmt: skip
            more = (area >= self.settings.area) & (np.abs(after - before) > np.abs(change))
            change, darker = np.where(more, after - before, change), np.where(more, np.minimum(before, after), darker)
        return change, darker < self.settings.dark if kind == "luminance" else np.ones(len(rows), np.bool_)

    def _step(self, state: FlashState, look: Look, row: int) -> tuple[FlashState, list[Event]]:
        """Go through a row with many changes."""
        state, levels = self._levels(state, look, row)
        recent = [one for kind, level in enumerate(levels) if level for one in look.recent(kind, row)]
        flashes, at = float(look.counts[:, row].max()) / 2, int(look.reached[row])
        if not state.warning.active:
            state = replace(state, warning=_begun(recent))
        state, moments = self._fail(state, look, row, levels)
        events = [self._failure(look.rows, moment, state) for moment in moments]
        warning, moments = _extended(state.warning, look.rows, max(one.until for one in recent), flashes, at)
        if not warning.opened and not state.failed and look.times[row] - warning.start >= look.second:
            warning = replace(warning, opened=True)
            moments = [Moment("opened", at, warning)]
        return replace(state, warning=warning), events + [self._warning(look.rows, moment) for moment in moments]

    def _levels(self, state: FlashState, look: Look, row: int) -> tuple[FlashState, list[int]]:
        """How bad a row is, by kind: 0 passes, 1 is a warning, 2 an extended failure, 3 a failure."""
        window, long = (look.rows.base.ceil(each) for each in (STEADY_SECONDS, self.settings.extended_seconds))
        levels, trails = [], list(state.trails)
        for kind, count in enumerate(look.counts[:, row].tolist()):
            ticks = 0
            if self.settings.warned <= count <= self.settings.most:
                start, until = int(look.times[row]), int(look.until[row])
                stretches, ticks = steady(trails[kind].steady, start, until, window)
                trails[kind] = replace(trails[kind], steady=stretches)
            warned = 2 if ticks >= long else 1
            levels.append(3 if count > self.settings.most else warned if count >= self.settings.warned else 0)
        return replace(state, trails=(trails[0], trails[1])), levels

    def _fail(self, state: FlashState, look: Look, row: int, levels: list[int]) -> tuple[FlashState, list[Moment]]:
        """Begin, carry on or end a failure."""
        worst, at, span = max(levels), int(look.reached[row]), state.failure
        if worst < 2:
            over = span.active and look.times[row] >= span.end + look.second
            return (replace(state, failure=IDLE), [Moment("closed", at, span)]) if over else (state, [])
        kind = levels.index(worst)
        recent = look.recent(kind, row)
        flashes, end = int(look.counts[kind, row]) / 2, recent[-1].until
        if span.active:
            span, moments = _extended(span, look.rows, end, flashes, at)
            return replace(state, failure=span), moments
        span = state.warning if worst == 2 and not state.failed else _begun(recent)
        span = replace(span, opened=True, end=max(span.end, end), peak=max(span.peak, flashes))
        cause = "extended" if worst == 2 else KINDS[kind]
        state = replace(state, failure=span, failed=True, cause=cause, kind=KINDS[kind])
        return state, [Moment("opened", at, span)]

    def _end(self, state: FlashState, rows: Rows, at: int) -> tuple[FlashState, list[Event]]:
        """A run is over: close what is open; a short one without a failure is told only now."""
        events = []
        if state.failure.active:
            events.append(self._failure(rows, Moment("closed", at, state.failure), state))
        if state.warning.active and not (state.warning.opened or state.failed):
            events.append(self._warning(rows, Moment("opened", at, state.warning)))
        if state.warning.active and (state.warning.opened or not state.failed):
            events.append(self._warning(rows, Moment("closed", at, state.warning)))
        return replace(state, warning=IDLE, failure=IDLE, failed=False), events

    def _failure(self, rows: Rows, moment: Moment, state: FlashState) -> Event:
        red = "of saturated red " if state.kind == "red" else ""
        long = f", for {self.settings.extended_seconds:g} of 5 s" if state.cause == "extended" else ""
        message = f"flashes {red}that may cause seizures: up to {moment.span.peak:.1f} in 1 s{long}"
        return event(self, rows, moment, unit="flashes/s", part="failure", cause=state.cause, message=message)

    def _warning(self, rows: Rows, moment: Moment) -> Event:
        message = f"flashes, near the limit: up to {moment.span.peak:.1f} in 1 s"
        found = event(self, rows, moment, unit="flashes/s", part="warning", cause="warning", message=message)
        return replace(found, severity="warning")


def _begun(transitions: Sequence[Transition]) -> Span:
    first = min(transitions, key=lambda one: one.time)
    return Span(True, False, first.epoch, first.wrap, first.pts, first.time, first.time)


def _extended(span: Span, rows: Rows, end: int, flashes: float, at: int) -> tuple[Span, list[Moment]]:
    """Carry a span on; where it is open, there is an update on the grid."""
    grid = rows.base.ceil(UPDATE_SECONDS)
    passes = span.opened and end // grid > span.end // grid
    span = replace(span, end=max(span.end, end), peak=max(span.peak, flashes))
    return span, [Moment("updated", at, span)] if passes else []

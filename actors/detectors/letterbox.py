"""Borders: black bars that come or go in mid-programme, as ffmpeg's cropdetect finds them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from actors.incident import Event, Severity, Thresholds
from actors.measure import Rows
from actors.media import Table, VideoFormat
from actors.spans import BEFORE, IDLE, Moment, Span, begin, close, event, extend, read

STEADY = 0.02
"""Share of the picture by which bars may differ, from each other and from picture to picture."""


class LetterboxThresholds(Thresholds):
    """When borders count as changed."""

    area: float = Field(
        0.05, gt=0, le=1, title="share of the picture that bars must take or give back, at least",
        description="Origin: our choice; from 16:9 to 1.85:1 bars take 0.04, to 2.35:1 they take 0.24, to 4:3 0.25.",
    )  # fmt: skip
    minimum_seconds: float = Field(
        2.0, ge=0.1, title="seconds that bars must be steady",
        description="Origin: our choice; edges of dark scenes move.",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class LetterboxState:
    """What is remembered of a programme's bars.

    ``usual``: the share that its own bars take, NaN until it is known. ``value``: that of the steady run of pictures
    that began at ``since``, NaN before the first. ``span``: of a run that is unlike the usual.
    """

    usual: float = np.nan
    value: float = np.nan
    since: int = 0
    span: Span = IDLE


class Letterbox:
    """Bars above and below, or at both sides, that are not those of the programme so far."""

    name = "letterbox"
    version = 1
    table: Table = "video"
    metrics: tuple[str, ...] = ("border_top", "border_bottom", "border_left", "border_right")
    severity: Severity = "info"

    def __init__(self, settings: LetterboxThresholds | None = None) -> None:
        self.settings = settings or LetterboxThresholds()

    def start(self) -> LetterboxState:
        """No picture yet."""
        return LetterboxState()

    def judge(self, state: LetterboxState, rows: Rows) -> tuple[LetterboxState, list[Event]]:
        """Judge the borders. A picture that is dark to both edges tells nothing, and is passed over."""
        if not len(rows):
            return state, []
        lost = _lost(rows)
        reading = read(rows, lost, rows.base.ceil(self.settings.minimum_seconds), state.span.reached)
        state = replace(state, span=replace(state.span, reached=BEFORE))
        moments: list[Moment] = []
        changed = (lost[1:] != lost[:-1]) & ~(np.isnan(lost[1:]) & np.isnan(lost[:-1]))
        edges = [0, *(np.flatnonzero(changed) + 1).tolist(), len(rows)]
        for first, stop in pairwise(edges):
            value = float(lost[first])
            if not np.isnan(value) and not abs(value - state.value) <= STEADY:
                if state.span.opened:
                    moments.append(Moment("closed", int(reading.reached[first]), state.span))
                unusual = abs(value - state.usual) >= self.settings.area
                span = begin(rows, first) if unusual else IDLE
                state = LetterboxState(state.usual, value, int(rows.columns["time"][first]), span)
            if state.span.active:
                span, found = extend(state.span, reading, np.arange(first, stop))
                state, moments = replace(state, span=span), moments + found
            elif np.isnan(state.usual) and not np.isnan(state.value):
                lasted = int(reading.until[first:stop].max()) - state.since
                state = replace(state, usual=state.value) if lasted >= reading.minimum else state
        state = replace(state, span=replace(state.span, reached=int(reading.reached[-1])))
        return state, [self._event(rows, state.usual, moment) for moment in moments]

    def finish(self, state: LetterboxState, rows: Rows) -> list[Event]:
        """Close what is unusual to the end."""
        return [self._event(rows, state.usual, moment) for moment in close(state.span)]

    def unknown(self, format_text: str) -> str | None:
        """Every picture can be judged."""
        return None

    def _event(self, rows: Rows, usual: float, moment: Moment) -> Event:
        span = moment.span
        seconds = rows.base.seconds(span.end - span.start)
        message = f"bars take {span.peak:.1%} of the picture for {seconds:.2f} s, where {usual:.1%} is usual"
        return event(self, rows, moment, unit="share", message=message)


def _lost(rows: Rows) -> NDArray[np.float64]:
    """(n,) share of the picture in bars above and below or at both sides; NaN where that cannot be told.

    Bars come in pairs of one size. A picture with both kinds may be a title on black, which is no border.
    """
    fmt = VideoFormat.parse(rows.format)
    bars = []
    for one, other, length in (("top", "bottom", fmt.height), ("left", "right", fmt.width)):
        first, second = (rows.columns[f"border_{side}"].astype(np.float64) / length for side in (one, other))
        paired = ~(np.abs(first - second) > STEADY)
        bars.append(np.where(paired, 2 * np.minimum(first, second), 0))
    down, across = bars
    return np.where(np.minimum(down, across) > STEADY, np.nan, np.maximum(down, across))

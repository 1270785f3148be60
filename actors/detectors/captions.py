"""Captions in pictures that were there, and are there no more."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from actors.captions import NONE
from actors.incident import Event, Severity, Thresholds
from actors.measure import Rows
from actors.media import MISSING, Table
from actors.spans import IDLE, Moment, Span, close, event, follow

STEADY = 100
"""Pictures in a row with caption data that make a stream of which every picture has some."""


class CaptionsThresholds(Thresholds):
    """When captions are missing."""

    gone_seconds: float = Field(
        10.0, gt=0, le=86_400, title="seconds without caption data in any picture, at least",
        description="Origin: the window in which GStreamer's ccdetect looks for captions. Streams of which every "
        "picture had some, padding too.",
    )  # fmt: skip
    idle_seconds: float = Field(
        300.0, gt=0, le=86_400, title="seconds in which caption data is nothing but padding, at least",
        description="Origin: our choice; nobody speaks for minutes at times. Lower it where somebody always does.",
    )  # fmt: skip
    expected: bool = Field(
        False, title="true or false: whether captions are to be there from the start",
        description="Origin: our choice; most streams have none, and it is no fault.",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Subtitled:
    """What is remembered.

    ``seen``: whether any picture was. ``run``: how many of the newest had caption data; whether it was ever ``steady``,
    and whether it ever ``said`` something.
    """

    seen: bool = False
    run: int = 0
    steady: bool = False
    said: bool = False
    gone: Span = IDLE
    idle: Span = IDLE


class Captions:
    """Captions gone: no picture carries caption data any more (part ``gone``), or only padding (part ``idle``).

    Where pictures carried caption data only now and then, its absence is a pause, and says nothing.
    """

    name = "captions"
    version = 1
    table: Table = "packets"
    metrics: tuple[str, ...] = ("captions",)
    severity: Severity = "warning"

    def __init__(self, settings: CaptionsThresholds | None = None) -> None:
        self.settings = settings or CaptionsThresholds()

    def start(self) -> Subtitled:
        """No picture yet."""
        return Subtitled()

    def judge(self, state: Subtitled, rows: Rows) -> tuple[Subtitled, list[Event]]:
        """Judge ``captions``. A packet that gave no picture says nothing."""
        found = rows.columns["captions"].astype(np.int64)
        told = found != MISSING
        if not told.any():
            return state, []
        rows, found = rows.where(told), found[told]
        carried, expected = found != NONE, self.settings.expected
        run, steady = _runs(state, carried)
        said = np.logical_or.accumulate(found > 0) | state.said
        nothing = np.full(len(found), np.nan)
        gone, moments = follow(
            state.gone, rows, ~carried & (steady | expected), nothing, rows.base.ceil(self.settings.gone_seconds)
        )
        events = [self._event(rows, moment, "gone") for moment in moments]
        idle, moments = follow(
            state.idle, rows, carried & (found == 0) & (said | expected), nothing,
            rows.base.ceil(self.settings.idle_seconds),
        )  # fmt: skip
        events += [self._event(rows, moment, "idle") for moment in moments]
        state = Subtitled(True, run, bool(steady[-1]), bool(said[-1]), gone, idle)
        return state, sorted(events, key=lambda event: event.at)

    def finish(self, state: Subtitled, rows: Rows) -> list[Event]:
        """Close what is open."""
        return [
            *(self._event(rows, moment, "gone") for moment in close(state.gone)),
            *(self._event(rows, moment, "idle") for moment in close(state.idle)),
        ]

    def unknown(self, format_text: str) -> str | None:
        """What carries no captions has none to lose."""
        return None

    def doubt(self, state: Subtitled) -> str | None:
        """Without pictures there are no captions in them."""
        return None if state.seen else "none of its pictures was looked at"

    def _event(self, rows: Rows, moment: Moment, part: str) -> Event:
        seconds = rows.base.seconds(moment.span.end - moment.span.start)
        made = event(self, rows, moment, unit="s", part=part, cause=part, message=f"{_WORDS[part]} for {seconds:.1f} s")
        return replace(made, peak=seconds)


_WORDS = {"gone": "captions are gone: no picture carries any", "idle": "captions are empty: nothing but padding came"}


def _runs(state: Subtitled, carried: NDArray[np.bool_]) -> tuple[int, NDArray[np.bool_]]:
    """Pictures with caption data in a row at the end, and before which picture they were steady: (n,)."""
    index = np.arange(len(carried))
    missed = np.maximum.accumulate(np.where(carried, -1, index))
    runs = np.where(missed < 0, state.run + index + 1, index - missed)
    return int(runs[-1]), np.logical_or.accumulate(runs >= STEADY) | state.steady

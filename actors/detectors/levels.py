"""Illegal levels: codes outside the range that limited-range pictures may use."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from actors.incident import Event, Severity, Thresholds
from actors.measure import Rows
from actors.media import Table, VideoFormat
from actors.spans import Moment, Span, close, event, follow


class LevelsThresholds(Thresholds):
    """When levels count as illegal."""

    share: float = Field(
        0.05, gt=0, le=1, title="share of pixels outside the legal range, at least",
        description="Origin: measured. Good clips reach 0.035, by ringing and by the blanking at the sides of pictures "
        "720 wide. EBU R 103 allows 0.01 of a wider range: set that where the source is a master.",
    )  # fmt: skip
    minimum_seconds: float = Field(2.0, ge=0, title="seconds that it must last", description="Origin: as in black.")


class Levels:
    """Pictures of which many pixels are outside the legal range, as when full-range codes are said to be limited."""

    name = "levels"
    version = 1
    table: Table = "video"
    metrics: tuple[str, ...] = ("illegal_share",)
    severity: Severity = "warning"

    def __init__(self, settings: LevelsThresholds | None = None) -> None:
        self.settings = settings or LevelsThresholds()

    def start(self) -> Span:
        """Nothing illegal yet."""
        return Span()

    def judge(self, state: Span, rows: Rows) -> tuple[Span, list[Event]]:
        """Judge ``illegal_share``; in full range there is none."""
        share = rows.columns["illegal_share"].astype(np.float64)
        minimum = rows.base.ceil(self.settings.minimum_seconds)
        state, moments = follow(state, rows, share >= self.settings.share, share, minimum)
        return state, [self._event(rows, moment) for moment in moments]

    def finish(self, state: Span, rows: Rows) -> list[Event]:
        """Close what is illegal to the end."""
        return [self._event(rows, moment) for moment in close(state)]

    def unknown(self, format_text: str) -> str | None:
        """Full-range pictures may use every code."""
        return "full range: every code is legal" if VideoFormat.parse(format_text).range == "full" else None

    def _event(self, rows: Rows, moment: Moment) -> Event:
        span = moment.span
        seconds = rows.base.seconds(span.end - span.start)
        assumed = ", range assumed limited" if VideoFormat.parse(rows.format).range == "assumed" else ""
        message = f"levels outside the legal range for {seconds:.2f} s ({span.peak:.1%} of the pixels{assumed})"
        return event(self, rows, moment, unit="share", message=message)

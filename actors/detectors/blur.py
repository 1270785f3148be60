"""Blurred pictures: no edge is sharp."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from actors.incident import Event, Severity, Thresholds
from actors.measure import Rows
from actors.media import Table
from actors.spans import Moment, Span, close, event, follow


class BlurThresholds(Thresholds):
    """When a picture counts as blurred."""

    width: float = Field(
        10.0, gt=1, le=15, title="mean width of edges in pixels, at least",
        description="Origin: measured. Good clips stay below 7.7, also with little in focus; a Gaussian blur of 4 "
        "pixels gives 11.5. Lower it where the programme is known to be sharp.",
    )  # fmt: skip
    minimum_seconds: float = Field(
        1.0, ge=0, title="seconds that it must last",
        description="Origin: our choice; pulling focus and pans are shorter.",
    )  # fmt: skip


class Blur:
    """Pictures whose edges are all wide."""

    name = "blur"
    version = 1
    table: Table = "video"
    metrics: tuple[str, ...] = ("edge_width",)
    severity: Severity = "warning"

    def __init__(self, settings: BlurThresholds | None = None) -> None:
        self.settings = settings or BlurThresholds()

    def start(self) -> Span:
        """Nothing blurred yet."""
        return Span()

    def judge(self, state: Span, rows: Rows) -> tuple[Span, list[Event]]:
        """Judge ``edge_width``. A flat picture has none, and is not blurred."""
        width = rows.columns["edge_width"].astype(np.float64)
        minimum = rows.base.ceil(self.settings.minimum_seconds)
        state, moments = follow(state, rows, width >= self.settings.width, width, minimum)
        return state, [self._event(rows, moment) for moment in moments]

    def finish(self, state: Span, rows: Rows) -> list[Event]:
        """Close what is blurred to the end."""
        return [self._event(rows, moment) for moment in close(state)]

    def unknown(self, format_text: str) -> str | None:
        """Every picture can be judged."""
        return None

    def _event(self, rows: Rows, moment: Moment) -> Event:
        span = moment.span
        seconds = rows.base.seconds(span.end - span.start)
        message = f"blurred picture for {seconds:.2f} s (edges up to {span.peak:.1f} pixels wide)"
        return event(self, rows, moment, unit="px", message=message)

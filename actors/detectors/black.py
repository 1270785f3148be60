"""Black pictures, as ffmpeg's blackdetect defines them."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from actors.incident import Event, Severity, Thresholds
from actors.measure import Rows
from actors.media import Table, VideoFormat
from actors.spans import Moment, Span, close, event, follow


class BlackThresholds(Thresholds):
    """When a picture counts as black."""

    share: float = Field(
        0.98, gt=0, le=1, title="share of black pixels in a black picture, at least",
        description="Origin: ffmpeg's blackdetect. Lower it where a logo stays on.",
    )  # fmt: skip
    minimum_seconds: float = Field(
        2.0, ge=0, title="seconds that black must last", description="Origin: ffmpeg's blackdetect."
    )


class Black:
    """Pictures of which nearly every pixel is black. Ends where the last of them stops being shown."""

    name = "black"
    version = 1
    table: Table = "video"
    metrics: tuple[str, ...] = ("black_share",)
    severity: Severity = "critical"

    def __init__(self, settings: BlackThresholds | None = None) -> None:
        self.settings = settings or BlackThresholds()

    def start(self) -> Span:
        """Nothing black yet."""
        return Span()

    def judge(self, state: Span, rows: Rows) -> tuple[Span, list[Event]]:
        """Judge ``black_share``."""
        share = rows.columns["black_share"].astype(np.float64)
        minimum = rows.base.ceil(self.settings.minimum_seconds)
        state, moments = follow(state, rows, share >= self.settings.share, share, minimum)
        return state, [self._event(rows, moment) for moment in moments]

    def finish(self, state: Span, rows: Rows) -> list[Event]:
        """Close what is black to the end."""
        return [self._event(rows, moment) for moment in close(state)]

    def unknown(self, format_text: str) -> str | None:
        """Every picture can be judged: the meter knows range, depth and transfer."""
        return None

    def _event(self, rows: Rows, moment: Moment) -> Event:
        span = moment.span
        seconds = rows.base.seconds(span.end - span.start)
        assumed = ", range assumed limited" if VideoFormat.parse(rows.format).range == "assumed" else ""
        message = f"black picture for {seconds:.2f} s ({span.peak:.1%} of its pixels{assumed})"
        return event(self, rows, moment, unit="share", message=message)

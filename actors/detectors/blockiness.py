"""Blocks: a grid that heavy compression leaves in the picture."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from actors.incident import Event, Severity, Thresholds
from actors.measure import Rows
from actors.media import Table
from actors.spans import Moment, Span, close, event, follow


class BlockinessThresholds(Thresholds):
    """When a picture counts as blocky."""

    ratio: float = Field(
        2.5, gt=1, le=10, title="times by which steps of luma on the grid exceed those inside its blocks, at least",
        description="Origin: measured. Clean clips stay below 2.5 in all but single frames; H.264 at quantiser 46 "
        "reaches 10, and 8x8 means mixed in by half pass 4.",
    )  # fmt: skip
    step: float = Field(
        1.0, ge=0, le=255, title="step of luma on the grid in 8-bit codes, at least",
        description="Origin: measured. Dark and flat pictures of good clips have grids of 0.1 to 0.8 codes, seen by "
        "nobody; blocks of quantiser 46 have 8.",
    )  # fmt: skip
    minimum_seconds: float = Field(
        1.0, ge=0, title="seconds that it must last",
        description="Origin: our choice; a cut or a key frame of a low rate is blocky for 0.2 s.",
    )  # fmt: skip


class Blockiness:
    """Pictures in which a grid of blocks shows."""

    name = "blockiness"
    version = 1
    table: Table = "video"
    metrics: tuple[str, ...] = ("blockiness", "block_grid", "block_step")
    severity: Severity = "warning"

    def __init__(self, settings: BlockinessThresholds | None = None) -> None:
        self.settings = settings or BlockinessThresholds()

    def start(self) -> Span:
        """Nothing blocky yet."""
        return Span()

    def judge(self, state: Span, rows: Rows) -> tuple[Span, list[Event]]:
        """Judge ``block_grid`` where ``block_step`` can be seen. A flat picture has no value, and is not blocky."""
        grid, step = (rows.columns[name].astype(np.float64) for name in ("block_grid", "block_step"))
        held = (grid >= self.settings.ratio) & (step >= self.settings.step)
        state, moments = follow(state, rows, held, grid, rows.base.ceil(self.settings.minimum_seconds))
        return state, [self._event(rows, moment) for moment in moments]

    def finish(self, state: Span, rows: Rows) -> list[Event]:
        """Close what is blocky to the end."""
        return [self._event(rows, moment) for moment in close(state)]

    def unknown(self, format_text: str) -> str | None:
        """Every picture can be judged."""
        return None

    def _event(self, rows: Rows, moment: Moment) -> Event:
        span = moment.span
        seconds = rows.base.seconds(span.end - span.start)
        message = f"blocky picture for {seconds:.2f} s (steps on the grid up to {span.peak:.1f} times those inside)"
        return event(self, rows, moment, unit="ratio", message=message)

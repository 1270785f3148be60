"""Cuts, as ffmpeg's scdet scores them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydantic import Field

from actors.incident import Event, Severity, Thresholds
from actors.measure import Rows
from actors.media import Table
from actors.spans import BEFORE, marker


class SceneThresholds(Thresholds):
    """When a change counts as a cut."""

    threshold: float = Field(
        10.0, gt=0, le=100, title="score of a cut in %, at least",
        description="Origin: ffmpeg's scdet. Raise it where flashes or fast motion are taken for cuts.",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class SceneState:
    """The difference of the newest pair of frames that could be compared, and the furthest end of any row."""

    difference: float = 0.0
    reached: int = BEFORE


class Scene:
    """A marker where the picture changes at once: ``min(mafd, |mafd - mafd before|)``."""

    name = "scene"
    version = 1
    table: Table = "video"
    metrics: tuple[str, ...] = ("luma_difference",)
    severity: Severity = "info"

    def __init__(self, settings: SceneThresholds | None = None) -> None:
        self.settings = settings or SceneThresholds()

    def start(self) -> SceneState:
        """Before the first pair."""
        return SceneState()

    def judge(self, state: SceneState, rows: Rows) -> tuple[SceneState, list[Event]]:
        """Judge ``luma_difference``. A frame without one before it has no score and is passed over."""
        if not len(rows):
            return state, []
        until = rows.columns["time"].astype(np.int64) + rows.columns["duration"].astype(np.int64)
        reached = np.maximum(np.maximum.accumulate(until), state.reached)
        mafd = rows.columns["luma_difference"].astype(np.float64)
        known = np.flatnonzero(~np.isnan(mafd))
        values = np.concatenate(([state.difference], mafd[known]))
        scores = np.minimum(values[1:], np.abs(np.diff(values)))
        events = [
            marker(
                self, rows, int(known[index]), at=int(reached[known[index]]), peak=float(scores[index]), unit="%",
                message=f"cut (score {scores[index]:.1f})",
            )
            for index in np.flatnonzero(scores >= self.settings.threshold).tolist()
        ]  # fmt: skip
        return SceneState(float(values[-1]), int(reached[-1])), events

    def finish(self, state: SceneState, rows: Rows) -> list[Event]:
        """A cut has no length: nothing is open."""
        return []

    def unknown(self, format_text: str) -> str | None:
        """Every picture can be judged."""
        return None

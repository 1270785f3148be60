"""Silence: no sound in any channel of a track."""

from __future__ import annotations

import math
from dataclasses import replace

from pydantic import Field

from actors import spans
from actors.incident import Event, Severity, Thresholds
from actors.measure import Rows
from actors.measure.sound import hops
from actors.media import Table
from actors.spans import Moment, Span


class SilenceThresholds(Thresholds):
    """When sound counts as gone."""

    threshold_db: float = Field(
        -60.0, ge=-120, lt=0, title="level in dBFS below which every sample of a hop of 10 ms is silence",
        description="Origin: ffmpeg's silencedetect. Raise it where the noise of the source hides a loss.",
    )  # fmt: skip
    minimum_seconds: float = Field(
        2.0, ge=0.1, le=3600, title="seconds that silence must last",
        description="Origin: ffmpeg's silencedetect. Raise it for programmes with long pauses.",
    )  # fmt: skip


class Silence:
    """Finds silence of all channels, to 10 ms. The peak is the greatest level within it, none if every sample is 0."""

    name = "silence"
    version = 1
    table: Table = "audio"
    metrics: tuple[str, ...] = ("hop_samples", "peaks")
    severity: Severity = "critical"

    def __init__(self, settings: SilenceThresholds | None = None) -> None:
        self.settings = settings or SilenceThresholds()

    def start(self) -> Span:
        """Nothing heard yet."""
        return Span()

    def judge(self, state: Span, rows: Rows) -> tuple[Span, list[Event]]:
        """Follow the level of the loudest channel, hop by hop."""
        fine, peaks = hops.expand(rows)
        loudest = hops.loudest(peaks)
        held = loudest < 10 ** (self.settings.threshold_db / 20)
        state, moments = spans.follow(state, fine, held, loudest, rows.base.ceil(self.settings.minimum_seconds))
        return state, [self._event(rows, moment) for moment in moments]

    def finish(self, state: Span, rows: Rows) -> list[Event]:
        """Close a silence that lasts to the end."""
        return [self._event(rows, moment) for moment in spans.close(state)]

    def unknown(self, format_text: str) -> str | None:
        """Silence can be told in every format."""
        return None

    def _event(self, rows: Rows, moment: Moment) -> Event:
        level = 20 * math.log10(moment.span.peak) if moment.span.peak > 0 else -math.inf
        moment = replace(moment, span=replace(moment.span, peak=level))
        return spans.event(self, rows, moment, unit="dBFS", message="no sound in any channel")

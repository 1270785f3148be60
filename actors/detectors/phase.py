"""Phase: left and right work against each other, or have become one and the same."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from actors import spans
from actors.incident import Event, Severity, Thresholds
from actors.measure import Rows
from actors.measure.sound import front_pair, hops
from actors.media import AudioFormat, Table
from actors.spans import Moment, Span


class PhaseThresholds(Thresholds):
    """When two channels are out of phase, and when they are one."""

    limit_correlation: float = Field(
        -0.5, ge=-1, lt=0, title="correlation of left and right, over 100 ms, at or below which they are out of phase",
        description="Origin: 18 stereo clips without the fault stay above it but for single rows. Lower it for music "
        "with wide effects; -0.985 is the angle of ffmpeg's aphasemeter (170 degrees).",
    )  # fmt: skip
    mono_db: float = Field(
        -60.0, ge=-150, le=-20, title="level in dB of left minus right below left plus right, at which both are one",
        description="Origin: clips with one sound in both channels, lossy coded, are at -78 or less, stereo ones at "
        "-40 or more.",
    )  # fmt: skip
    threshold_db: float = Field(
        -60.0, ge=-120, lt=0, title="RMS level in dBFS, over 100 ms, that both channels must have to be judged",
        description="Origin: as in silence.",
    )  # fmt: skip
    minimum_seconds: float = Field(
        2.0, ge=0.1, le=3600, title="seconds that either must last",
        description="Also the length of what says nothing from which an incident ends, and of the stereo sound that "
        "must have been heard before mono is told. Origin: ffmpeg's aphasemeter.",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pair:
    """What is remembered of a track of one format. ``stereo``: ticks of stereo sound heard, as far as they matter."""

    format: str = ""
    opposed: Span = field(default_factory=Span)
    mono: Span = field(default_factory=Span)
    stereo: int = 0


class Phase:
    """Finds front channels out of phase (a warning), and stereo that has become mono (information), to 100 ms.

    Between ``limit_correlation`` and 0 a row says nothing, as do quiet ones: an incident goes on across them for
    ``minimum_seconds``. A programme that is mono throughout is no incident. The peak is the correlation, where it is
    furthest from 0.
    """

    name = "phase"
    version = 1
    table: Table = "audio"
    metrics: tuple[str, ...] = ("hop_samples", "stereo_power")
    severity: Severity = "warning"

    def __init__(self, settings: PhaseThresholds | None = None) -> None:
        self.settings = settings or PhaseThresholds()

    def start(self) -> Pair:
        """Nothing heard yet."""
        return Pair()

    def judge(self, state: Pair, rows: Rows) -> tuple[Pair, list[Event]]:
        """Follow the correlation of the front pair, row by row."""
        events: list[Event] = []
        if state.format != rows.format:
            events, state = self.finish(state, rows), Pair(rows.format)
        correlation, one = self._read(rows)
        opposed, sounds = correlation <= self.settings.limit_correlation, ~np.isnan(correlation)
        heard, stereo = self._stereo(state, rows, sounds & ~one & ~opposed)
        span, moments = self._follow(state.opposed, rows, opposed, correlation > 0, -correlation)
        events += [self._opposed(rows, moment) for moment in moments]
        mono, moments = self._follow(state.mono, rows, one & heard, sounds & ~one, correlation)
        events += [self._mono(rows, moment) for moment in moments]
        return replace(state, opposed=span, mono=mono, stereo=stereo), sorted(events, key=lambda event: event.at)

    def finish(self, state: Pair, rows: Rows) -> list[Event]:
        """Close what lasts to the end."""
        return [
            *(self._opposed(rows, moment) for moment in spans.close(state.opposed)),
            *(self._mono(rows, moment) for moment in spans.close(state.mono)),
        ]

    def unknown(self, format_text: str) -> str | None:
        """There must be two channels in front."""
        return None if front_pair(AudioFormat.parse(format_text)) else "the track has no front left and right"

    def _read(self, rows: Rows) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Correlation of each row (n,), NaN where it is too quiet; and whether both channels are one."""
        left, right, product = rows.columns["stereo_power"].astype(np.float64).T
        samples = np.maximum(rows.columns["hop_samples"].astype(np.int64).sum(axis=1), 1)
        sounds = np.minimum(left, right) >= 10 ** (self.settings.threshold_db / 10) * samples
        correlation = np.full(len(rows), np.nan)
        np.divide(product, np.sqrt(left) * np.sqrt(right), out=correlation, where=sounds)
        one = left + right - 2 * product <= 10 ** (self.settings.mono_db / 10) * (left + right + 2 * product)
        return np.clip(correlation, -1, 1), sounds & one

    def _stereo(self, state: Pair, rows: Rows, stereo: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], int]:
        """Whether enough stereo sound was heard up to each row (n,); and how much to remember."""
        enough = rows.base.ceil(self.settings.minimum_seconds)
        ticks = state.stereo + np.cumsum(np.where(stereo, rows.columns["duration"].astype(np.int64), 0))
        return ticks >= enough, min(enough, int(ticks[-1])) if len(ticks) else state.stereo

    def _follow(
        self, span: Span, rows: Rows, held: NDArray[np.bool_], ended: NDArray[np.bool_], level: NDArray[np.float64]
    ) -> tuple[Span, list[Moment]]:
        least = rows.base.ceil(self.settings.minimum_seconds)
        telling = hops.bridge(span, rows, held, least, ended)
        return spans.follow(span, rows.where(telling), held[telling], level[telling], least)

    def _opposed(self, rows: Rows, moment: Moment) -> Event:
        moment = replace(moment, span=replace(moment.span, peak=-moment.span.peak))
        message = "left and right are out of phase: in mono they cancel out"
        return spans.event(self, rows, moment, unit="correlation", part="out_of_phase", message=message)

    def _mono(self, rows: Rows, moment: Moment) -> Event:
        message = "stereo has become mono: left and right are the same"
        found = spans.event(self, rows, moment, unit="correlation", part="mono", message=message)
        return replace(found, severity="info")

"""Sound that is off its pictures, by markers that are in both: a flash, and a beep that belongs to it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from pydantic import Field

from actors.detectors import pulses
from actors.detectors.pulses import Levels, Pulse
from actors.detectors.sliding import slide
from actors.incident import Event, Severity, Thresholds
from actors.measure import Rows
from actors.measure.sound import hops
from actors.media import AudioFormat, Table
from actors.spans import Moment, event

EVEN = 5
"""Pictures before a flash that must be even: their mean luma may differ by a quarter of what makes a flash."""

QUIET = 20
"""Hops of 10 ms before a beep that must be quiet, but for the last :data:`EARLY`: coders let a beep be heard before."""

EARLY = 2
FLASH_SECONDS = 0.5
BEEP_SECONDS = 1
"""How long a flash, and a beep, may last."""


class AvSyncThresholds(Thresholds):
    """When sound is off its pictures, and what markers are."""

    early_ms: float = Field(
        45.0, gt=0, le=2000, title="ms by which sound comes early, more than",
        description="Origin: ITU-R BT.1359-1, what viewers notice; it accepts 90.",
    )  # fmt: skip
    late_ms: float = Field(
        125.0, gt=0, le=2000, title="ms by which sound comes late, more than",
        description="Origin: ITU-R BT.1359-1, what viewers notice; it accepts 185.",
    )  # fmt: skip
    pairs: int = Field(
        3, ge=3, le=9, title="flashes and beeps that must agree, at least",
        description="Origin: our choice; two may meet by chance. Raise it where flashes and bangs are the programme.",
    )  # fmt: skip
    flash_codes: float = Field(
        24.0, ge=4, le=200, title="8-bit codes by which a flash makes the mean of a picture lighter, at least",
        description="Origin: our choice; white on a ninth of a black picture. Lower it for small markers.",
    )  # fmt: skip
    beep_db: float = Field(
        -30.0, ge=-80, lt=0, title="peak in dBFS of a beep, at least",
        description="Origin: our choice; line-up tones are at -18 or -20 dBFS.",
    )  # fmt: skip
    quiet_db: float = Field(
        -50.0, ge=-100, lt=0, title="peak in dBFS of what is heard before a beep, at most",
        description="Origin: our choice; 20 dB below a beep, so that its onset is plain.",
    )  # fmt: skip


class AvSync:
    """Sound that comes early or late (parts ``early``, ``late``), by flashes and beeps that belong together.

    Of a track alone it finds markers: pictures much lighter than those around them (part ``flash``, on the first
    pictures; the peak is how long one picture is shown, in ms), and bursts out of silence (part ``beep``). They never
    leave the stream's owner: :mod:`actors.sync` makes incidents of them.
    """

    name = "av_sync"
    version = 1
    table: Table = "audio"
    metrics: tuple[str, ...] = ("hop_samples", "peaks", "onsets", "restarted")
    severity: Severity = "warning"

    def __init__(self, settings: AvSyncThresholds | None = None, table: Table = "audio") -> None:
        self.settings = settings or AvSyncThresholds()
        self.table = table
        self.metrics = ("luma_mean",) if table == "video" else AvSync.metrics

    def start(self) -> Pulse:
        """Nothing seen or heard yet."""
        return Pulse()

    def judge(self, state: Pulse, rows: Rows) -> tuple[Pulse, list[Event]]:
        """Find flashes in ``luma_mean``, or beeps in ``peaks``, whose onset ``onsets`` tells to the sample."""
        if not len(rows):
            return state, []
        if self.table == "video":
            state, moments = pulses.follow(state, self._light(state, rows), EVEN, rows.base.ceil(FLASH_SECONDS))
            return state, [self._marker(rows, moment, "flash") for moment in moments]
        levels = self._sound(state, rows)
        state, moments = pulses.follow(state, levels, QUIET, rows.base.ceil(BEEP_SECONDS))
        return state, [self._marker(rows, moment, "beep") for moment in moments]

    def finish(self, state: Pulse, rows: Rows) -> list[Event]:
        """What is not over is no marker."""
        return []

    def unknown(self, format_text: str) -> str | None:
        """Every format can be judged."""
        return None

    def _light(self, state: Pulse, rows: Rows) -> Levels:
        level, rise = rows.columns["luma_mean"].astype(np.float64), self.settings.flash_codes
        time, duration = (rows.columns[name].astype(np.int64) for name in ("time", "duration"))
        ends = np.concatenate(([state.reached], (time + duration)[:-1]))
        broken = 2 * np.abs(time - ends) > duration
        earlier, enough = pulses.before(state, level, broken, EVEN)
        most, least = (slide(extreme, earlier, EVEN) for extreme in (np.maximum, np.minimum))
        begins = enough & (4 * (most - least) <= rise) & (level - most >= rise)
        ms = 1000.0 * duration * rows.base.num / rows.base.den
        return Levels(rows, level, broken, begins, time, earlier[EVEN - 1 :] + rise / 2, ms)

    def _sound(self, state: Pulse, rows: Rows) -> Levels:
        fine, peaks = hops.expand(rows)
        level = hops.loudest(peaks)
        samples, onsets = (rows.columns[name].astype(np.int64) for name in ("hop_samples", "onsets"))
        row, hop = np.nonzero(samples)
        broken = rows.columns["restarted"].astype(np.bool_)[row] & (hop == 0)
        loud, quiet = (10 ** (db / 20) for db in (self.settings.beep_db, self.settings.quiet_db))
        earlier, enough = pulses.before(state, level, broken, QUIET)
        still = enough & (slide(np.maximum, earlier[:-EARLY], QUIET - EARLY) <= quiet)
        still &= slide(np.maximum, earlier[QUIET - EARLY :], EARLY) < loud
        first = np.cumsum(samples, axis=1)[row, hop] - samples[row, hop] + onsets[row, hop]
        ticks = first * rows.base.den // (AudioFormat.parse(rows.format).rate * rows.base.num)
        onset = rows.columns["time"].astype(np.int64)[row] + ticks
        return Levels(fine, level, broken, still & (level >= loud), onset, np.full(len(fine), loud), level)

    def _marker(self, rows: Rows, moment: Moment, part: str) -> Event:
        made = event(self, rows, moment, unit="ms" if part == "flash" else "", part=part, message=f"a {part}")
        return replace(made, end=moment.span.end)

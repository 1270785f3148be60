"""Loudness: programme loudness, its range, true peak; off a target, or suddenly changed (BS.1770-4, EBU R128)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from actors import spans
from actors.incident import Event, Severity, Thresholds
from actors.measure import Rows
from actors.measure.sound import HOPS, gating, hops, jumps, weighting
from actors.measure.sound.gating import Bins
from actors.measure.sound.jumps import Jump
from actors.media import AudioFormat, Table
from actors.spans import Moment, Span

_RECENT = jumps.ROWS * HOPS
_PEAK_HOLD_SECONDS = 1


class LoudnessThresholds(Thresholds):
    """When loudness is an incident. It is measured and reported in any case."""

    target: Literal["none", "r128"] = Field(
        "none", title="what loudness is held against",
        description="r128: a track is judged at its end against target_lufs, and its true peak all along. none: only a "
        "sudden jump is an incident.",
    )  # fmt: skip
    target_lufs: float = Field(
        -23.0, ge=-60, le=0, title="integrated loudness to meet, in LUFS", description="Origin: EBU R128."
    )
    tolerance_lu: float = Field(
        0.5, gt=0, le=20, title="LU that a track may be off the target",
        description="Origin: EBU R128, which allows 1.0 where a live programme cannot be met more exactly.",
    )  # fmt: skip
    max_true_peak_dbtp: float = Field(
        -1.0, ge=-20, le=10, title="greatest true peak allowed, in dBTP", description="Origin: EBU R128."
    )
    jump_lu: float = Field(
        10.0, ge=3, le=60, title="LU by which all of 3 seconds is louder than any of the 3 before",
        description="Origin: our choice. Raise it for film, which means its jumps.",
    )  # fmt: skip
    quiet_lufs: float = Field(
        -40.0, ge=-70, le=-10, title="LUFS of a second below which what follows is a start, not a jump",
        description="Origin: our choice; between the noise of a room and quiet speech.",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class LoudnessState:
    """What is remembered of a track; it does not grow with time.

    ``powers`` and ``samples`` of the newest hops without a break between them, ``keys`` (epoch, wrap, PTS, time) of the
    rows that they are in. ``momentary``: gating blocks. ``short``: short-term values every 100 ms. The loudest mean
    squares and the true peak are 0 where there are none. ``first``: key of the track's first row.
    """

    powers: tuple[int, ...] = ()
    samples: tuple[int, ...] = ()
    keys: tuple[jumps.Key, ...] = ()
    momentary: Bins = ()
    short: Bins = ()
    loudest_momentary: float = 0.0
    loudest_short: float = 0.0
    true_peak: float = 0.0
    first: jumps.Key | None = None
    reached: int = spans.BEFORE
    jump: Jump = field(default_factory=Jump)
    over: Span = field(default_factory=Span)


class Loudness:
    """Measures loudness, and finds what is off a target or jumps.

    With a target: integrated loudness off it is one incident over the whole track (part ``programme``), told at its
    end; true peaks over the limit are incidents (part ``true_peak``), less than 1 s apart the same. Without: a jump is
    one (see :mod:`actors.measure.sound.jumps`).
    """

    name = "loudness"
    version = 1
    table: Table = "audio"
    metrics: tuple[str, ...] = ("hop_samples", "loudness_power", "true_peak", "restarted")
    severity: Severity = "warning"

    def __init__(self, settings: LoudnessThresholds | None = None) -> None:
        self.settings = settings or LoudnessThresholds()

    def start(self) -> LoudnessState:
        """Nothing measured yet."""
        return LoudnessState()

    def judge(self, state: LoudnessState, rows: Rows) -> tuple[LoudnessState, list[Event]]:
        """Go through the stretches between breaks."""
        events: list[Event] = []
        restarted = rows.columns["restarted"].astype(np.bool_)
        cuts = [0, *(np.flatnonzero(restarted[1:]) + 1).tolist(), len(rows)]
        for start, stop in pairwise(cuts):
            if restarted[start]:
                events += self._jumped(rows, jumps.end(state.jump, state.reached))
                state = replace(state, powers=(), samples=(), keys=(), jump=Jump())
            state, moments = self._stretch(state, rows.slice(start, stop))
            events += self._jumped(rows, moments)
        state, moments = self._peaks(state, rows)
        events += [self._event(rows, moment, "true_peak", "dBTP", "true peak over the limit") for moment in moments]
        return state, sorted(events, key=lambda event: event.at)

    def finish(self, state: LoudnessState, rows: Rows) -> list[Event]:
        """Close what is open, and hold the whole track against the target."""
        moments = spans.close(state.over)
        return [
            *self._jumped(rows, jumps.end(state.jump, state.reached)),
            *(self._event(rows, moment, "true_peak", "dBTP", "true peak over the limit") for moment in moments),
            *self._programme(state, rows),
        ]

    def unknown(self, format_text: str) -> str | None:
        """Below some rate there is no K-weighting."""
        rate = AudioFormat.parse(format_text).rate
        return f"the sample rate is {rate} Hz" if rate < weighting.LOWEST_RATE else None

    def summary(self, state: LoudnessState) -> dict[str, float | None]:
        """The track so far; None for what is not defined: too short, or nothing above the absolute gate."""
        return {
            "integrated_lufs": gating.integrated(state.momentary),
            "range_lu": gating.loudness_range(state.short),
            "max_momentary_lufs": gating.lufs(state.loudest_momentary) if state.loudest_momentary else None,
            "max_short_term_lufs": gating.lufs(state.loudest_short) if state.loudest_short else None,
            "max_true_peak_dbtp": 20 * math.log10(state.true_peak) if state.true_peak else None,
        }

    def _stretch(self, state: LoudnessState, rows: Rows) -> tuple[LoudnessState, list[Moment]]:
        """Take in rows without a break, of which only the last may be short."""
        counts = rows.columns["hop_samples"].astype(np.int64)
        there = counts > 0
        new = gating.whole(rows.columns["loudness_power"].astype(np.float64)[there])
        power = np.concatenate((np.array(state.powers, np.int64), new))
        samples = np.concatenate((np.array(state.samples, np.int64), counts[there]))
        known, stretch = len(state.powers), gating.Stretch.of(power, samples)
        full = np.arange(known + HOPS, len(power) + 1, HOPS)
        state = replace(
            state,
            momentary=gating.counted(state.momentary, stretch.mean(full[full >= gating.MOMENTARY], gating.MOMENTARY)),
            short=gating.counted(state.short, stretch.mean(full[full >= gating.SHORT], gating.SHORT)),
            loudest_momentary=max(state.loudest_momentary, stretch.loudest(known, gating.MOMENTARY)),
            loudest_short=max(state.loudest_short, stretch.loudest(known, gating.SHORT)),
        )
        line = jumps.Line(stretch, rows, state.keys, state.reached)
        moments: list[Moment] = []
        if self.settings.target == "none":
            jump, moments = jumps.follow(state.jump, line, self.settings.jump_lu, self.settings.quiet_lufs)
            state = replace(state, jump=jump)
        return replace(
            state, powers=tuple(power[-_RECENT:].tolist()), samples=tuple(samples[-_RECENT:].tolist()),
            keys=line.newest_keys(), first=state.first or line.first_key(), reached=int(line.reached[-1]),
        ), moments  # fmt: skip

    def _peaks(self, state: LoudnessState, rows: Rows) -> tuple[LoudnessState, list[Moment]]:
        peaks: NDArray[np.float64] = rows.columns["true_peak"].astype(np.float64).max(axis=1)
        state = replace(state, true_peak=max(state.true_peak, float(peaks.max())))
        if self.settings.target == "none":
            return state, []
        held = peaks > 10 ** (self.settings.max_true_peak_dbtp / 20)
        telling = hops.bridge(state.over, rows, held, rows.base.ceil(_PEAK_HOLD_SECONDS))
        level = 20 * np.log10(np.where(held, peaks, 1.0))
        over, moments = spans.follow(state.over, rows.where(telling), held[telling], level[telling], 0)
        return replace(state, over=over), moments

    def _programme(self, state: LoudnessState, rows: Rows) -> list[Event]:
        measured = gating.integrated(state.momentary)
        if self.settings.target == "none" or measured is None or state.first is None:
            return []
        off = measured - self.settings.target_lufs
        if abs(off) <= self.settings.tolerance_lu:
            return []
        span = Span(True, True, *state.first, end=state.reached, peak=off)
        message = f"integrated loudness is {measured:.1f} LUFS"
        return [
            self._event(rows, Moment(kind, state.reached, span), "programme", "LU", message)
            for kind in ("opened", "closed")
        ]  # fmt: skip

    def _jumped(self, rows: Rows, moments: list[Moment]) -> list[Event]:
        return [self._event(rows, moment, "", "LU", "loudness jumps up and stays") for moment in moments]

    def _event(self, rows: Rows, moment: Moment, part: str, unit: str, message: str) -> Event:
        return spans.event(self, rows, moment, unit=unit, message=message, part=part)

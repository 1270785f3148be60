"""Clicks and dropouts: single samples, and short pieces, that do not belong to the sound around them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from actors.detectors.bursts import QUIET, Burst, Hit, gather
from actors.incident import Event, Severity, Thresholds
from actors.measure import Rows
from actors.measure.sound import hops
from actors.media import Table
from actors.spans import Moment, close, event

AROUND = 10
"""Hops of 10 ms on either side that a click is held against."""

LONGEST = 20
"""Hops that a dropout lasts at most: what is longer is a pause."""

REMEMBERED = LONGEST + 4
"""Hops that may still be part of what the next one decides."""

EVEN = 10 ** (12 / 20)
"""What sounds before a click and after it differs by less: else it is the edge of a sound."""

FLOOR = 1e-3
"""Levels below -60 dBFS count as this."""


class ClickThresholds(Thresholds):
    """When a sample or a pause is a fault."""

    outlier_db: float = Field(
        18.0, ge=3, le=80, title="dB by which a click's second difference stands above all others 20 to 100 ms around",
        description="Origin: pops put into speech, film, music and noise, against the same without; half of it finds "
        "hardly more. Raise it for dry speech and percussion.",
    )  # fmt: skip
    sharpness: float = Field(
        12.0, ge=1, le=1000, title="ratio of a click's second difference to the mean one of its 10 ms, at least",
        description="Origin: pops 34 or more, 14 or more after AAC and MP2; consonants of speech 7 or less.",
    )  # fmt: skip
    minimum_level: float = Field(
        0.05, gt=0, le=4, title="second difference of a click at least, of full scale",
        description="A single sample off by a gives 2 a. Origin: our choice; what is smaller is hardly heard.",
    )  # fmt: skip
    threshold_db: float = Field(
        -60.0, ge=-120, lt=0, title="level in dBFS below which every sample of a hop of 10 ms is silence",
        description="Origin: as in silence.",
    )  # fmt: skip
    sounding_db: float = Field(
        -40.0, ge=-120, lt=0, title="level in dBFS that sound reaches within 20 ms on both sides of a dropout",
        description="Origin: pieces of 20 to 200 ms cut out of speech, film, music and noise, against the same "
        "without. Raise it for speech with a hard gate.",
    )  # fmt: skip
    hold_seconds: float = Field(
        1.0, ge=0.2, le=60, title="seconds without a fault that end an incident",
        description="Origin: as in clipping.",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Course:
    """What is remembered. ``keys``, ``levels``: of the last hops without a break, in their format.

    A key is epoch, wrap, PTS, time and duration; levels are second difference, mean second difference and peak, each of
    every channel.
    """

    format: str = ""
    keys: tuple[tuple[int, ...], ...] = ()
    levels: tuple[tuple[float, ...], ...] = ()
    clicks: Burst = QUIET
    dropouts: Burst = QUIET


class Click:
    """Finds clicks (part ``click``, peak in dB over the sound around) and dropouts of 10 to 200 ms (part ``dropout``).

    Sound is held against what comes 100 ms before and after it, so that nothing is said of the first and last 100 ms of
    an unbroken stretch.
    """

    name = "click"
    version = 1
    table: Table = "audio"
    metrics: tuple[str, ...] = ("hop_samples", "peaks", "jolts", "roughness", "restarted")
    severity: Severity = "warning"

    def __init__(self, settings: ClickThresholds | None = None) -> None:
        self.settings = settings or ClickThresholds()

    def start(self) -> Course:
        """Nothing heard yet."""
        return Course()

    def judge(self, state: Course, rows: Rows) -> tuple[Course, list[Event]]:
        """Look at each unbroken stretch of hops."""
        if state.format != rows.format:
            state = replace(state, format=rows.format, keys=(), levels=())
        fine, peaks = hops.expand(rows)
        levels = np.stack([hops.values(rows, "jolts"), hops.values(rows, "roughness"), peaks], axis=1).astype(float)
        counts = np.count_nonzero(rows.columns["hop_samples"], axis=1)
        breaks = (np.cumsum(counts) - counts)[rows.columns["restarted"].astype(bool)]
        events: list[Event] = []
        for first, stop in pairwise(sorted({0, len(fine), *breaks.tolist()})):
            if first in breaks:
                state = replace(state, keys=(), levels=())
            state, given = self._stretch(state, fine.slice(first, stop), levels[first:stop])
            events += given
        return state, sorted(events, key=lambda event: event.at)

    def finish(self, state: Course, rows: Rows) -> list[Event]:
        """Close what is open."""
        return [
            *(self._click(rows, moment, state.clicks) for moment in close(state.clicks.closing)),
            *(self._dropout(rows, moment, state.dropouts) for moment in close(state.dropouts.closing)),
        ]

    def unknown(self, format_text: str) -> str | None:
        """Every format can be judged."""
        return None

    def _stretch(self, state: Course, fine: Rows, levels: NDArray[np.float64]) -> tuple[Course, list[Event]]:
        names = ("epoch", "wrap", "pts", "time", "duration")
        new = np.stack([fine.columns[name].astype(np.int64) for name in names], axis=1)
        known, before = len(state.keys), np.array(state.levels).reshape(-1, *levels.shape[1:])
        keys = np.concatenate((np.array(state.keys, np.int64).reshape(-1, 5), new))
        levels = np.concatenate((before, levels))
        clicks = [
            _hit(keys, at, at + 1, at + AROUND - known, over, "click") for at, over in self._outliers(levels, known)
        ]
        dropouts = [
            _hit(keys, at, end, end + 1 - known, 1000 * fine.base.seconds(int(keys[end, 3] - keys[at, 3])), "dropout")
            for at, end in self._pauses(levels[:, 2], known)
        ]
        hold = fine.base.ceil(self.settings.hold_seconds)
        popping, found = gather(state.clicks, fine, clicks, hold)
        events = [self._click(fine, moment, then) for moment, then in found]
        dropping, found = gather(state.dropouts, fine, dropouts, hold)
        events += [self._dropout(fine, moment, then) for moment, then in found]
        newest = levels[-REMEMBERED:].reshape(-1, levels.shape[1] * levels.shape[2]).tolist()
        return replace(
            state, keys=tuple(tuple(key) for key in keys[-REMEMBERED:].tolist()),
            levels=tuple(tuple(values) for values in newest), clicks=popping, dropouts=dropping,
        ), events  # fmt: skip

    def _outliers(self, levels: NDArray[np.float64], known: int) -> list[tuple[int, float]]:
        """Hops with a click, by their places, and the dB by which it stands out; those that the new hops decide."""
        if len(levels) < 2 * AROUND + 1:
            return []
        jolts, roughness, peaks = np.moveaxis(levels[max(0, known - 2 * AROUND) :], 1, 0)
        loud = np.flatnonzero(np.any(jolts[AROUND:-AROUND] >= self.settings.minimum_level, axis=1))
        windows = np.lib.stride_tricks.sliding_window_view(jolts, 2 * AROUND + 1, axis=0)[loud]
        around = np.maximum(windows[..., : AROUND - 1].max(axis=-1), windows[..., AROUND + 2 :].max(axis=-1))
        heard = np.maximum(np.lib.stride_tricks.sliding_window_view(peaks, 2 * AROUND + 1, axis=0)[loud], FLOOR)
        earlier = heard[..., AROUND - 4 : AROUND - 1].max(axis=-1)
        later = heard[..., AROUND + 2 : AROUND + 5].max(axis=-1)
        jolt, limit = windows[..., AROUND], 10 ** (self.settings.outlier_db / 20)
        held = (jolt >= self.settings.minimum_level) & (jolt >= limit * around)
        held &= jolt >= self.settings.sharpness * roughness[AROUND + loud]
        held &= (jolt >= windows[..., AROUND - 1]) & (jolt > windows[..., AROUND + 1])
        held &= (earlier < EVEN * later) & (later < EVEN * earlier)
        over = np.where(held, 20 * np.log10(np.maximum(jolt, FLOOR**2) / np.maximum(around, FLOOR**2)), -np.inf)
        first = max(0, known - 2 * AROUND) + AROUND
        places = np.flatnonzero(held.any(axis=1)).tolist()
        return [(first + int(loud[place]), float(over[place].max())) for place in places]

    def _pauses(self, peaks: NDArray[np.float64], known: int) -> list[tuple[int, int]]:
        """Dropouts, each from its first silent hop to the first that sounds; those that the new hops decide."""
        found = set()
        sounding = 10 ** (self.settings.sounding_db / 20)
        for channel in peaks.T:
            silent = np.concatenate(([False], channel < 10 ** (self.settings.threshold_db / 20), [False]))
            for start, end in np.flatnonzero(silent[1:] != silent[:-1]).reshape(-1, 2).tolist():
                if start == 0 or not known <= end + 1 < len(channel) or end - start > LONGEST:
                    continue
                if min(channel[max(0, start - 2) : start].max(), channel[end : end + 2].max()) >= sounding:
                    found.add((start, end))
        return sorted(found, key=lambda pause: (pause[1], pause[0]))

    def _click(self, rows: Rows, moment: Moment, burst: Burst) -> Event:
        message = "click" if burst.hits == 1 else f"{burst.hits} clicks"
        return event(self, rows, moment, unit="dB", part="click", message=message)

    def _dropout(self, rows: Rows, moment: Moment, burst: Burst) -> Event:
        times = "" if burst.hits == 1 else f", {burst.hits} times"
        message = f"sound drops out for {moment.span.peak:.0f} ms{times}"
        return event(self, rows, moment, unit="ms", part="dropout", message=message)


def _hit(keys: NDArray[np.int64], at: int, end: int, index: int, level: float, kind: str) -> Hit:
    """What begins with hop ``at`` and ends where hop ``end`` begins, decided by new hop ``index``."""
    epoch, wrap, pts, start, _ = (int(value) for value in keys[at])
    _, _, _, last, duration = (int(value) for value in keys[end - 1])
    return Hit(index, epoch, wrap, pts, start, last + duration, level, kind)

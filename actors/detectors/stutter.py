"""Stutter: pictures that come late, or are repeated over and over in a pattern, while the programme moves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from actors.detectors.bursts import QUIET, Burst, Hit, gather
from actors.detectors.sliding import slide
from actors.incident import Event, Severity, Thresholds
from actors.measure import Rows
from actors.media import Table
from actors.spans import BEFORE, Moment, close, event

WINDOW = 30
"""Frames over which cadence and patterns are taken."""

FEWEST = 8
"""Intervals that a mean is taken of, at least."""

FROZEN_SECONDS = 2.0
"""A picture that lets wait for it so long is a freeze of the one before."""

PERIODS = (2, 3, 4, 5, 6)
"""Frames after which a pattern of repeats starts anew."""

_TURNS = [WINDOW // period for period in PERIODS]
STILL, MOVING = (min(turns - turns // part for turns in _TURNS) for part in (4, 2))
"""Frames of a window with a pattern that hardly differ from the one before, and that do, at least."""


class StutterThresholds(Thresholds):
    """When pictures are late, and when they are repeats."""

    late_ratio: float = Field(
        3.0, gt=1, le=100, title="times the mean interval of the 30 frames before that a late frame takes, at least",
        description="Origin: DETECTORS.md. Raise it for sources of variable frame rate.",
    )  # fmt: skip
    late_seconds: float = Field(
        0.15, ge=0, le=10, title="seconds beyond that mean interval that a late frame takes, at least",
        description="Origin: DETECTORS.md.",
    )  # fmt: skip
    repeat_share: float = Field(
        0.25, gt=0, lt=1, title="share of the luma change between pictures that move, at or below which one repeats",
        description="Repeats are not the same to the bit once coded. Origin: repeats in old film, converted film and "
        "made ones 0.16 or less, but for single frames.",
    )  # fmt: skip
    movement: float = Field(
        0.2, gt=0, le=100, title="mean absolute luma change in % of full scale that movement is at least",
        description="Origin: coded noise of still pictures 0.05 or less. Lower it for programmes in which little "
        "moves.",
    )  # fmt: skip
    hold_seconds: float = Field(
        2.0, ge=0.2, le=60, title="seconds without a late or repeated frame that end an incident",
        description="Origin: our choice; a cut hides a pattern for a second.",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shown:
    """What is remembered. ``keys``: epoch, wrap, PTS, time and duration of the last frames of an unbroken run.

    ``changes``: their luma changes, less that of the run's first. ``told``: time of the newest repeat that was found.
    """

    keys: tuple[tuple[int, ...], ...] = ()
    changes: tuple[float, ...] = ()
    told: int = BEFORE
    late: Burst = QUIET
    repeats: Burst = QUIET


@dataclass(frozen=True, slots=True)
class Pattern:
    """Of each of n windows whether it ends a pattern, its period (0: none), and how many frames of it are repeats.

    ``repeated``: (n, WINDOW) which frames are.
    """

    period: NDArray[np.int64]
    count: NDArray[np.int64]
    repeated: NDArray[np.bool_]


class Stutter:
    """Finds late frames (part ``late``, peak in ms) and frames repeated in a pattern (part ``repeats``, per second).

    A pattern has a period of 2 to 6 frames: of each period the same frames hardly differ from the one before, and all
    others do. So film of 24 frames in 30 (one of 5 repeated) or in 60 (2:3, three of 5) is found.
    """

    name = "stutter"
    version = 1
    table: Table = "video"
    metrics: tuple[str, ...] = ("luma_difference",)
    severity: Severity = "warning"

    def __init__(self, settings: StutterThresholds | None = None) -> None:
        self.settings = settings or StutterThresholds()

    def start(self) -> Shown:
        """No picture yet."""
        return Shown()

    def judge(self, state: Shown, rows: Rows) -> tuple[Shown, list[Event]]:
        """Judge ``luma_difference``, and when frames are shown. A frame without one before it begins anew."""
        changes = rows.columns["luma_difference"].astype(np.float64)
        breaks = np.flatnonzero(np.isnan(changes)).tolist()
        events: list[Event] = []
        for first, stop in pairwise(sorted({0, len(rows), *breaks})):
            if first in breaks:
                state = replace(state, keys=(), changes=())
            state, given = self._run(state, rows.slice(first, stop), changes[first:stop])
            events += given
        return state, sorted(events, key=lambda event: event.at)

    def finish(self, state: Shown, rows: Rows) -> list[Event]:
        """Close what is open."""
        return [
            *(self._late(rows, moment, state.late) for moment in close(state.late.closing)),
            *(self._repeats(rows, moment, state.repeats) for moment in close(state.repeats.closing)),
        ]

    def unknown(self, format_text: str) -> str | None:
        """Every picture can be judged."""
        return None

    def _run(self, state: Shown, rows: Rows, changes: NDArray[np.float64]) -> tuple[Shown, list[Event]]:
        names = ("epoch", "wrap", "pts", "time", "duration")
        new = np.stack([rows.columns[name].astype(np.int64) for name in names], axis=1)
        known = len(state.keys)
        keys = np.concatenate((np.array(state.keys, np.int64).reshape(-1, 5), new))
        begun = [np.nan] if known and len(state.changes) < known else []
        changes = np.concatenate((begun, state.changes, changes))
        late = self._delays(rows, keys, known)
        repeats, told = self._patterns(state, rows, keys, changes, known)
        hold = rows.base.ceil(self.settings.hold_seconds)
        delayed, found = gather(state.late, rows, late, hold)
        events = [self._late(rows, moment, then) for moment, then in found]
        repeated, found = gather(state.repeats, rows, repeats, hold)
        events += [self._repeats(rows, moment, then) for moment, then in found]
        kept = slice(-(WINDOW + 2), None)
        newest = changes[kept]
        return Shown(
            tuple(tuple(key) for key in keys[kept].tolist()), tuple(newest[~np.isnan(newest)].tolist()), told,
            delayed, repeated,
        ), events  # fmt: skip

    def _delays(self, rows: Rows, keys: NDArray[np.int64], known: int) -> list[Hit]:
        """New frames that are late, each from when it was due."""
        steps = np.diff(keys[:, 3])
        sums = np.concatenate((np.zeros(1, np.int64), np.cumsum(steps)))
        row = np.arange(max(known, 1), len(keys))
        first = np.maximum(row - 1 - WINDOW, 0)
        count, total = row - 1 - first, sums[row - 1] - sums[first]
        much = rows.base.ceil(self.settings.late_seconds)
        longest = np.maximum(self.settings.late_ratio * total, total + count * much)
        hits = []
        late = (count >= FEWEST) & (steps[row - 1] * count >= longest)
        late &= steps[row - 1] < rows.base.ceil(FROZEN_SECONDS)
        for place in np.flatnonzero(late).tolist():
            at, usual = int(row[place]), int(total[place] // count[place])
            due, level = int(keys[at - 1, 3]) + usual, 1000 * rows.base.seconds(int(steps[at - 1]) - usual)
            epoch, wrap, pts, time, _ = (int(value) for value in keys[at])
            hits.append(Hit(at - known, epoch, wrap, pts, due, time, level, "late"))
        return hits

    def _patterns(
        self, state: Shown, rows: Rows, keys: NDArray[np.int64], changes: NDArray[np.float64], known: int
    ) -> tuple[list[Hit], int]:
        """Repeated frames that new ones confirm; and the time of the newest one."""
        start = max(known, WINDOW - 1)
        if len(keys) <= start:
            return [], state.told
        ends, windows = self._likely(changes[start + 1 - WINDOW :])
        found, told, hits = self._match(windows), state.told, list[Hit]()
        for place in np.flatnonzero(found.period).tolist():
            end = start + int(ends[place])
            own = keys[end + 1 - WINDOW : end + 1]
            new = own[found.repeated[place] & (own[:, 3] > told)]
            if len(new):
                told = int(new[-1, 3])
                seconds = rows.base.seconds(int(own[-1, 3] - own[0, 3])) / (WINDOW - 1)
                rate = int(found.count[place]) / int(found.period[place]) / seconds if seconds else 0.0
                epoch, wrap, pts, time, _ = (int(value) for value in new[0])
                kind = f"{found.count[place]} of {found.period[place]}"
                hits.append(Hit(end - known, epoch, wrap, pts, time, int(new[-1, 3:].sum()), rate, kind))
        return hits, told

    def _likely(self, changes: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The windows that may end a pattern, by the fewest frames that it takes: which they are, and (k, WINDOW)."""
        share, movement = self.settings.repeat_share, self.settings.movement
        least, most = (slide(extreme, changes, WINDOW) for extreme in (np.minimum, np.maximum))
        places = np.flatnonzero((least <= share * most) & (most >= movement))
        windows = np.lib.stride_tricks.sliding_window_view(changes, WINDOW)[places]
        ranked = np.partition(windows, (STILL - 1, WINDOW - MOVING), axis=1)
        still, moving = ranked[:, STILL - 1], ranked[:, WINDOW - MOVING]
        likely = (still <= share * moving) & (moving >= movement)
        return places[likely], windows[likely]

    def _match(self, windows: NDArray[np.float64]) -> Pattern:
        """The shortest pattern of each window."""
        found = Pattern(
            np.zeros(len(windows), np.int64), np.zeros(len(windows), np.int64), np.zeros(windows.shape, np.bool_)
        )
        for period in PERIODS:
            turns = WINDOW // period
            whole = windows[:, WINDOW - turns * period :]
            ranked = np.sort(whole.reshape(-1, turns, period), axis=1)
            greatest = ranked[:, turns // 2].max(axis=1, keepdims=True)
            limit = self.settings.repeat_share * greatest
            still = ranked[:, turns - 1 - turns // 4] <= limit
            fits = (still | (ranked[:, turns // 4] > limit)).all(axis=1) & still.any(axis=1) & ~still.all(axis=1)
            fits &= (greatest[:, 0] >= self.settings.movement) & ~np.isnan(windows).any(axis=1) & (found.period == 0)
            found.period[fits], found.count[fits] = period, np.count_nonzero(still[fits], axis=1)
            found.repeated[fits, WINDOW - turns * period :] = (np.tile(still, turns) & (whole <= limit))[fits]
        return found

    def _late(self, rows: Rows, moment: Moment, burst: Burst) -> Event:
        times = "" if burst.hits == 1 else f", {burst.hits} times"
        message = f"a picture comes {moment.span.peak:.0f} ms late{times}"
        return event(self, rows, moment, unit="ms", part="late", message=message)

    def _repeats(self, rows: Rows, moment: Moment, burst: Burst) -> Event:
        message = f"{burst.kind} pictures repeat the one before"
        return event(self, rows, moment, unit="repeats/s", part="repeats", message=message, cause=burst.kind)

"""Timestamps that leave a gap, step back or jump."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from actors.clock import WRAP
from actors.detectors.bursts import QUIET, Burst, Hit, gather, hit_at
from actors.detectors.cadence import ROUNDING_SECONDS, equal_steps, run_lengths
from actors.detectors.sliding import slide
from actors.incident import Event, Severity, Thresholds
from actors.measure import Rows
from actors.media import MISSING, Table
from actors.spans import Moment, close, event

WINDOW = 8
"""Intervals before a packet that show what intervals the source has."""

ORDER = 32
"""Packets before a gap among which its place on the timeline is sought: no codec reorders more."""

STEADY, STEADY_AGAIN = 25, 250
"""Equal intervals that make a cadence: from the start, and once there was another interval."""


class TimestampsThresholds(Thresholds):
    """When timestamps are wrong."""

    frames_off: float = Field(
        0.5, gt=0, le=100, title="frames by which a packet comes late to leave a gap, more than",
        description="Origin: DETECTORS.md. Raise it for sources whose clock jitters.",
    )  # fmt: skip
    hold_seconds: float = Field(
        2.0, ge=0, le=3600, title="seconds without a fault that end an incident",
        description="Origin: our choice; one loss often leaves several gaps.",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Early:
    """A longer interval, the first, before equal ones made a cadence. ``usual``: those before it, in ticks.

    It is a gap once ``due`` more intervals are as they were before it.
    """

    gap: Hit
    usual: int
    due: int = STEADY


@dataclass(frozen=True, slots=True)
class Course:
    """What is remembered of a track's timestamps.

    ``dts``, ``duration``, ``epoch``: of the newest packet that has a DTS. ``intervals``: the last WINDOW between such
    packets. ``steady``: how many of the newest are equal; ``broken``: whether there was ever another; ``early``: that
    one, while it may be a gap. ``stamps``: key, presentation time and duration of the last ORDER packets.
    """

    burst: Burst = QUIET
    dts: int = MISSING
    duration: int = 0
    epoch: int = 0
    intervals: tuple[int, ...] = ()
    steady: int = 0
    broken: bool = False
    early: Early | None = None
    stamps: tuple[tuple[int, int, int, int, int], ...] = ()


class Timestamps:
    """Gaps and steps back, told by DTS, and jumps, told by epochs. The peak is the largest, in seconds.

    A gap is a packet that comes later than the one before lasts, and later than any of the last intervals explains.
    Where the longer interval is declared (a container that stores durations), it is a gap if all intervals were equal
    until then, or few were but they go on so. A 33-bit wrap is no fault: the timeline runs on through it.
    """

    name = "timestamps"
    version = 3
    table: Table = "packets"
    metrics: tuple[str, ...] = ("dts_time", "pts_time")
    severity: Severity = "warning"

    def __init__(self, settings: TimestampsThresholds | None = None) -> None:
        self.settings = settings or TimestampsThresholds()

    def start(self) -> Course:
        """No packet yet."""
        return Course()

    def judge(self, state: Course, rows: Rows) -> tuple[Course, list[Event]]:
        """Judge ``epoch`` and ``dts_time``, and ``pts_time`` to place a gap. A packet without DTS says nothing."""
        if not len(rows):
            return state, []
        stamps = _stamps(state, rows)
        state, hits = self._hits(state, rows, stamps)
        burst, moments = gather(state.burst, rows, hits, rows.base.ceil(self.settings.hold_seconds))
        newest = tuple(tuple(row) for row in stamps[-ORDER:].tolist())
        state = replace(state, burst=burst, stamps=newest)
        return state, [self._event(rows, moment, then) for moment, then in moments]

    def finish(self, state: Course, rows: Rows) -> list[Event]:
        """Close what is open."""
        return [self._event(rows, moment, state.burst) for moment in close(state.burst.closing)]

    def unknown(self, format_text: str) -> str | None:
        """Every format can be judged."""
        return None

    def _hits(self, state: Course, rows: Rows, stamps: NDArray[np.int64]) -> tuple[Course, list[Hit]]:
        columns = rows.columns
        dts = columns["dts_time"].astype(np.int64)
        timed = np.flatnonzero(dts != MISSING)
        begun = state.dts != MISSING
        if not len(timed):
            return state, []
        times = np.concatenate(([state.dts] if begun else [], dts[timed])).astype(np.int64)
        lasts = np.concatenate(([state.duration] if begun else [], columns["duration"][timed])).astype(np.int64)
        epochs = np.concatenate(([state.epoch] if begun else [], columns["epoch"][timed])).astype(np.int64)
        jumps = np.diff(epochs) != 0
        place = timed if begun else timed[1:]
        intervals = np.diff(times)
        shown, after = self._expected(state, rows, intervals[~jumps], lasts[:-1][~jumps])
        expected = np.zeros(len(intervals), np.int64)
        expected[~jumps] = shown
        late = ~jumps & (expected > 0) & (intervals - expected > self.settings.frames_off * expected)
        back = ~jumps & (intervals < 0)
        earlier = len(state.stamps)
        hits = [
            _jump(rows, int(place[at]), stamps, earlier) if jumps[at]
            else _gap(rows, int(place[at]), stamps, earlier, int(intervals[at]), int(expected[at])) if late[at]
            else hit_at(rows, int(place[at]), rows.base.seconds(int(expected[at] - intervals[at])), "back")
            for at in np.flatnonzero(jumps | late | back).tolist()
        ]  # fmt: skip
        early, told = self._early(state, rows, place[~jumps], intervals[~jumps], late[~jumps], stamps)
        after = replace(after, dts=int(times[-1]), duration=int(lasts[-1]), epoch=int(epochs[-1]), early=early)
        return after, sorted(hits + told, key=lambda hit: hit.index)

    def _expected(
        self, state: Course, rows: Rows, intervals: NDArray[np.int64], lasts: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], Course]:
        """The longest that each interval may be by what came before it: (n,) ticks, 0 where that is not known."""
        n, seen = len(intervals), len(state.intervals)
        known = np.concatenate((np.array(state.intervals, np.int64), intervals))
        padded = np.concatenate((np.zeros(WINDOW, np.int64), np.maximum(known, 0)))
        usual = slide(np.maximum, padded, WINDOW)[seen : seen + n]
        if not n:
            return np.empty(0, np.int64), state
        equal = equal_steps(intervals, state.intervals[-1] if seen else None, rows.base)
        runs = run_lengths(equal, state.steady)
        others = (np.cumsum(~equal & (np.arange(n) + seen > 0)) > 0) | state.broken
        before = np.concatenate(([state.steady], runs[:-1]))
        unsteady = np.concatenate(([state.broken], others[:-1]))
        cadence = before >= np.where(unsteady, STEADY_AGAIN, STEADY)
        expected = np.where(cadence, usual, np.maximum(usual, lasts))
        expected[(np.arange(n) + seen == 0) & (lasts == 0)] = 0
        return expected, replace(
            state, intervals=tuple(known[-WINDOW:].tolist()), steady=int(runs[-1]), broken=bool(others[-1])
        )  # fmt: skip

    def _early(
        self, state: Course, rows: Rows, place: NDArray[np.int64], intervals: NDArray[np.int64],
        late: NDArray[np.bool_], stamps: NDArray[np.int64],
    ) -> tuple[Early | None, list[Hit]]:  # fmt: skip
        """The first longer interval, if it may still be a gap; and if it is one, the gap, at the row that shows it."""
        early, first = state.early, 0
        if early is None and not state.broken and len(intervals):
            before = state.intervals[-1] if state.intervals else None
            others = np.flatnonzero(~equal_steps(intervals, before, rows.base))
            others = others[(others > 0) | (before is not None)]
            if not len(others) or late[others[0]] or not WINDOW <= state.steady + others[0] < STEADY:
                return None, []
            longer, first = int(intervals[others[0]]), int(others[0]) + 1
            usual = int(intervals[first - 2] if first > 1 else state.intervals[-1])
            if longer - usual > self.settings.frames_off * usual > 0:
                early = Early(_gap(rows, int(place[first - 1]), stamps, len(state.stamps), longer, usual), usual)
        if early is None:
            return None, []
        found = intervals[first : first + early.due]
        if (np.abs(found - early.usual) > rows.base.floor(ROUNDING_SECONDS)).any():
            return None, []
        if len(found) < early.due:
            return replace(early, due=early.due - len(found)), []
        return None, [replace(early.gap, index=int(place[first + early.due - 1]))]

    def _event(self, rows: Rows, moment: Moment, burst: Burst) -> Event:
        times = "" if burst.hits == 1 else f", {burst.hits} faults"
        message = f"{_WORDS[burst.kind]} {moment.span.peak:.3f} s{times}"
        return event(self, rows, moment, unit="s", message=message, cause=burst.kind.partition("_")[0])


_WORDS = {
    "gap": "gap in the timestamps of", "back": "timestamps step back by", "jump_back": "timestamps jump back by",
    "jump_forward": "timestamps jump forward by",
}  # fmt: skip


def _stamps(state: Course, rows: Rows) -> NDArray[np.int64]:
    """Key, presentation time and duration of the packets remembered and of these: (m + n, 5)."""
    columns = [rows.columns[name].astype(np.int64) for name in ("epoch", "wrap", "pts", "pts_time", "duration")]
    return np.concatenate((np.array(state.stamps, np.int64).reshape(-1, 5), np.stack(columns, axis=1)))


def _jump(rows: Rows, index: int, stamps: NDArray[np.int64], earlier: int) -> Hit:
    """A new epoch: by how much the source's own timestamps leap from where what was shown ended."""
    new, old = stamps[earlier + index], stamps[: earlier + index][-ORDER:]
    old = old[old[:, 0] == old[-1, 0]]
    ended = int((old[:, 2] + old[:, 1] * WRAP + old[:, 4]).max())
    leap = int(new[2]) + int(new[1]) * WRAP - ended
    return hit_at(rows, index, rows.base.seconds(abs(leap)), "jump_back" if leap < 0 else "jump_forward")


def _gap(rows: Rows, index: int, stamps: NDArray[np.int64], earlier: int, interval: int, expected: int) -> Hit:
    """A gap, where it is seen: in the newest hole of its size among the packets around, as they are shown."""
    near = stamps[max(earlier + index - ORDER, 0) : earlier + index + 1]
    shown = np.sort(near[near[:, 0] == near[-1, 0], 3])
    holes = np.flatnonzero(np.diff(shown) >= interval)
    missing = interval - expected
    start = int(shown[holes[-1]]) + expected if len(holes) else int(near[-1, 3]) - missing
    hit = hit_at(rows, index, rows.base.seconds(missing), "gap")
    return replace(hit, start=start, end=start + missing)

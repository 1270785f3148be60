"""Transport streams whose packets are lost or damaged, or whose tables and clock do not come in time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from pydantic import Field

from actors.detectors.bursts import QUIET, Burst, Hit, gather
from actors.incident import Event, Severity, Thresholds
from actors.measure import Rows
from actors.media import CLOCK, MISSING, Table
from actors.spans import Moment, close, event

FEWEST = 30
"""Packets before which a table or clock was seen to come in time, before it can be late."""

DAMAGE = ("continuity", "flagged", "unsynced")
REPEATED = ("association", "map", "clock")
KEY = ("epoch", "wrap", "pts", "time")


class TransportThresholds(Thresholds):
    """When a transport stream is wrong."""

    table_ms: float = Field(
        500.0, gt=0, le=60_000, title="ms after which a program association or map must come again",
        description="Origin: ETSI TR 101 290, 1.3.a and 1.5.a.",
    )  # fmt: skip
    clock_ms: float = Field(
        100.0, gt=0, le=60_000, title="ms after which a clock reference must come again",
        description="Origin: ETSI TR 101 290, 2.3a, and ISO/IEC 13818-1, 2.7.2. Earlier editions asked for 40.",
    )  # fmt: skip
    steady_seconds: float = Field(
        3.0, ge=0, le=3600, title="seconds for which a table or clock must have come in time before it can be late",
        description="Origin: our choice; files made for HTTP have tables and clocks every few seconds, and mean it.",
    )  # fmt: skip
    hold_seconds: float = Field(
        2.0, ge=0, le=3600, title="seconds without a fault that end an incident",
        description="Origin: as in decode_errors.",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Timely:
    """Of one table or clock: since when, and how often, it has come in time; whether it was late last, and was told."""

    since: int = MISSING
    came: int = 0
    late: bool = False
    told: bool = False


@dataclass(frozen=True, slots=True)
class Packets:
    """What is remembered. ``newest``: key and time of the newest row. ``recent``: (time, errors) of the last second.

    ``seen``: whether transport packets were seen at all. ``timely``: of each in :data:`REPEATED`.
    """

    seen: bool = False
    newest: tuple[int, int, int, int] | None = None
    recent: tuple[tuple[int, int], ...] = ()
    damage: Burst = QUIET
    timely: tuple[Timely, Timely, Timely] = (Timely(), Timely(), Timely())
    tables: Burst = QUIET


class Transport:
    """Lost and damaged transport packets (peak in errors per second), and late tables (part ``tables``, in seconds).

    Lost packets are told by their counters, damaged ones by their flag, and the grid of packets may be lost. What
    concerns the stream as a whole is told on its first track. Tables and clocks count as late only in a stream that
    has sent them in time for a while.
    """

    name = "transport"
    version = 2
    table: Table = "packets"
    metrics: tuple[str, ...] = (*DAMAGE, *REPEATED, "lost_table")
    severity: Severity = "warning"

    def __init__(self, settings: TransportThresholds | None = None) -> None:
        self.settings = settings or TransportThresholds()

    def start(self) -> Packets:
        """No packet yet."""
        return Packets()

    def judge(self, state: Packets, rows: Rows) -> tuple[Packets, list[Event]]:
        """Judge what the transport packets before each packet did."""
        if not len(rows):
            return state, []
        hold = rows.base.ceil(self.settings.hold_seconds)
        recent, hits = _damaged(state, rows)
        damage, found = gather(state.damage, rows, hits, hold)
        events = [self._damage(rows, moment, then) for moment, then in found]
        timely, hits = self._late(state, rows)
        tables, found = gather(state.tables, rows, hits, hold)
        events += [self._tables(rows, moment, then) for moment, then in found]
        newest = tuple(int(rows.columns[name][-1]) for name in KEY)
        seen = state.seen or bool((rows.columns["continuity"] != MISSING).any())
        state = Packets(seen, newest, recent, damage, timely, tables)  # type: ignore[arg-type]
        return state, sorted(events, key=lambda event: event.at)

    def finish(self, state: Packets, rows: Rows) -> list[Event]:
        """Close what is open."""
        return [
            *(self._damage(rows, moment, state.damage) for moment in close(state.damage.closing)),
            *(self._tables(rows, moment, state.tables) for moment in close(state.tables.closing)),
        ]

    def unknown(self, format_text: str) -> str | None:
        """Every coding can be carried."""
        return None

    def doubt(self, state: Packets) -> str | None:
        """Where FFmpeg reads the source itself, or it comes in segments, its transport packets say nothing."""
        return None if state.seen else "its transport packets were not seen: it came in segments, or FFmpeg read it"

    def _late(self, state: Packets, rows: Rows) -> tuple[tuple[Timely, Timely, Timely], list[Hit]]:
        """Rows before which a table or clock was late, and no packet was lost, with which it may have gone."""
        steady = rows.base.ceil(self.settings.steady_seconds)
        limits = (self.settings.table_ms, self.settings.table_ms, self.settings.clock_ms)
        found = [
            _lateness(timely, rows, name, int(Fraction(repr(ms)) * CLOCK / 1000), steady)
            for name, timely, ms in zip(REPEATED, state.timely, limits, strict=True)
        ]
        whole = np.all([rows.columns[name].astype(np.int64) <= 0 for name in DAMAGE], axis=0)
        hits = sorted((hit for _, given in found for hit in given if whole[hit.index]), key=lambda hit: hit.index)
        return (found[0][0], found[1][0], found[2][0]), hits

    def _damage(self, rows: Rows, moment: Moment, burst: Burst) -> Event:
        message = _WORDS[burst.kind] + ("" if burst.hits == 1 else f", {burst.hits} times")
        return event(self, rows, moment, unit="per s", message=message, cause=burst.kind)

    def _tables(self, rows: Rows, moment: Moment, burst: Burst) -> Event:
        message = f"{_WORDS[burst.kind]} for {moment.span.peak:.3f} s"
        return event(self, rows, moment, unit="s", message=message, part="tables", cause=burst.kind)


_WORDS = {
    "continuity": "transport packets are missing", "flagged": "transport packets are flagged as damaged",
    "unsynced": "transport packets lose their grid", "association": "no program association (PAT) came",
    "map": "no program map (PMT) came", "clock": "no clock reference (PCR) came",
}  # fmt: skip


def _lateness(timely: Timely, rows: Rows, name: str, limit: int, steady: int) -> tuple[Timely, list[Hit]]:
    """What to remember of a table or clock, and before which rows it was late. A row without a clock tells nothing."""
    ages = rows.columns[name].astype(np.int64)
    said = np.flatnonzero(ages > 0)
    if not len(said):
        return timely, []
    ages, times, late = ages[said], rows.columns["time"][said].astype(np.int64), ages[said] > limit
    since, telling = int(times[0]) if timely.since == MISSING else timely.since, timely.told
    came = np.concatenate(([timely.came], timely.came + np.cumsum(~late)))
    hits, counted = list[Hit](), 0
    for place in np.flatnonzero(late).tolist():
        now = int(times[place])
        if not (late[place - 1] if place else timely.late):
            telling = now - since >= steady and came[place] - counted >= FEWEST
        if telling:
            behind = rows.base.floor(Fraction(int(ages[place]) - limit, CLOCK))
            hits.append(_hit(rows, int(said[place]), now - behind, int(ages[place]) / CLOCK, name))
        since, counted = now, int(came[place])
    return Timely(since, int(came[-1]) - counted, bool(late[-1]), telling), hits


def _damaged(state: Packets, rows: Rows) -> tuple[tuple[tuple[int, int], ...], list[Hit]]:
    """What to remember of the last second, and rows before which packets were lost or damaged.

    Such a fault lies between the row before and this one; that of a table between the table before and this one.
    """
    counts = np.stack([np.maximum(rows.columns[name].astype(np.int64), 0) for name in DAMAGE])
    errors = counts.sum(axis=0)
    bad = np.flatnonzero(errors)
    time = rows.columns["time"].astype(np.int64)
    gone = [rows.base.floor(Fraction(int(age), CLOCK)) for age in np.maximum(rows.columns["lost_table"][bad], 0)]
    times = np.concatenate((np.array([at for at, _ in state.recent], np.int64), time[bad]))
    sums = np.concatenate((np.array([count for _, count in state.recent], np.int64), errors[bad]))
    total = np.concatenate((np.zeros(1, np.int64), np.cumsum(sums)))
    second = rows.base.ceil(1)
    rates = total[1:] - total[np.searchsorted(times, times - second, side="right")]
    hits = []
    for index, rate, age in zip(bad.tolist(), rates[len(state.recent) :].tolist(), gone, strict=True):
        kind = DAMAGE[int(np.argmax(counts[:, index]))]
        before = tuple(int(rows.columns[name][index - 1]) for name in KEY) if index else state.newest
        same = before is not None and before[0] == rows.columns["epoch"][index]
        hit = _hit(rows, index, int(time[index]), float(rate), kind)
        if same and before is not None:
            hit = replace(hit, wrap=before[1], pts=before[2], start=min(before[3], int(time[index]) - age))
        hits.append(hit)
    kept = times > time[-1] - second
    return tuple(zip(times[kept].tolist(), sums[kept].tolist(), strict=True)), hits


def _hit(rows: Rows, index: int, start: int, level: float, kind: str) -> Hit:
    epoch, wrap, pts, time = (int(rows.columns[name][index]) for name in KEY)
    return Hit(index, epoch, wrap, pts, start, time, level, kind)

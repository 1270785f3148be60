"""One stream's rows and events on their way to the tables: windows, coverage, checkpoints."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import pyarrow as pa

from actors import coverage, schema
from actors import rows as arrow
from actors.checkpoint import Checkpoint, Live
from actors.clock import TimeBase
from actors.gathering import Commits
from actors.incident import Event
from actors.judging import Judges, pair, pairs_of
from actors.measure import Rows
from actors.measuring import CARRY
from actors.recorder import Unit, application, pack
from actors.state import dump
from actors.tabled import to_table

When = Literal["event", "window", "end"]
"""When events are committed: as they arise (live), with their window (files), or all at the end (judged again)."""


@dataclass
class _Open:
    """The window of one sequence of rows that is being filled."""

    window: int
    rows: list[Rows] = field(default_factory=list)


class Journal:
    """Writes down what one stream's owner measures and finds.

    A window of rows is committed whole, once the next one has begun. Events are committed with the checkpoint that
    follows from them, after the rows they were judged from.
    """

    def __init__(
        self, stream: str, commits: Commits, fence: int, judges: Judges, checkpoint: Checkpoint, *,
        recorded: Callable[[str], int], when: When,
    ) -> None:  # fmt: skip
        """Begin, or go on from a checkpoint.

        Args:
            stream: Name of the stream.
            commits: Where units go.
            fence: The owner's fence.
            judges: What judges the rows, restored to the checkpoint.
            checkpoint: The newest one, or an empty one.
            recorded: The last window of a sequence of rows (``video/v:0``) that is committed, -1 for none.
            when: When to commit events.
        """
        self._stream, self._commits, self._fence, self._judges = stream, commits, fence, judges
        self._recorded, self._when = recorded, when
        self.checkpoint = checkpoint
        self._open: dict[str, _Open] = {}
        self._units: list[Unit] = []
        self._events: list[Event] = []
        self._covered: dict[str, int] = dict(checkpoint.covered)
        self._windows: dict[str, int] = dict(checkpoint.windows)
        self._waiting: set[str] = set()
        self._lacks: dict[str, list[coverage.Lack]] = {}
        self.live: Callable[[], Live | None] = lambda: checkpoint.live
        self.on_event: Callable[[Event], None] = lambda event: None
        self.on_stretches: Callable[[str, TimeBase, Sequence[coverage.Stretch]], None] = lambda *given: None

    def is_recorded(self, name: str, window: int) -> bool:
        """Whether a window of a sequence of rows need not be measured again."""
        return window <= self._recorded(name)

    def add(self, rows: Rows) -> None:
        """Take the next rows of a track: fresh ones, or committed ones that are judged again after a restart."""
        name = pair(rows.table, rows.track)
        open_ = self._open.get(name)
        if open_ is not None and open_.window != rows.window:
            self._close(name)
            if self._waiting >= set(self._open) and self._when != "end":
                self.flush()
        self._open.setdefault(name, _Open(rows.window)).rows.append(rows)
        self.note(self._judges.judge(rows))

    def lack(self, track: str, at: int, reason: str, state: coverage.CoverageState = "unreachable") -> None:
        """Say why a track may have a hole at a time or soon after it. Of one time the first reason counts."""
        lacks = self._lacks.setdefault(pairs_of([track])[0], [])
        if not lacks or lacks[-1].at != at:
            lacks.append(coverage.Lack(at, reason, state))

    def reached(self, track: str) -> int:
        """Where the rows of a track that were taken so far end."""
        name = pairs_of([track])[0]
        if name not in self._open:
            return self._covered.get(name, 0)
        columns = self._open[name].rows[-1].columns
        return int(columns["time"][-1]) + int(columns["duration"][-1])

    def note(self, events: Sequence[Event]) -> None:
        """Take settled events."""
        self._events += events
        for event in events:
            self.on_event(event)
        if events and self._when == "event":
            self.flush()

    def close(self, *, whole: bool) -> None:
        """The stream has ended: close every window and every incident. ``whole``: it was read to its own end."""
        for name in list(self._open):
            self._close(name)
        self.note(self._judges.finish(whole=whole))

    def complete(self, summary: dict[str, Any], usage: Unit) -> None:
        """Commit what is left, with the last checkpoint."""
        self.checkpoint = replace(self.checkpoint, summary=summary)
        self._units.append(usage)
        self.flush()

    def flush(self) -> None:
        """Commit closed windows, and the events found so far with their checkpoint."""
        rows = _events_table(self._events, self._stream, self.checkpoint)
        after = self.checkpoint.sequence + len(self._events)
        self.checkpoint = replace(self._judges.into(self.checkpoint), sequence=after + 1)
        self.checkpoint = replace(
            self.checkpoint, covered=dict(self._covered), windows=dict(self._windows), live=self.live()
        )  # fmt: skip
        rows = pa.concat_tables([rows, _checkpoint_row(self._stream, self.checkpoint, after)])
        name = application(self._stream, self.checkpoint.run)
        unit = Unit("events", name, after, self._stream, self._fence, rows)
        units, self._units, self._events = [*self._units, unit], [], []
        self._waiting.clear()
        self._commits.commit(units)

    def _close(self, name: str) -> None:
        """A window is complete: hand over its rows, unless they are committed, and the coverage they give."""
        if name in self._waiting and self._when != "end":
            self.flush()
        open_ = self._open.pop(name)
        checkpoint = self.checkpoint
        table, _, track = name.partition("/")
        if table in ("video", "audio"):
            self._cover(name, open_)
        if not self.is_recorded(name, open_.window):
            parts = [to_table(part, self._stream, checkpoint.run) for part in _carried(open_.rows)]
            self._units.append(
                Unit(table, application(self._stream, checkpoint.run, track), pack(0, open_.window), self._stream,
                     self._fence, pa.concat_tables(parts))
            )  # fmt: skip
        self._waiting.add(name)
        self._windows[name] = open_.window

    def _cover(self, name: str, open_: _Open) -> None:
        track = name.partition("/")[2]
        until = self._covered.get(name)
        stretches: list[coverage.Stretch] = []
        lacks = self._lacks.get(name, [])
        for rows in open_.rows:
            until, given = coverage.cover(until, rows, lacks)
            stretches += given
        if until is not None:
            self._covered[name] = until
            del lacks[: max(bisect_left(lacks, until, key=lambda lack: lack.at) - 1, 0)]
        key = application(self._stream, self.checkpoint.run, track)
        if self.is_recorded(f"coverage/{track}", open_.window) or not stretches:
            return
        self.on_stretches(track, open_.rows[0].base, stretches)
        rows_ = _coverage_table(stretches, self._stream, self.checkpoint.run, track, open_.rows[0].base)
        self._units.append(Unit("coverage", key, pack(0, open_.window), self._stream, self._fence, rows_))


def _carried(rows: Sequence[Rows]) -> list[Rows]:
    """The rows of a window in as few parts as can be, with the sound meter's state on the last one only."""
    joined = arrow.joined(rows)
    if CARRY.name in rows[0].columns:
        for part in joined:
            part.columns[CARRY.name][: None if part is not joined[-1] else -1] = None  # type: ignore[assignment]
    return joined


def _coverage_table(
    stretches: Sequence[coverage.Stretch], stream: str, run: int, track: str, base: TimeBase
) -> pa.Table:
    columns = {
        "stream": [stream] * len(stretches), "run": [run] * len(stretches), "track": [track] * len(stretches),
        "epoch": [s.epoch for s in stretches], "window": [s.window for s in stretches],
        "start": [s.start for s in stretches], "end": [s.end for s in stretches],
        "base_num": [base.num] * len(stretches), "base_den": [base.den] * len(stretches),
        "state": [s.state for s in stretches], "reason": [s.reason for s in stretches],
    }  # fmt: skip
    return pa.table(columns, schema=pa.schema(list(schema.COVERAGE)))


_EVENT_FIELDS = (
    "kind", "detector", "version", "track", "part", "at", "start_epoch", "start_wrap", "start_pts", "start", "end",
    "severity", "peak", "unit", "cause", "message", "explained_by",
)  # fmt: skip


def _events_table(events: Sequence[Event], stream: str, checkpoint: Checkpoint) -> pa.Table:
    columns: dict[str, list[object]] = {name: [getattr(event, name) for event in events] for name in _EVENT_FIELDS}
    count = len(events)
    columns |= {
        "stream": [stream] * count, "run": [checkpoint.run] * count, "judgement": [checkpoint.judgement] * count,
        "sequence": list(range(checkpoint.sequence, checkpoint.sequence + count)),
        "id": [event.id(stream) for event in events], "state": [None] * count,
        "base_num": [event.base.num for event in events], "base_den": [event.base.den for event in events],
    }  # fmt: skip
    return pa.table(columns, schema=pa.schema(list(schema.EVENTS)))


def _checkpoint_row(stream: str, checkpoint: Checkpoint, sequence: int) -> pa.Table:
    row: dict[str, object] = {
        "stream": stream, "run": checkpoint.run, "judgement": checkpoint.judgement, "sequence": sequence,
        "kind": "checkpoint", "state": dump(checkpoint),
    }  # fmt: skip
    columns = {name: [row.get(name)] for name, _ in schema.EVENTS}
    return pa.table(columns, schema=pa.schema(list(schema.EVENTS)))

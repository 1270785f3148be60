"""Committed events in their order, for whoever listens: the newest from memory, older ones from the table."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import deque
from itertools import islice
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from actors.recorder import Recorder

KEPT = 20_000
"""Events kept in memory."""

_LEFT_OUT = frozenset(("state", "day"))


class Position(NamedTuple):
    """An event's place among all: the commit that it came with, and its number there."""

    commit: int
    place: int


BEGINNING = Position(-1, -1)

Row = dict[str, Any]


class EventLog:
    """Rows of the ``events`` table, without checkpoints, by position. Belongs to one event loop."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._rows: deque[Row] = deque(maxlen=KEPT)
        self._changed = asyncio.Event()
        found = self._stored(BEGINNING)
        self._rows.extend(found[-KEPT:])
        self._from = _position(found[-KEPT - 1]) if len(found) > KEPT else BEGINNING
        """All events after it are in memory."""
        self.newest = _position(self._rows[-1]) if self._rows else BEGINNING

    def add(self, rows: pa.Table) -> None:
        """Take in what was committed."""
        for row in _plain(rows):
            if len(self._rows) == KEPT:
                self._from = _position(self._rows[0])
            self._rows.append(row)
            self.newest = _position(row)
        self._changed.set()
        self._changed = asyncio.Event()

    async def after(self, position: Position, wait_seconds: float, most: int) -> list[Row]:
        """Events after a position, oldest first, at most so many; waits for one where there is none yet."""
        position = Position(*position)
        if position >= self.newest:
            try:
                await asyncio.wait_for(self._changed.wait(), wait_seconds)
            except TimeoutError:
                return []
        if position < self._from:
            return (await asyncio.to_thread(self._stored, position))[:most]
        first = bisect_right(self._rows, position, key=_position)
        return list(islice(self._rows, first, first + most))

    def _stored(self, position: Position) -> list[Row]:
        columns = [name for name in self._recorder.columns("events") if name not in _LEFT_OUT]
        rows = self._recorder.read("events", columns, [("commit", ">=", position.commit)])
        found = sorted(_plain(rows), key=_position)
        return found[bisect_right(found, position, key=_position) :]


def _position(row: Row) -> Position:
    return Position(row["commit"], row["place"])


def _plain(rows: pa.Table) -> list[Row]:
    kept = [name for name in rows.schema.names if name not in _LEFT_OUT]
    found: list[Row] = rows.filter(pc.field("kind") != "checkpoint").select(kept).to_pylist()
    return found

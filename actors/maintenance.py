"""Keeping the tables small and quick: compaction, roll-up of old rows to seconds, superseded runs, unused files.

Every step is one atomic commit, or can be done again: a kill between any two loses nothing and doubles nothing.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from deltalake.transaction import RemoveAction
from numpy.typing import NDArray

from actors.schema import MEASURED, order
from actors.tables import Conflict, Table

FULL_RATE_SECONDS = 6 * 3600
"""How much of a live track keeps its rows; older ones become one row per second and metric."""

VACUUM_HOURS = 1
"""Age at which a data file that nothing refers to is deleted: longer than any commit or read lasts."""

_TARGET_BYTES = 32 << 20
_FEWEST = 10


@dataclass(frozen=True, slots=True)
class _File:
    path: str
    size: int
    day: date


def compact(table: Table) -> int:
    """Merge a table's small files, day by day, into sorted ones of at most 32 MiB.

    Returns:
        The number of files that were merged.
    """
    merged = 0
    small = [file for file in _files(table) if file.size < _TARGET_BYTES // 2]
    for day in sorted({file.day for file in small}):
        for group in _groups([file for file in small if file.day == day]):
            if len(group) >= _FEWEST and _rewrite(table, group, lambda rows: rows, change=False):
                merged += len(group)
    return merged


def supersede(table: Table, runs: Mapping[str, int]) -> int:
    """Delete the rows of a stream's runs below the one named.

    Args:
        table: Any table with ``stream`` and ``run``.
        runs: The run to keep, by stream.

    Returns:
        The number of rows deleted.
    """
    names, kept = pa.array(list(runs), pa.string()), pa.array(list(runs.values()), pa.int32())

    def stale(rows: pa.Table) -> pa.ChunkedArray:
        current = pc.take(kept, pc.index_in(rows["stream"], names))
        return pc.fill_null(pc.less(rows["run"], current), False)

    return _delete(table, ("stream", "run"), stale)


def roll_up(
    table: Table, seconds: Table, live: Collection[str], now: datetime, keep_seconds: int = FULL_RATE_SECONDS
) -> int:
    """Turn the old rows of live streams into seconds: least, mean and greatest value of every numeric metric.

    Old is what lies ``keep_seconds`` of the timeline before a track's newest row. A row belongs to the second of the
    furthest time that its track had reached. Lists and texts are dropped; a ``bool`` counts as 0 or 1; of the table
    ``metrics`` the values count by the metric that a row names. The seconds are
    committed first, with the last row they stand for as their transaction; then those rows are deleted.

    Args:
        table: A table of measurements.
        seconds: The table ``seconds``.
        live: The streams that this holds for.
        now: Its UTC day is the partition of the seconds.
        keep_seconds: What keeps the full rate.

    Returns:
        The number of rows deleted.
    """
    day = now.astimezone(UTC).date()
    tracks = table.read(["stream", "run", "track"], [("stream", "in", sorted(live))])
    for track in sorted(tracks.group_by(["stream", "run", "track"]).aggregate([]).to_pylist(), key=str):
        _roll_up_track(table, seconds, (track["stream"], track["run"], track["track"]), day, keep_seconds)
    marks = {app: mark for app, mark in seconds.transactions.items() if app.startswith(f"{table.name}|")}
    apps, newest = pa.array(list(marks), pa.string()), pa.array(list(marks.values()), pa.int64())

    def stale(rows: pa.Table) -> pa.ChunkedArray:
        run = rows["run"].cast(pa.string())
        keys = pc.binary_join_element_wise(table.name, rows["stream"], run, rows["track"], "|")
        return pc.fill_null(pc.less_equal(rows["row"], pc.take(newest, pc.index_in(keys, apps))), False)

    return _delete(table, ("stream", "run", "track", "row"), stale)


def rolled_up(seconds: Table, table: str, stream: str, run: int, track: str) -> int:
    """The first row of a track that has not been turned into seconds."""
    return seconds.transactions.get(_app(table, stream, run, track), -1) + 1


def vacuum(table: Table) -> list[str]:
    """Delete data files that nothing refers to: replaced ones, and those of killed writers; gives their paths."""
    return table.vacuum(VACUUM_HOURS)


def _app(table: str, stream: str, run: int, track: str) -> str:
    return f"{table}|{stream}|{run}|{track}"


def _roll_up_track(
    table: Table, seconds: Table, of: tuple[str, int, str], day: date, keep_seconds: int
) -> None:
    stream, run, track = of
    app = _app(table.name, stream, run, track)
    where = [("stream", "=", stream), ("run", "=", run), ("track", "=", track)]
    while True:
        rest = [*where, ("row", ">=", seconds.transactions.get(app, -1) + 1)]
        keys = table.read(["row", "start_seconds"], rest)
        reached = np.floor(np.maximum.accumulate(keys["start_seconds"].to_numpy())).astype(np.int64)
        count = int(np.searchsorted(reached, reached[-1] - keep_seconds)) if len(keys) else 0
        if not count:
            return
        last = keys["row"][count - 1].as_py()
        summary = seconds.conform(_summary(table, table.read(where=[*rest, ("row", "<=", last)]), reached[:count]))
        try:
            seconds.commit([seconds.write(summary, day)], transactions={app: last})
            return
        except Conflict:
            _pause()
            seconds.refresh()


def _summary(table: Table, rows: pa.Table, second: NDArray[np.int64]) -> pa.Table:
    """One row per second and numeric metric, of rows of one stream, run and track."""
    fixed = {name for name, _ in MEASURED} | {"day"}
    keys = ["stream", "run", "track", "epoch", "second"]
    rows = rows.append_column("second", pa.array(second))
    if long := "metric" in rows.schema.names:
        keys.append("metric")
    parts: list[pa.Table] = []
    for field in table.schema:
        if field.name in fixed or not (pa.types.is_primitive(field.type) and not pa.types.is_temporal(field.type)):
            continue
        values = rows[field.name].cast(pa.uint8()) if pa.types.is_boolean(field.type) else rows[field.name]
        part = rows.select(keys).append_column("value", values.cast(pa.float64())).filter(pc.is_valid(values))
        made = part.group_by(keys).aggregate([("value", name) for name in ("count", "min", "mean", "max")])
        made = made.rename_columns([*keys, "rows", "min", "mean", "max"])
        if not long:
            made = made.append_column("metric", pa.repeat(pa.scalar(field.name), len(made)))
        parts.append(made.append_column("table", pa.repeat(pa.scalar(table.name), len(made))))
    joined = pa.concat_tables(parts)
    return joined.sort_by([(name, "ascending") for name in order("seconds")])


def _delete(table: Table, keys: Sequence[str], stale: Callable[[pa.Table], pa.ChunkedArray]) -> int:
    """Rewrite the files that hold stale rows without them, each in one commit."""
    deleted = 0
    for file in _files(table):
        count = pc.sum(stale(table.read_file(file.path, keys))).as_py() or 0
        if count and _rewrite(table, [file], lambda rows: rows.filter(pc.invert(stale(rows))), change=True):
            deleted += count
    return deleted


def _rewrite(table: Table, files: Sequence[_File], alter: Callable[[pa.Table], pa.Table], *, change: bool) -> bool:
    """Replace files of one day by one with their altered rows, in one commit.

    Delta lets two such commits pass each other and would keep both results: so each goes through only on a snapshot
    that still has every file.

    Returns:
        Whether it was done; not if a rival has replaced one of them.
    """
    rows = alter(pa.concat_tables([table.read_file(file.path) for file in files]))
    rows = rows.sort_by([(name, "ascending") for name in order(table.name)])
    adds = [table.write(rows, files[0].day, change=change)] if len(rows) else []
    now = time.time_ns() // 1_000_000
    gone = [RemoveAction(file.path, change, now, file.size, {"day": str(file.day)}) for file in files]
    while {file.path for file in files} <= {file.path for file in _files(table)}:
        try:
            table.commit(adds, gone)
            return True
        except Conflict:
            _pause()
            table.refresh()
    return False


def _files(table: Table) -> list[_File]:
    files = table.files()
    return [_File(row["path"], row["size_bytes"], row["day"]) for row in files.to_pylist()]


def _groups(files: Sequence[_File]) -> Iterator[list[_File]]:
    """Files in turn, in groups of at most the target size."""
    group: list[_File] = []
    for file in sorted(files, key=lambda file: file.path):
        if group and sum(member.size for member in group) + file.size > _TARGET_BYTES:
            yield group
            group = []
        group.append(file)
    if group:
        yield group


def _pause() -> None:
    time.sleep(0.02 * random.random())

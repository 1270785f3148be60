"""What was measured, as the API gives it: a row for each picture, stretch of sound or packet, with its metrics."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from actors.clock import TimeBase
from actors.measuring import METRICS
from actors.tables import Table
from serve.api.backend import Refused
from serve.api.cursor import pack, unpack
from serve.api.values import Measurement, MeasurementQuery, Page

_PLACE = ("stream", "track", "row", "epoch", "pts", "start_seconds", "duration", "base_num", "base_den")


def wanted(query: MeasurementQuery, table: Table | None) -> tuple[str, ...]:
    """Names of the metrics that are asked for; those of users' models are known by what the table has of the stream.

    Raises:
        Refused: The table has no such metric.
    """
    if query.table != "metrics":
        names = [metric.name for metric in METRICS[query.table] if metric.name != "carry"]
    else:
        found = table.read(["metric"], [("stream", "=", query.stream)]) if table else None
        names = sorted(pc.unique(found["metric"]).to_pylist()) if found else []
    if unknown := set(query.metric) - set(names):
        has = f"it has {', '.join(names)}" if names else "it has none of this stream"
        raise Refused(f"{query.table} has no metric {min(unknown)!r}; {has}", "/metric")
    return query.metric or tuple(names)


def page(query: MeasurementQuery, table: Table, names: Sequence[str]) -> Page[Measurement]:
    """A page of measurements, by track and row.

    Args:
        query: What is asked for.
        table: That which it names.
        names: Of metrics.

    Raises:
        StorageError: The table cannot be read.
        BadCursor: The cursor is none of this list's.
    """
    track, row = unpack("measurements", query.cursor, str, int) if query.cursor else ("", -1)
    rows = _rows(table, query, names, str(track), int(row))
    items = [_measurement(row, names) for row in rows[: query.limit]]
    end = pack("measurements", (items[-1].track, items[-1].row)) if len(rows) > query.limit else None
    return Page[Measurement](items=tuple(items), next=end)


def _rows(
    table: Table, query: MeasurementQuery, names: Sequence[str], track: str, row: int
) -> list[dict[str, Any]]:  # fmt: skip
    """At most one row more than is asked for, after a track's row."""
    where: list[tuple[str, str, Any]] = [("stream", "=", query.stream)]
    for bound, sign in ((query.from_seconds, ">="), (query.to_seconds, "<")):
        if bound is not None:
            where.append(("start_seconds", sign, bound))
    keys = table.read(["run", "track"], where)
    if not len(keys):
        return []
    run = pc.max(keys["run"]).as_py()
    tracks = sorted(set(keys.filter(pc.field("run") == run)["track"].to_pylist()))
    found: list[dict[str, Any]] = []
    for name in tracks:
        if name < track or query.track not in {None, name} or len(found) > query.limit:
            continue
        here = [*where, ("run", "=", run), ("track", "=", name), ("row", ">", row if name == track else -1)]
        count = query.limit + 1 - len(found)
        if query.table == "metrics":
            found += _wide(table.read([*_PLACE, "metric", "value"], [*here, ("metric", "in", list(names))]), count)
        else:
            found += table.read([*_PLACE, *names], here).slice(0, count).to_pylist()
    return found


def _wide(long: pa.Table, count: int) -> list[dict[str, Any]]:
    """The first so many pictures, each with all of its metrics. ``long``: sorted, a row for each of them."""
    ends = np.flatnonzero(np.diff(long["row"].to_numpy())) + 1
    part = long.slice(0, int(ends[count - 1]) if len(ends) >= count else len(long))
    found: list[dict[str, Any]] = []
    for row in part.to_pylist():
        if not found or found[-1]["row"] != row["row"]:
            found.append(row)
        found[-1][row["metric"]] = row["value"]
    return found


def _measurement(row: Mapping[str, Any], names: Sequence[str]) -> Measurement:
    base = TimeBase(row["base_num"], row["base_den"])
    return Measurement(
        stream=row["stream"], track=row["track"], row=row["row"], epoch=row["epoch"], pts=row["pts"],
        start_seconds=row["start_seconds"], duration_seconds=base.seconds(row["duration"]),
        metrics={name: _plain(row.get(name)) for name in names},
    )  # fmt: skip


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_plain(item) for item in _flat(value))
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _flat(values: Sequence[Any]) -> list[Any]:
    return [item for value in values for item in (_flat(value) if isinstance(value, list) else [value])]

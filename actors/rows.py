"""Rows of measurements to Arrow tables and back, exactly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby, pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from actors import schema
from actors.clock import TimeBase
from actors.measure import Columns, Metric, Rows
from actors.media import MISSING, Table

_STAMP = ("epoch", "wrap", "pts", "time", "duration")


def joined(parts: Sequence[Rows]) -> list[Rows]:
    """Consecutive rows of one window in as few values as their formats and the lengths of their lists allow.

    Their arrays are new ones.
    """
    given = []
    for _, alike in groupby(parts, lambda part: (part.format, {n: v.shape[1:] for n, v in part.columns.items()})):
        same = list(alike)
        columns = {name: np.concatenate([part.columns[name] for part in same]) for name in same[0].columns}
        given.append(replace(same[0], columns=columns))
    return given


def to_arrow(rows: Rows, metrics: Sequence[Metric], stream: str, run: int) -> pa.Table:
    """A table of one stream's rows, in the schema of its kind without ``day``; what was not measured is null."""
    n = len(rows)
    constant: dict[str, object] = {
        "stream": stream, "run": run, "track": rows.track, "window": rows.window, "base_num": rows.base.num,
        "base_den": rows.base.den, "format": rows.format,
    }  # fmt: skip
    columns: dict[str, object] = {name: [value] * n for name, value in constant.items()}
    columns.update({name: rows.columns[name] for name in _STAMP})
    columns["row"] = np.arange(rows.first_row, rows.first_row + n, dtype=np.int64)
    times = rows.columns["time"].tolist()
    columns["start_seconds"] = [rows.base.seconds(time) for time in times]
    shape = schema.measured(metrics).remove(schema.measured(metrics).get_field_index("day"))
    arrays = [
        pa.nulls(n, field.type) if field.name not in (*columns, *rows.columns)
        else _array(columns.get(field.name, rows.columns.get(field.name)), field.type)
        for field in shape
    ]  # fmt: skip
    return pa.Table.from_arrays(arrays, schema=shape)


def _array(values: object, kind: pa.DataType) -> pa.Array:
    if not isinstance(values, np.ndarray):
        return pa.array(values, kind)
    if pa.types.is_list(kind):
        flat = _array(np.ascontiguousarray(values).reshape(-1), kind.value_type)
        lengths = np.full(len(values), values.shape[1] if values.ndim > 1 else 0, np.int32)
        offsets = np.concatenate((np.zeros(1, np.int32), np.cumsum(lengths, dtype=np.int32)))
        return pa.ListArray.from_arrays(pa.array(offsets), flat)
    if values.dtype.kind == "f":
        return pa.array(values, kind, mask=np.isnan(values))
    if values.dtype == np.int64:
        return pa.array(values, kind, mask=values == MISSING)
    return pa.array(values, kind)


def from_arrow(
    table: pa.Table, kind: Table, metrics: Sequence[Metric], *, windows: bool = True
) -> Iterator[Rows]:  # fmt: skip
    """Read back rows of one stream, run and track, sorted by ``row``: a value per format, epoch and window.

    Args:
        table: The rows.
        kind: Of which table.
        metrics: Their columns that are wanted.
        windows: Whether each window is a value of its own; else ``window`` is that of a value's first row.
    """
    if not table.num_rows:
        return
    border = np.zeros(table.num_rows, np.bool_)
    for name in ("epoch", "window", "format") if windows else ("epoch", "format"):
        border[1:] |= _changes(table[name])
    edges = [0, *np.flatnonzero(border).tolist(), table.num_rows]
    for start, stop in pairwise(edges):
        part = table.slice(start, stop - start)
        first = {name: part[name][0].as_py() for name in ("track", "base_num", "base_den", "format", "row", "window")}
        columns: Columns = {name: _plain(part[name].chunks, np.dtype(np.int64)) for name in _STAMP}
        columns.update({metric.name: _column(part[metric.name], metric) for metric in metrics})
        base = TimeBase(first["base_num"], first["base_den"])
        yield Rows(kind, first["track"], base, first["format"], first["row"], first["window"], columns)


def _changes(values: pa.ChunkedArray) -> NDArray[np.bool_]:
    """(n - 1,) whether each value differs from the one before. Nearly all are the same as the first."""
    if pc.all(pc.equal(values, values[0])).as_py():
        return np.zeros(len(values) - 1, np.bool_)
    codes = values.combine_chunks().dictionary_encode().indices.to_numpy()
    changes: NDArray[np.bool_] = codes[1:] != codes[:-1]
    return changes


def _column(values: pa.ChunkedArray, metric: Metric) -> NDArray[np.generic]:
    if metric.dtype == "string":
        return np.array(values.to_pylist(), np.object_)
    dtype = np.dtype(metric.dtype)
    if metric.width:
        flat = _plain([chunk.flatten() for chunk in values.chunks], dtype)
        return flat.reshape(len(values), -1) if len(flat) else np.empty((len(values), 0), dtype)
    return _plain(values.chunks, dtype)


def _plain(chunks: Sequence[pa.Array], dtype: np.dtype[np.generic]) -> NDArray[np.generic]:
    """Chunks, joined and converted in one go: some columns are a hundred megabytes an hour."""
    found = np.empty(sum(map(len, chunks)), dtype)
    stop = 0
    for chunk in chunks:
        start, stop = stop, stop + len(chunk)
        if chunk.null_count and dtype.kind != "f":
            chunk = chunk.fill_null(False if dtype.kind == "b" else MISSING if dtype == np.int64 else 0)  # noqa: PLW2901
        found[start:stop] = chunk.to_numpy(zero_copy_only=False)
    return found

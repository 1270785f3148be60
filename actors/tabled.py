"""Rows of any kind to the table that they are kept in, and back: a column for each metric, or a row for each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa

from actors import rows as arrow
from actors import schema
from actors.measure import Columns, Rows
from actors.measuring import METRICS
from actors.media import Table
from actors.models.scores import WHY, column

_STAMP = ("epoch", "wrap", "pts", "time", "duration")


def to_table(rows: Rows, stream: str, run: int) -> pa.Table:
    """One stream's rows, in the schema of their table without ``day``."""
    if rows.table == "metrics":
        return _to_long(rows, stream, run)
    return arrow.to_arrow(rows, METRICS[rows.table], stream, run)


def from_table(table: pa.Table, kind: Table) -> Iterator[Rows]:
    """Read back rows of one stream, run and track, sorted as they are read: a value per format, epoch and window."""
    if kind == "metrics":
        yield from _from_long(table)
    else:
        yield from arrow.from_arrow(table, kind, METRICS[kind])


def _to_long(rows: Rows, stream: str, run: int) -> pa.Table:
    """A row for each row and metric; one without a value says why."""
    names = sorted(name for name in rows.columns if name not in _STAMP and not name.endswith(f".{WHY}"))
    bare = arrow.to_arrow(replace(rows, columns={name: rows.columns[name] for name in _STAMP}), (), stream, run)
    count = len(rows)
    values = np.stack([rows.columns[name].astype(np.float64) for name in names], axis=1).reshape(-1)
    why = np.stack([rows.columns[_why_of(name)] for name in names], axis=1).reshape(-1)
    missing = np.isnan(values)
    given = {
        "metric": pa.array(names * count, pa.string()), "value": pa.array(values, pa.float64(), mask=missing),
        "why": pa.array(why, pa.string(), mask=~missing),
    }  # fmt: skip
    long = bare.take(pa.array(np.repeat(np.arange(count), len(names))))
    for name, kind in schema.LONG:
        long = long.append_column(pa.field(name, kind), given[name])
    return long


def _from_long(table: pa.Table) -> Iterator[Rows]:
    if not table.num_rows:
        return
    ordinals = table["row"].to_numpy()
    firsts = np.flatnonzero(np.concatenate(([True], ordinals[1:] != ordinals[:-1])))
    place = np.cumsum(np.isin(np.arange(len(ordinals)), firsts)) - 1
    codes = table["metric"].combine_chunks().dictionary_encode()
    values, why = table["value"].to_numpy(), np.array(table["why"].fill_null("").to_pylist(), np.object_)
    whole: Columns = {}
    for code, name in enumerate(codes.dictionary.to_pylist()):
        here = codes.indices.to_numpy() == code
        whole[name] = np.full(len(firsts), np.nan)
        whole[name][place[here]] = values[here]
        texts = whole.setdefault(_why_of(name), np.full(len(firsts), "", np.object_))
        texts[place[here]] = why[here]
    bare = table.take(pa.array(firsts)).select([name for name, _ in schema.MEASURED])
    start = 0
    for rows in arrow.from_arrow(bare, "metrics", ()):
        columns = {name: column_[start : start + len(rows)] for name, column_ in whole.items()}
        yield replace(rows, columns=rows.columns | columns)
        start += len(rows)


def _why_of(name: str) -> str:
    """The column that says why there is no value in another one."""
    return column(name.partition(".")[0], WHY)

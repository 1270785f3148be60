"""Checks a results folder against what the recorder promises. Reads only; a run that was cut short is no fault."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from actors.errors import StorageError
from actors.maintenance import rolled_up
from actors.media import MISSING
from actors.recorder import application, unpack
from actors.schema import ORDER
from actors.storage import FAILURES, located, one_line
from actors.tables import Table, exists

MEASURED = ("video", "audio", "packets")
TABLES = (*MEASURED, *ORDER)
_TRACK = ("stream", "run", "track")

Columns = dict[str, NDArray[np.int64]]
Group = tuple[tuple[Any, ...], Columns]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in a results folder that must not be. ``stream`` is '' where it concerns a whole table."""

    table: str
    stream: str
    text: str


def verify(uri: str) -> list[Finding]:
    """Check every table under a results URI.

    Checked are: that tables open, with this schema, and every data file can be read and holds the rows that the log
    says; that rows, windows and events are there once, without holes, and agree with the transactions; that coverage
    has neither overlap nor hole and reaches over the rows; that the checkpoints of
    finished runs count no rows that there are not; that
    incidents open before they close.

    Raises:
        StorageError: If there are no results.
    """
    root, findings = located(uri), list[Finding]()
    tables: dict[str, Table] = {}
    for name in TABLES:
        try:
            if exists(root, name):
                tables[name] = Table(root, name)
        except (StorageError, *FAILURES) as error:
            findings.append(Finding(name, "", one_line(error)))
    if not tables and not findings:
        raise StorageError(f"{root}: holds no results")
    for table in tables.values():
        findings += _unreadable(table)
    if findings:
        return findings
    measured = [
        _long_rows(tables[name]) if name == "metrics" else _rows(tables[name], tables.get("seconds"))
        for name in (*MEASURED, "metrics") if name in tables
    ]  # fmt: skip
    for _, found in measured:
        findings += found
    ends = {key: end for counts, _ in measured for key, end in counts.items()}
    if "coverage" in tables:
        findings += _coverage(tables)
    if "events" in tables:
        findings += [*_sequence(tables["events"]), *_incidents(tables["events"]), *_checkpoints(tables["events"], ends)]
    return findings


def _unreadable(table: Table) -> Iterator[Finding]:
    for file in table.files().to_pylist():
        try:
            rows = len(table.read_file(file["path"]))
        except (StorageError, *FAILURES, pa.ArrowException, ValueError) as error:
            why = one_line(error.__cause__ if isinstance(error.__cause__, Exception) else error)
            yield Finding(table.name, "", f"data file {file['path']} cannot be read: {why}")
            continue
        if rows != file["num_records"]:
            yield Finding(table.name, "", f"data file {file['path']} holds {rows} rows, not {file['num_records']}")


def _rows(table: Table, seconds: Table | None) -> tuple[dict[tuple[str, str, int, str], int], list[Finding]]:
    """Check row numbers, doubled windows and transactions of a table of measurements.

    Returns:
        How many rows each (table, stream, run, track) has had, and the findings.
    """
    counts: dict[tuple[str, str, int, str], int] = {}
    findings: list[Finding] = []
    columns = [*_TRACK, "row", "epoch", "wrap", "pts", "window"]
    for (stream, run, track), of in _groups(table.read(columns), _TRACK):
        row, where = of["row"], f"run {run}, {track}: "
        start = rolled_up(seconds, table.name, stream, run, track) if seconds else 0
        counts[table.name, stream, run, track] = start + len(row)
        for index in np.flatnonzero(row != start + np.arange(len(row)))[:1].tolist():
            findings.append(Finding(table.name, stream, f"{where}row {start + index} is not there, or twice"))
        for number in _doubled(of):
            findings.append(Finding(table.name, stream, f"{where}window {number} was measured twice"))
        findings += _agrees(table, application(stream, run, track), stream, where, int(of["window"].max()))
    return counts, findings


def _long_rows(table: Table) -> tuple[dict[tuple[str, str, int, str], int], list[Finding]]:
    """Check the table of users' models: each row and metric is there once. Of a live source some may be missing.

    Returns:
        As :func:`_rows`.
    """
    counts: dict[tuple[str, str, int, str], int] = {}
    findings: list[Finding] = []
    keys = (*_TRACK, "metric")
    rows = table.read([*keys, "row", "window"]).sort_by([(name, "ascending") for name in (*keys, "row")])
    for (stream, run, track, metric), of in _groups(rows, keys):
        row, where = of["row"], f"run {run}, {track}, {metric}: "
        counts["metrics", stream, run, track] = max(int(row[-1]) + 1, counts.get(("metrics", stream, run, track), 0))
        for index in np.flatnonzero(np.diff(row) == 0)[:1].tolist():
            findings.append(Finding(table.name, stream, f"{where}row {row[index]} is there twice"))
    for (stream, run, track), of in _groups(table.read([*_TRACK, "window"]), _TRACK):
        newest = int(of["window"].max())
        findings += _agrees(table, application(stream, run, track), stream, f"run {run}, {track}: ", newest)
    return counts, findings


def _doubled(of: Columns) -> Iterator[int]:
    """Windows of which every key is there more than once. A damaged source may repeat a few."""
    keys = np.stack([of["epoch"], of["wrap"], of["pts"]])[:, of["pts"] != MISSING]
    window = of["window"][of["pts"] != MISSING]
    for part in np.split(np.arange(len(window)), np.flatnonzero(np.diff(window)) + 1):
        if len(part) > 2 and 2 * np.unique(keys[:, part], axis=1).shape[1] <= len(part):
            yield int(window[part[0]])


def _agrees(table: Table, app: str, stream: str, where: str, newest: int) -> Iterator[Finding]:
    version = table.transactions.get(app)
    committed = None if version is None else unpack(version)[1]
    if committed != newest:
        yield Finding(table.name, stream, f"{where}rows end in window {newest}, transactions at {committed}")


def _coverage(tables: Mapping[str, Table]) -> Iterator[Finding]:
    table = tables["coverage"]
    measured: dict[tuple[Any, ...], Columns] = {}
    for name in ("video", "audio"):
        if name in tables:
            columns = [*_TRACK, "row", "time", "duration", "window"]
            measured.update(_groups(tables[name].read(columns), _TRACK))
    for key, of in _groups(table.read([*_TRACK, "start", "end", "window"]), _TRACK):
        stream, run, track = key
        start, end, where = of["start"], of["end"], f"run {run}, {track}: "
        newest = int(of["window"].max())
        if (end < start).any():
            yield Finding("coverage", stream, f"{where}a stretch ends before it starts")
        for index in np.flatnonzero(start[1:] < end[:-1])[:1].tolist():
            yield Finding("coverage", stream, f"{where}stretches overlap at {start[index + 1]}")
        for index in np.flatnonzero(start[1:] > end[:-1])[:1].tolist():
            yield Finding("coverage", stream, f"{where}nothing is said of {end[index]} to {start[index + 1]}")
        yield from _agrees(table, application(stream, run, track), stream, where, newest)
        if key in measured:
            first, last = _reach(measured[key], newest)
            if first < start.min() or last > end.max():
                text = f"{where}rows reach from {first} to {last}, coverage from {start.min()} to {end.max()}"
                yield Finding("coverage", stream, text)


def _reach(of: Columns, newest: int) -> tuple[int, int]:
    """Where a track's rows begin and end, up to the newest covered window, in ticks."""
    begun, ended = of["time"], of["time"] + of["duration"]
    return int(begun[0]), int(ended[of["window"] <= newest].max(initial=begun[0]))


def _sequence(table: Table) -> Iterator[Finding]:
    events = table.read(["stream", "run", "judgement", "sequence"])
    for (stream, run), of in _groups(events, ("stream", "run")):
        sequence, where = of["sequence"], f"run {run}: "
        for index in np.flatnonzero(sequence != np.arange(len(sequence)))[:1].tolist():
            yield Finding("events", stream, f"{where}event {index} is not there, or twice")
        version = table.transactions.get(application(stream, run))
        if version != sequence.max():
            yield Finding("events", stream, f"{where}events end at {sequence.max()}, transactions at {version}")


def _incidents(table: Table) -> Iterator[Finding]:
    columns = ["stream", "run", "judgement", "sequence", "id", "kind", "start", "end", "detector"]
    events = table.read(columns).filter(pc.field("kind") != "checkpoint")
    revisions: dict[tuple[str, int, int, str], list[dict[str, Any]]] = {}
    for event in events.to_pylist():
        revisions.setdefault((event["stream"], event["run"], event["judgement"], event["id"]), []).append(event)
    for (stream, run, _, id_), of in revisions.items():
        kinds = [event["kind"] for event in of]
        where = f"run {run}, {of[0]['detector']} {id_}: "
        if kinds[0] not in ("opened", "marker") or len([k for k in kinds if k in ("opened", "marker")]) > 1:
            yield Finding("events", stream, f"{where}does not open once and first, but {', '.join(kinds)}")
        if kinds.count("closed") > 1:
            yield Finding("events", stream, f"{where}closes more than once")
        if any(event["end"] is not None and event["end"] < event["start"] for event in of):
            yield Finding("events", stream, f"{where}ends before it starts")
        if any(event["end"] is None for event in of if event["kind"] == "closed"):
            yield Finding("events", stream, f"{where}closes without an end")


def _checkpoints(table: Table, ends: Mapping[tuple[str, str, int, str], int]) -> Iterator[Finding]:
    columns = ["stream", "run", "judgement", "sequence", "state"]
    rows = table.read(columns, [("kind", "=", "checkpoint")])
    newest = {(row["stream"], row["run"]): row["state"] for row in rows.to_pylist()}
    for (stream, run), text in newest.items():
        try:
            state = json.loads(text or "{}")
        except ValueError:
            yield Finding("events", stream, f"run {run}: the newest checkpoint cannot be read")
            continue
        if state.get("summary", {}) is None:
            continue  # cut short: rows of windows that were open are judged already, and will be measured again
        for name, judged in state.get("judged", {}).items():
            kind, _, track = name.partition("/")
            there = ends.get((kind, stream, run, track), 0)
            if judged > there:
                yield Finding("events", stream, f"run {run}: judged {judged} rows of {name}, but there are {there}")


def _groups(rows: pa.Table, keys: tuple[str, ...]) -> Iterator[Group]:
    """Stretches of equal keys of a table sorted by them, with the other columns as int64."""
    if not len(rows):
        return
    edge = np.zeros(len(rows), np.bool_)
    edge[0] = True
    for key in keys:
        codes = rows[key].combine_chunks().dictionary_encode().indices.to_numpy()
        edge[1:] |= codes[1:] != codes[:-1]
    numbers = [name for name in rows.schema.names if name not in keys]
    values = {name: rows[name].cast(pa.int64()).fill_null(MISSING).to_numpy() for name in numbers}
    starts = np.flatnonzero(edge).tolist()
    for start, stop in zip(starts, [*starts[1:], len(rows)], strict=True):
        group = tuple(rows[key][start].as_py() for key in keys)
        yield group, {name: value[start:stop] for name, value in values.items()}

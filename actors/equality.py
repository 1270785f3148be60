"""Whether two results folders are equal: what a kill, a resume or a shape may not change.

Compared are, of each stream's newest run and judgement: every row of measurements, the coalesced coverage, the
last revision of each incident, how many events of each kind there were, and what is said at the end. Left out is
what may differ: wall-clock, fence, usage, run, judgement, sequence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from actors.newest import Newest

TABLES = ("video", "audio", "packets", "metrics")
_NAMED = ("stream", "track", "epoch", "wrap", "pts", "row")
_LONGEST = 60


@dataclass(slots=True)
class Compared:
    """How much was compared, and what was not equal."""

    streams: int = 0
    rows: Counter[str] = field(default_factory=Counter)
    """By table."""
    events: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By detector and kind."""
    others: int = 0
    """Events of the other results, those that were disturbed."""
    stretches: int = 0
    """Of coalesced coverage."""
    incidents: int = 0
    """And markers."""
    mismatches: list[str] = field(default_factory=list)
    """A line each; of a column of measurements only its first."""

    @property
    def equal(self) -> bool:
        """Whether something was compared, and no mismatch was found."""
        return bool(self.streams) and not self.mismatches

    def opened(self) -> Counter[str]:
        """Incidents that opened, by detector."""
        return Counter({detector: count for (detector, kind), count in self.events.items() if kind == "opened"})

    def text(self) -> str:
        """How much was compared, in one line."""
        rows = ", ".join(f"{table} {self.rows[table]}" for table in TABLES)
        kinds = ", ".join(f"{detector} {kind} {count}" for (detector, kind), count in sorted(self.events.items()))
        return (
            f"streams: {self.streams}; rows: {rows}; events: {self.events.total()}{f' ({kinds})' if kinds else ''}; "
            f"incidents and markers: {self.incidents}; stretches of coverage: {self.stretches}"
        )


def compare(results_a: str, results_b: str, *, metrics: Collection[str] | None = None) -> Compared:
    """Compare two results folders.

    Args:
        results_a: What was disturbed.
        results_b: What was not; what is in it is what counts as compared.
        metrics: The columns of metrics to compare; all by default. (Rows that are judged with fewer detectors keep the
            metrics of those that are gone.)

    Raises:
        actors.storage.StorageError: One of them cannot be read.
    """
    a, b = Newest(results_a), Newest(results_b)
    compared = Compared(streams=len(b.runs), events=b.events, others=a.events.total())
    if a.runs.keys() != b.runs.keys():
        compared.mismatches.append(f"streams: {sorted(a.runs)} against {sorted(b.runs)}")
    for name in TABLES:
        left, right = a.rows(name, metrics), b.rows(name, metrics)
        compared.rows[name] = right.num_rows
        compared.mismatches += _rows(name, left, right)
    compared.mismatches += _entries("events", a.events, b.events)
    coverage, incidents = b.coverage(), b.incidents()
    compared.stretches, compared.incidents = sum(map(len, coverage.values())), len(incidents)
    compared.mismatches += _entries("coverage", a.coverage(), coverage)
    compared.mismatches += _entries("incident", a.incidents(), incidents)
    compared.mismatches += _entries("said at the end", a.said(), b.said())
    return compared


def _rows(name: str, left: pa.Table, right: pa.Table) -> list[str]:
    """Where two tables of measurements differ: the first row of each column."""
    if left.num_rows != right.num_rows:
        return [f"{name}: {left.num_rows} rows against {right.num_rows}"]
    if not left.num_rows:
        return []
    if left.schema.names != right.schema.names:
        return [f"{name}: columns {sorted(set(left.schema.names) ^ set(right.schema.names))} are in one of them only"]
    unequal = (column for column in left.schema.names if not left[column].equals(right[column]))
    return [text for column in unequal for text in _first(name, column, left, right)]


def _first(name: str, column: str, left: pa.Table, right: pa.Table) -> Iterator[str]:
    pairs = zip(left[column].to_pylist(), right[column].to_pylist(), strict=True)
    for index, (mine, other) in enumerate(pairs):
        if mine != other:
            where = ", ".join(f"{key} {left[key][index].as_py()}" for key in _NAMED)
            yield f"{name}.{column} at {where}: {_short(mine)} against {_short(other)}"
            return


def _entries(name: str, left: Mapping[Any, object], right: Mapping[Any, object]) -> list[str]:
    return [
        f"{name} {_key(key)}: {_unequal(left.get(key), right.get(key))}"
        for key in sorted(left.keys() | right.keys(), key=str)
        if left.get(key) != right.get(key)
    ]


def _key(key: object) -> str:
    return " ".join(map(str, key)) if isinstance(key, tuple) else str(key)


def _unequal(mine: object, other: object) -> str:
    """Two values that differ; of two mappings only the fields that do."""
    if isinstance(mine, Mapping) and isinstance(other, Mapping):
        fields = [name for name in sorted(mine.keys() | other.keys()) if mine.get(name) != other.get(name)]
        return "; ".join(f"{name} {_short(mine.get(name))} against {_short(other.get(name))}" for name in fields)
    return f"{_short(mine)} against {_short(other)}"


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."

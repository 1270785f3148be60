"""What the tables hold of streams: their newest checkpoints, incidents and coverage."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from actors import state
from actors.checkpoint import Checkpoint
from actors.clock import TimeBase
from actors.coverage import Stretch
from actors.incident import Event
from actors.recorder import Recorder, parts, unpack
from actors.tables import Where

_FEW = 200
_EVENT = (
    "kind", "detector", "version", "track", "part", "at", "start_epoch", "start_wrap", "start_pts", "start", "end",
    "severity", "peak", "unit", "cause", "message", "explained_by",
)  # fmt: skip

Covered = dict[str, tuple[TimeBase, list[Stretch]]]
"""Coverage by track, with its time base."""


@dataclass
class Stored:
    """One stream as an earlier run left it.

    ``coverage`` by track, with its time base. ``recorded``: the last committed window by ``table/track``.
    """

    checkpoint: Checkpoint
    events: list[Event] = field(default_factory=list)
    coverage: Covered = field(default_factory=dict)
    recorded: dict[str, int] = field(default_factory=dict)


def load(recorder: Recorder, streams: Collection[str]) -> dict[str, Stored]:
    """What is stored of streams, by name."""
    where: Where = [("stream", "in", list(streams))] if len(streams) <= _FEW else []
    found = assemble(recorder.read("events", where=where), recorder.read("coverage", where=where))
    for table in ("metrics", "video", "audio", "packets", "coverage"):
        for app, version in recorder.applications(table).items():
            stream, run, track = parts(app)
            stored = found.get(stream)
            if track and stored and run == stored.checkpoint.run:
                stored.recorded[f"{table}/{track}"] = unpack(version)[1]
    return found


def assemble(events: pa.Table, coverage: pa.Table) -> dict[str, Stored]:
    """Streams by name, of their newest run and judgement.

    Args:
        events: Rows of ``events``.
        coverage: Rows of ``coverage`` of the same streams.
    """
    newest: dict[str, tuple[int, int, int, str]] = {}
    checkpoints = events.filter(pc.field("kind") == "checkpoint")
    for row in _rows(checkpoints, "stream", "run", "judgement", "sequence", "state"):
        key = (row["run"], row["judgement"], row["sequence"], row["state"])
        newest[row["stream"]] = max(newest.get(row["stream"], key), key)
    found = {name: Stored(state.load(Checkpoint, key[3])) for name, key in newest.items()}
    ordered = events.filter(pc.field("kind") != "checkpoint").sort_by("sequence")
    for row in _rows(ordered, *ordered.schema.names):
        stored = found.get(row["stream"])
        if stored and (row["run"], row["judgement"]) == (stored.checkpoint.run, stored.checkpoint.judgement):
            stored.events.append(event(row))
    for row in _rows(coverage, *coverage.schema.names):
        stored = found.get(row["stream"])
        if stored and row["run"] == stored.checkpoint.run:
            _cover(stored.coverage, row)
    return found


def covered(rows: Iterable[Mapping[str, Any]]) -> Covered:
    """Coverage by track, from the rows of one run of a stream."""
    found: Covered = {}
    for row in rows:
        _cover(found, row)
    return found


def _cover(found: Covered, row: Mapping[str, Any]) -> None:
    base = TimeBase(row["base_num"], row["base_den"])
    stretch = Stretch(row["epoch"], row["window"], row["start"], row["end"], row["state"], row["reason"])
    found.setdefault(row["track"], (base, []))[1].append(stretch)


def event(row: dict[str, Any]) -> Event:
    """An event from its row."""
    return Event(base=TimeBase(row["base_num"], row["base_den"]), **{name: row[name] for name in _EVENT})


def _rows(table: pa.Table, *columns: str) -> Iterator[dict[str, Any]]:
    for batch in table.select(list(columns)).to_batches():
        yield from batch.to_pylist()

"""What results hold of each stream's newest run and judgement, without what two runs of one source may differ in."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from actors.schema import LONG, MEASURED, order
from actors.tables import Table, exists

Span = tuple[str, str, int, int]
"""Stream, track, and the time base of its coverage."""
Stretch = tuple[int, int, int, str, str]
"""Start, end, epoch, state, reason."""
Summary = dict[str, Any]

_APART = ("day", "run")
_FIXED = frozenset(name for name, _ in (*MEASURED, *LONG))
_NOT_COMPARED = frozenset(("day", "run", "judgement", "sequence", "state", "commit", "place", "recorded_at"))
_OF_ITS_RUN = frozenset(("usage", "ledger", "traffic", "shape", "meter_seconds", "frames_decoded_again"))


class Newest:
    """The newest run and judgement of every stream in a results folder."""

    def __init__(self, results: str) -> None:
        """Read the events.

        Raises:
            actors.storage.StorageError: There are no results, or they cannot be read.
        """
        self._uri = results
        events = Table(results, "events").read()
        self.runs: dict[str, tuple[int, int]] = {}
        """Run and judgement, by stream."""
        self.checkpoints: dict[str, dict[str, Any]] = {}
        """The last one of each stream."""
        marks = events.filter(pc.field("kind") == "checkpoint").select(["stream", "run", "judgement", "state"])
        for row in marks.to_pylist():
            self.runs[row["stream"]] = (row["run"], row["judgement"])
            self.checkpoints[row["stream"]] = json.loads(row["state"])
        found = [row for row in events.to_pylist() if row["kind"] != "checkpoint" and self._is_newest(row)]
        self._found: list[dict[str, Any]] = found
        self.events = Counter((row["detector"], row["kind"]) for row in found)
        """How many, by detector and kind."""

    def _is_newest(self, row: dict[str, Any]) -> bool:
        return (row["run"], row["judgement"]) == self.runs[row["stream"]]

    def rows(self, name: str, metrics: Collection[str] | None = None) -> pa.Table:
        """Rows of measurements by stream, track and row, their columns by name; none of models where no model ever ran.

        Args:
            name: The table.
            metrics: The columns of metrics that are wanted; all by default.
        """
        if name == "metrics" and not exists(self._uri, name):
            return pa.table({})
        table = Table(self._uri, name).read()
        runs = pa.array([run for run, _ in self.runs.values()], pa.int32())
        newest = pc.take(runs, pc.index_in(table["stream"], pa.array(list(self.runs), pa.string())))
        kept = table.filter(pc.equal(table["run"], newest)).drop_columns(list(_APART))
        names = [column for column in kept.schema.names if metrics is None or column in _FIXED or column in metrics]
        keys = [(column, "ascending") for column in order(name) if column not in _APART]
        return kept.select(sorted(names)).sort_by(keys).combine_chunks()

    def coverage(self) -> dict[Span, list[Stretch]]:
        """Stretches of one epoch, state and reason, joined."""
        joined: dict[Span, list[Stretch]] = {}
        for row in Table(self._uri, "coverage").read().to_pylist():
            if row["run"] != self.runs[row["stream"]][0]:
                continue
            of = joined.setdefault((row["stream"], row["track"], row["base_num"], row["base_den"]), [])
            kind = (row["epoch"], row["state"], row["reason"])
            if of and of[-1][2:] == kind and of[-1][1] == row["start"]:
                of[-1] = (of[-1][0], row["end"], *kind)
            else:
                of.append((row["start"], row["end"], *kind))
        return joined

    def incidents(self) -> dict[tuple[str, str], dict[str, Any]]:
        """The last revision of each, by stream and id."""
        return {
            (row["stream"], row["id"]): {name: value for name, value in row.items() if name not in _NOT_COMPARED}
            for row in self._found
        }

    def summaries(self) -> dict[str, Summary | None]:
        """What is said at the end, by stream; None where it has not ended."""
        return {stream: state["summary"] for stream, state in self.checkpoints.items()}

    def said(self) -> dict[str, Summary | None]:
        """Of that: status, epochs, tracks, verdicts, which do not hang on how it was run."""
        return {
            stream: summary and {name: value for name, value in summary.items() if name not in _OF_ITS_RUN}
            for stream, summary in self.summaries().items()
        }

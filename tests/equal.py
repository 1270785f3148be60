"""Whether two results folders are equal, in the sense of the design: what a kill, a resume or a shape may not change.

Compared are, of each stream's newest run and judgement: every row of video, audio and packets, the coalesced coverage,
the last revision of each incident, how many events of each kind there were, and what is said at the end. Left out is
what may differ: wall-clock, fence, usage, run, judgement, sequence.
"""

import json
from collections import Counter
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from actors.tables import Table

MEASURED = ("video", "audio", "packets")
_APART = ("day", "run")
_KEY = ("stream", "track", "row")
_NAMED = ("stream", "track", "epoch", "wrap", "pts", "row")
_NOT_COMPARED = ("day", "run", "judgement", "sequence", "state", "commit", "place", "recorded_at")
_OF_THIS_RUN = ("usage", "ledger", "traffic", "shape", "meter_seconds", "frames_decoded_again")


@dataclass
class Compared:
    """What was compared, and what was not equal.

    ``rows`` by table, ``events`` by (detector, kind), ``stretches`` of coalesced coverage, ``incidents`` and markers.
    """

    rows: Counter = field(default_factory=Counter)
    events: Counter = field(default_factory=Counter)
    streams: int = 0
    stretches: int = 0
    incidents: int = 0
    mismatches: list = field(default_factory=list)

    def opened(self):
        """Incidents that opened, by detector."""
        return Counter({detector: n for (detector, kind), n in self.events.items() if kind == "opened"})


def compare(results_a, results_b, *, metrics=None):
    """Compare two results folders.

    Args:
        results_a: What was disturbed.
        results_b: What was not.
        metrics: The columns of metrics to compare; all by default. (Rows that are judged with fewer detectors keep the
            metrics of those that are gone.)
    """
    compared = Compared()
    a, b = _Results(results_a), _Results(results_b)
    if a.newest.keys() != b.newest.keys():
        compared.mismatches.append(f"streams: {sorted(a.newest)} against {sorted(b.newest)}")
    compared.streams = len(b.newest)
    for name in MEASURED:
        left, right = a.rows(name, metrics), b.rows(name, metrics)
        compared.rows[name] = right.num_rows
        compared.mismatches += _differing(name, left, right)
    left, right = a.coverage(), b.coverage()
    compared.stretches = sum(map(len, right.values()))
    compared.mismatches += _differing_entries("coverage", left, right)
    left, right = a.incidents(), b.incidents()
    compared.incidents, compared.events = len(right), b.events
    compared.mismatches += _differing_entries("incident", left, right)
    compared.mismatches += _differing_entries("events", a.events, b.events)
    compared.mismatches += _differing_entries("said at the end", a.said(), b.said())
    return compared


def assert_equal(results_a, results_b, *, metrics=None, **least):
    """Compare, fail on any mismatch, and hold what was compared against the least that it must have been.

    Args:
        results_a: What was disturbed.
        results_b: What was not.
        metrics: See :func:`compare`.
        least: At least so many rows (``video``, ``audio``, ``packets``), ``incidents``, ``stretches``, or opened
            incidents of a detector by its name.
    """
    compared = compare(results_a, results_b, metrics=metrics)
    assert not compared.mismatches, "\n".join(compared.mismatches)
    had = {**compared.opened(), **compared.rows, "incidents": compared.incidents, "stretches": compared.stretches}
    missing = {name: had.get(name, 0) for name, count in least.items() if had.get(name, 0) < count}
    assert not missing, f"too little was compared: {missing} of {least}"
    return compared


def summaries(results):
    """What each stream's newest checkpoint says at the end, by stream; None where it is not finished."""
    return {stream: state["summary"] for stream, state in _Results(results).checkpoints.items()}


def unexplained(results):
    """What no ledger of the newest summaries can explain, by stream and track: empty if all is well."""
    return {
        (stream, track): account["unexplained"]
        for stream, summary in summaries(results).items()
        for track, account in summary["ledger"].items()
        if account["unexplained"]
    }


def rows_of(results, table):
    """Rows of the newest run of every stream."""
    return _Results(results).rows(table, None)


class _Results:
    """The newest run and judgement of every stream of a folder."""

    def __init__(self, results):
        self._uri = str(results)
        self._events = Table(self._uri, "events").read()
        self.checkpoints, self.newest = {}, {}
        rows = self._events.filter(pc.field("kind") == "checkpoint").select(["stream", "run", "judgement", "state"])
        for row in rows.to_pylist():
            self.newest[row["stream"]] = (row["run"], row["judgement"])
            self.checkpoints[row["stream"]] = json.loads(row["state"])
        of_newest = [row for row in self._events.to_pylist() if row["kind"] != "checkpoint" and self._is_newest(row)]
        self._found = of_newest
        self.events = Counter((row["detector"], row["kind"]) for row in of_newest)

    def _is_newest(self, row):
        return (row["run"], row["judgement"]) == self.newest[row["stream"]]

    def rows(self, name, metrics):
        table = Table(self._uri, name).read()
        runs = pa.array([run for run, _ in self.newest.values()], pa.int32())
        newest = pc.take(runs, pc.index_in(table["stream"], pa.array(list(self.newest), pa.string())))
        kept = table.filter(pc.equal(table["run"], newest)).drop_columns(list(_APART))
        if metrics is not None:
            fixed = [column for column in kept.schema.names if column in _STAMPS]
            kept = kept.select([*fixed, *(column for column in kept.schema.names if column in metrics)])
        kept = kept.select(sorted(kept.schema.names))
        return kept.sort_by([(column, "ascending") for column in _KEY]).combine_chunks()

    def coverage(self):
        """By stream and track: stretches of one epoch, state and reason, joined."""
        joined = {}
        for row in Table(self._uri, "coverage").read().to_pylist():
            if row["run"] != self.newest[row["stream"]][0]:
                continue
            of = joined.setdefault((row["stream"], row["track"], row["base_num"], row["base_den"]), [])
            kind = (row["epoch"], row["state"], row["reason"])
            if of and of[-1][2:] == kind and of[-1][1] == row["start"]:
                of[-1] = (of[-1][0], row["end"], *kind)
            else:
                of.append((row["start"], row["end"], *kind))
        return joined

    def incidents(self):
        """By stream and id: the last revision."""
        return {
            (row["stream"], row["id"]): {name: value for name, value in row.items() if name not in _NOT_COMPARED}
            for row in self._found
        }

    def said(self):
        """By stream: status, epochs, tracks, verdicts."""
        return {
            stream: None if state["summary"] is None else
            {name: value for name, value in state["summary"].items() if name not in _OF_THIS_RUN}
            for stream, state in self.checkpoints.items()
        }  # fmt: skip


_STAMPS = frozenset((
    "stream", "track", "epoch", "wrap", "pts", "row", "window", "time", "duration", "base_num", "base_den",
    "start_seconds", "format",
))  # fmt: skip


def _differing(name, left, right):
    """Where two tables of measurements differ: the first row of each column."""
    if left.num_rows != right.num_rows:
        return [f"{name}: {left.num_rows} rows against {right.num_rows}"]
    if left.schema.names != right.schema.names:
        return [f"{name}: columns {set(left.schema.names) ^ set(right.schema.names)} are in one of them only"]
    found = []
    for column in left.schema.names:
        if left[column].equals(right[column]):
            continue
        pairs = zip(left[column].to_pylist(), right[column].to_pylist(), strict=True)
        for index, (mine, other) in enumerate(pairs):
            if mine != other:
                where = {key: left[key][index].as_py() for key in _NAMED}
                found.append(f"{name}.{column} at {where}: {mine} against {other}")
                break
    return found


def _differing_entries(name, left, right):
    return [
        f"{name} {key}: {left.get(key)} against {right.get(key)}"
        for key in sorted(left.keys() | right.keys(), key=str)
        if left.get(key) != right.get(key)
    ]

"""What the tables hold, as the API gives it: incidents in their newest revision, measurements, and coverage."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from actors import document, stored
from actors.clock import TimeBase
from actors.storage import located
from actors.tables import Table, exists
from serve.api.covered import Coverage, CoverageQuery
from serve.api.cursor import pack, unpack
from serve.api.values import EventId, FeedEvent, Incident, IncidentQuery, Measurement, MeasurementQuery, Page
from serve.replica import measured
from serve.replica.kept import Kept, evidence

JobOf = Callable[[str], str | None]
"""The job that a stream belongs to."""

_EVENT = (
    "stream", "run", "judgement", "sequence", "kind", "id", "detector", "track", "base_num", "base_den", "start", "end",
    "severity", "peak", "unit", "cause", "message", "explained_by", "recorded_at",
)  # fmt: skip


class Results:
    """Reads a results URI. Not safe for use by several threads at once."""

    def __init__(self, uri: str) -> None:
        self._uri = located(uri)
        self._tables: dict[str, Table] = {}
        self._kept = Kept(uri)

    def incidents(self, query: IncidentQuery, job_of: JobOf) -> Page[Incident]:
        """A page of incidents, newest first.

        Raises:
            StorageError: The tables cannot be read.
            BadCursor: The cursor is none of this list's.
        """
        found = [one for one in self._incidents(query.stream, job_of) if _matches(one, query)]
        found.sort(key=_key, reverse=True)
        if query.cursor is not None:
            last = unpack("incidents", query.cursor, float, str)
            found = [one for one in found if _key(one) < last]
        page, rest = found[: query.limit], found[query.limit :]
        return Page[Incident](items=tuple(page), next=pack("incidents", _key(page[-1])) if rest else None)

    def incident(self, id_: str, job_of: JobOf) -> Incident | None:
        """One incident; None: there is none of that id."""
        return next((one for one in self._incidents(None, job_of) if one.id == id_), None)

    def measurements(self, query: MeasurementQuery) -> Page[Measurement]:
        """A page of measurements, by track and row.

        Raises:
            StorageError: The tables cannot be read.
            Refused: The table has no such metric.
            BadCursor: The cursor is none of this list's.
        """
        table = self._table(query.table)
        wanted = measured.wanted(query, table)
        return measured.page(query, table, wanted) if table else Page[Measurement](items=(), next=None)

    def kept(self) -> frozenset[str]:
        """The names of the files of evidence, as of a second ago or later.

        Raises:
            OSError: The storage fails.
        """
        return self._kept.names()

    def coverage(self, query: CoverageQuery, job: str | None) -> Page[Coverage]:
        """A page of a stream's coverage in its newest run, as ``analyze --json`` has it. ``job``: whose the stream is.

        Raises:
            StorageError: The tables cannot be read.
            BadCursor: The cursor is none of this list's.
        """
        table = self._table("coverage")
        rows = [] if table is None else table.read(where=[("stream", "=", query.stream)]).to_pylist()
        newest_run = max((row["run"] for row in rows), default=0)
        covered = stored.covered(row for row in rows if row["run"] == newest_run)
        spans = [entry for track, (base, of) in sorted(covered.items()) for entry in document.coverage(track, base, of)]
        last = unpack("coverage", query.cursor, str, float) if query.cursor is not None else ("",)
        items = [Coverage(stream=query.stream, job=job, **span) for span in spans if _begins(span) > last]
        page, rest = items[: query.limit], items[query.limit :]
        end = pack("coverage", (page[-1].track, page[-1].start_seconds)) if rest else None
        return Page[Coverage](items=tuple(page), next=end)

    def _incidents(self, stream: str | None, job_of: JobOf) -> list[Incident]:
        table = self._table("events")
        if table is None:
            return []
        rows, kept = table.read(list(_EVENT), [("stream", "=", stream)] if stream else []), self.kept()
        return [incident for row in newest(rows) if (incident := _incident(row, job_of, kept)) is not None]

    def _table(self, name: str) -> Table | None:
        if name not in self._tables:
            if not exists(self._uri, name):
                return None
            self._tables[name] = Table(self._uri, name)
        self._tables[name].refresh()
        return self._tables[name]


def newest(rows: pa.Table) -> list[dict[str, Any]]:
    """The last revision of each incident of each stream's newest judgement, with ``opened_at`` and ``closed_at``.

    Args:
        rows: Of ``events``, sorted by stream, run, judgement and sequence.
    """
    if not len(rows):
        return []
    order = rows["run"].to_numpy().astype(np.int64) << 32 | rows["judgement"].to_numpy().astype(np.int64)
    streams = rows["stream"].combine_chunks().dictionary_encode().indices.to_numpy()
    latest = np.zeros(streams.max() + 1, np.int64)
    np.maximum.at(latest, streams, order)
    kept = rows.filter(pa.array(order == latest[streams])).filter(pc.field("kind") != "checkpoint")
    if not len(kept):
        return []
    ids = kept["id"].combine_chunks().dictionary_encode().indices.to_numpy()
    _, firsts = np.unique(ids, return_index=True)
    _, backwards = np.unique(ids[::-1], return_index=True)
    closing = kept.filter(pc.is_in(kept["kind"], pa.array(["closed", "marker"])))
    closed = dict(zip(closing["id"].to_pylist(), closing["recorded_at"].to_pylist(), strict=True))
    opened = kept.take(firsts)["recorded_at"].to_pylist()
    last = kept.take(len(ids) - 1 - backwards).to_pylist()
    return [
        {**row, "opened_at": at, "closed_at": closed.get(row["id"])} for row, at in zip(last, opened, strict=True)
    ]  # fmt: skip


def feed_event(
    row: Mapping[str, Any], job_of: JobOf, opened: Mapping[str, Any], kept: Collection[str]
) -> FeedEvent | None:
    """A committed event; None where its job is gone.

    Args:
        row: It.
        job_of: Whose its stream is.
        opened: When incidents opened, by id.
        kept: The names of the files of evidence.
    """
    closed = row["recorded_at"] if row["kind"] in ("closed", "marker") or row["end"] is not None else None
    whole = {**row, "opened_at": opened.get(row["id"], row["recorded_at"]), "closed_at": closed}
    incident = _incident(whole, job_of, kept)
    if incident is None:
        return None
    at = EventId(shard=0, version=row["commit"], row=row["place"] + 1)
    return FeedEvent(id=str(at), kind=row["kind"], job=incident.job, stream=incident.stream, incident=incident)


def _incident(row: Mapping[str, Any], job_of: JobOf, kept: Collection[str]) -> Incident | None:
    job = job_of(row["stream"])
    if job is None:
        return None
    base = TimeBase(row["base_num"], row["base_den"])
    peak = row["peak"]
    return Incident(
        id=row["id"], job=job, stream=row["stream"], detector=row["detector"], track=row["track"],
        status="open" if row["closed_at"] is None else "closed", start_seconds=round(base.seconds(row["start"]), 6),
        end_seconds=None if row["end"] is None else round(base.seconds(row["end"]), 6), opened_at=row["opened_at"],
        closed_at=row["closed_at"], severity=row["severity"],
        peak=peak if peak is not None and math.isfinite(peak) else None, unit=row["unit"], cause=row["cause"],
        explained_by=row["explained_by"], message=row["message"], evidence=evidence(row["id"], kept),
    )  # fmt: skip


def _matches(one: Incident, query: IncidentQuery) -> bool:
    return (
        query.job in {None, one.job}
        and query.detector in {None, one.detector}
        and (not query.severity or one.severity in query.severity)
        and query.status in {None, one.status}
        and (query.since is None or one.opened_at >= query.since)
        and (query.until is None or one.opened_at < query.until)
    )


def _key(one: Incident) -> tuple[float, str]:
    return one.opened_at.timestamp(), one.id


def _begins(span: document.Document) -> tuple[str, float]:
    return span["track"], span["start_seconds"]

"""A backend in memory: for the tests of the API, and for whoever writes a page or a client against it.

python -m tests.serve.fake_backend --port 8000       # open on loopback, with streams, incidents and a trickle of events
python -m tests.serve.fake_backend --port 8000 --keys # asks for keys, and prints one of each scope
"""

from __future__ import annotations

import asyncio
import bisect
import hashlib
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import contextmanager

from cluster.job import JobSpec
from serve.api.backend import BackendUnavailable, Busy, Conflict, Refused
from serve.api.checking import names
from serve.api.covered import Coverage, CoverageQuery
from serve.api.values import (
    Change,
    EventId,
    EvidenceKind,
    FeedEvent,
    FeedQuery,
    Incident,
    IncidentQuery,
    Job,
    JobQuery,
    Measurement,
    MeasurementQuery,
    Page,
    Ready,
    StreamQuery,
    StreamState,
    Submitted,
)
from serve.replica.kept import evidence
from tests.serve.fake_values import METRICS, STEP, TRACK, chunks, matches, measured, opened, page_of, started

ACTIVE = {"pending", "running"}


class FakeBackend:
    """All that a backend does, without a cluster. What tests may touch is public."""

    def __init__(self) -> None:
        self.held: dict[str, Job] = {}
        self.states: dict[tuple[str, str], StreamState] = {}
        self.found: dict[str, Incident] = {}
        self.log: list[tuple[tuple[int, int], FeedEvent]] = []
        self.keys: dict[str, tuple[str, str]] = {}
        """Idempotency key -> digest of the spec, id of the job."""
        self.evidence_of: dict[tuple[str, EvidenceKind], bytes] = {}
        self.covered: dict[str, list[Coverage]] = {}
        """By stream."""
        self.seconds = 60.0
        """How much is measured of each stream."""
        self.problems: dict[str, str] = {}
        """While there are some, everything is unavailable."""
        self.broken = ""
        """While it says something, everything fails with that text, which nobody may see."""
        self.most_streams = 1000
        self.followers = 0
        self._version = 0
        self._waiting: set[asyncio.Future[None]] = set()

    # jobs

    async def submit(self, spec: JobSpec, idempotency_key: str | None) -> Submitted:
        self._check()
        digest = hashlib.sha256(repr(spec.model_dump()).encode()).hexdigest()
        if spec.webhook:
            digest += spec.webhook.secret.get_secret_value()
        if idempotency_key in self.keys:
            before, id = self.keys[idempotency_key]
            if before != digest:
                raise Conflict("this idempotency key was used for another job")
            return Submitted(job=self.held[id], created=False)
        self._fits(names(spec), None)
        for index, asked in enumerate(spec.streams):
            if asked.source.startswith("file:///etc/"):
                raise Refused("this file is outside the allowed folders", f"/streams/{index}/source")
        job, states = started(spec, names(spec))
        self.held[job.id] = job
        self.states |= {(job.id, state.stream): state for state in states}
        if idempotency_key is not None:
            self.keys[idempotency_key] = digest, job.id
        return Submitted(job=job, created=True)

    async def jobs(self, query: JobQuery) -> Page[Job]:
        self._check()
        held = [job for job in self.held.values() if query.status in {None, job.status}]
        return Page[Job](**page_of("jobs", held, query, lambda job: (job.created_at.timestamp(), job.id), newest=True))

    async def job(self, id: str) -> Job | None:
        self._check()
        return self.held.get(id)

    async def change(self, id: str, change: Change) -> Job | None:
        self._check()
        if (job := self.held.get(id)) is None:
            return None
        if change.desired == "running" and job.status not in ACTIVE:
            if job.status == "completed":
                raise Conflict("this job has completed; submit it anew")
            self._fits([stream.stream for stream in job.streams], id)
        if change.tags is not None:
            merged = {**job.tags, **change.tags}
            job = job.model_copy(update={"tags": {name: value for name, value in merged.items() if value is not None}})
        if change.desired is not None and job.status != "completed":
            streams = tuple(stream.model_copy(update={"status": change.desired}) for stream in job.streams)
            job = job.model_copy(update={"status": change.desired, "streams": streams})
            for stream in streams:
                self.set_stream(id, stream.stream, status=change.desired)
        self.held[id] = job
        return job

    async def delete(self, id: str) -> bool:
        self._check()
        if self.held.pop(id, None) is None:
            return False
        for job, name in [key for key in self.states if key[0] == id]:
            del self.states[job, name]
        self.keys = {key: value for key, value in self.keys.items() if value[1] != id}
        return True

    # streams and results

    async def streams(self, query: StreamQuery) -> Page[StreamState]:
        self._check()
        wanted = [
            state
            for state in self.states.values()
            if query.job in {None, state.job} and query.status in {None, state.status}
        ]
        return Page[StreamState](**page_of("streams", wanted, query, lambda state: (state.stream, state.job)))

    async def stream(self, name: str) -> StreamState | None:
        self._check()
        return next((state for (_, stream), state in reversed(self.states.items()) if stream == name), None)

    async def incidents(self, query: IncidentQuery) -> Page[Incident]:
        self._check()
        wanted = [
            one
            for one in self.found.values()
            if matches(query, one.job, one.stream, one.severity)
            and query.detector in {None, one.detector}
            and query.status in {None, one.status}
            and (query.since is None or one.opened_at >= query.since)
            and (query.until is None or one.opened_at < query.until)
        ]
        page = page_of("incidents", wanted, query, opened, newest=True)
        return Page[Incident](items=tuple(self._shown(one) for one in page["items"]), next=page["next"])

    async def incident(self, id: str) -> Incident | None:
        self._check()
        return self._shown(self.found[id]) if id in self.found else None

    async def measurements(self, query: MeasurementQuery) -> Page[Measurement] | None:
        if await self.stream(query.stream) is None:
            return None
        known = METRICS[query.table]
        if unknown := set(query.metric) - set(known):
            raise Refused(f"{query.table} has no metric {min(unknown)!r}; it has {', '.join(known)}", "/metric")
        track, step = TRACK[query.table], STEP[query.table]
        first, last = query.from_seconds or 0.0, min(self.seconds, query.to_seconds or self.seconds)
        rows = [row for row in range(int(self.seconds / step)) if first <= row * step < last]
        wanted = [] if query.track not in {None, track} else rows
        part = page_of("measurements", wanted, query, lambda row: (track, row))
        items = tuple(measured(query, track, row) for row in part["items"])
        return Page[Measurement](items=items, next=part["next"])

    async def coverage(self, query: CoverageQuery) -> Page[Coverage] | None:
        if await self.stream(query.stream) is None and query.stream not in self.covered:
            return None
        covered = self.covered.get(query.stream, ())
        return Page[Coverage](**page_of("coverage", covered, query, lambda one: (one.track, one.start_seconds)))

    async def evidence(self, id: str, kind: EvidenceKind) -> AsyncGenerator[bytes, None] | None:
        self._check()
        kept = self.evidence_of.get((id, kind))
        return None if kept is None else chunks(kept)

    async def ready(self) -> Ready:
        return Ready(problems=self.problems)

    # events

    async def newest(self) -> EventId:
        self._check()
        version, row = self.log[-1][0] if self.log else (0, 0)
        return EventId(shard=0, version=version, row=row)

    async def events(self, after: EventId, query: FeedQuery) -> AsyncGenerator[FeedEvent, None]:
        self.followers += 1
        try:
            place = (after.version, after.row)
            if after.shard or place > (self.log[-1][0] if self.log else (0, 0)):
                place = (0, 0)
            while True:
                seen = len(self.log)
                index = bisect.bisect_right(self.log, place, key=lambda entry: entry[0])
                for place, event in self.log[index:]:  # noqa: B007 - goes on from there
                    self._check()
                    if matches(query, event.job, event.stream, event.incident.severity):
                        yield event.model_copy(update={"incident": self._shown(event.incident)})
                if seen == len(self.log):
                    await self._commit_comes()
        finally:
            self.followers -= 1

    def commit(self, events: Iterable[tuple[str, Incident]]) -> list[EventId]:
        """Add events in one commit, and tell those who follow."""
        self._version += 1
        ids = []
        for row, (kind, incident) in enumerate(events, 1):
            id = EventId(shard=0, version=self._version, row=row)
            event = FeedEvent(id=str(id), kind=kind, job=incident.job, stream=incident.stream, incident=incident)
            self.log.append(((id.version, id.row), event))
            self.found[incident.id] = incident
            ids.append(id)
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)
        return ids

    async def _commit_comes(self) -> None:
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.add(waiting)
        try:
            await waiting
        finally:
            self._waiting.discard(waiting)

    def set_stream(self, job: str, name: str, **changes: object) -> None:
        """Change what is known of a stream."""
        self.states[job, name] = self.states[job, name].model_copy(update=changes)

    @contextmanager
    def failing(self, problems: dict[str, str] | None = None, broken: str = ""):
        """Let every operation fail meanwhile."""
        self.problems, self.broken = problems or {}, broken
        try:
            yield
        finally:
            self.problems, self.broken = {}, ""

    def _shown(self, one: Incident) -> Incident:
        names = {f"{id}.{kind}" for id, kind in self.evidence_of}
        return one.model_copy(update={"evidence": evidence(one.id, names)})

    def _check(self) -> None:
        if self.problems:
            raise BackendUnavailable(f"{', '.join(self.problems)} does not answer")
        if self.broken:
            raise RuntimeError(self.broken)

    def _fits(self, wanted: Sequence[str], but: str | None) -> None:
        active = [job for job in self.held.values() if job.status in ACTIVE and job.id != but]
        watched = {stream.stream: job.id for job in active for stream in job.streams}
        for name in wanted:
            if name in watched:
                raise Conflict(f"the stream {name!r} is watched by the job {watched[name]} already")
        if len(watched) + len(wanted) > self.most_streams:
            raise Busy(f"{self.most_streams} streams may be watched, which is as many as there may be")


if __name__ == "__main__":
    from tests.serve.fake_server import main

    main()

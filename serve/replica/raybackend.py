"""The API's backend on Ray: it asks the supervisor, listens to the recorder, and reads the tables."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import pyarrow.fs as pafs

from actors.errors import StorageError
from actors.models.spec import ModelSpec
from actors.networks import Networks
from actors.storage import FAILURES, filesystem, located
from cluster.allowed import Forbidden, Sources, check, check_model
from cluster.calls import CALL_SECONDS, AwayError, call
from cluster.eventlog import Position
from cluster.job import JobSpec
from cluster.jobs import Job as Stored
from cluster.jobs import JobStore, Unfit, new
from cluster.recording import NAME as RECORDER
from cluster.supervisor import NAME
from cluster.watching import Watched
from serve.api.backend import BackendUnavailable, Conflict, Refused
from serve.api.covered import Coverage, CoverageQuery
from serve.api.cursor import pack, unpack
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
from serve.replica import states
from serve.replica.knownjobs import KnownJobs
from serve.replica.results import Results, feed_event
from serve.webhook.receiver import Receiver

LISTEN_SECONDS = 30.0
"""How long one question for new events may stay open."""

_JOBS_SECONDS = 3.0
_AT_ONCE = 500
_REMEMBERED = 10_000
_CHUNK = 256 << 10

T = TypeVar("T")


class RayBackend:
    """See :class:`serve.api.backend.Backend`."""

    def __init__(self, uri: str, sources: Sources) -> None:
        self._uri, self._sources = located(uri), sources
        self._results = Results(uri)
        ask = partial(self._call, NAME, "jobs", seconds=_JOBS_SECONDS)
        self._known_jobs = KnownJobs(ask, JobStore(uri).all).all
        self._reading = ThreadPoolExecutor(1, thread_name_prefix="sightline-results")
        self._opened: OrderedDict[str, Any] = OrderedDict()

    async def submit(self, spec: JobSpec, idempotency_key: str | None) -> Submitted:
        """See :class:`serve.api.backend.Backend`."""
        for index, stream in enumerate(spec.streams):
            try:
                await asyncio.to_thread(check, stream.source, self._sources)
            except Forbidden as error:
                raise Refused(str(error), f"/streams/{index}/source") from error
        for pointer, model in _models(spec):
            try:
                await asyncio.to_thread(check_model, model, self._sources)
            except Forbidden as error:
                raise Refused(str(error), pointer) from error
        told_from = Position(*await self._call(RECORDER, "newest"))
        try:
            if spec.webhook is not None:
                await Receiver(spec.webhook, Networks.parse(())).close()
        except ValueError as error:
            raise Refused(str(error), "/webhook") from error
        stored, created = await self._call(NAME, "submit", new(spec, idempotency_key, told_from))
        return Submitted(job=states.job(stored, await self._watched()), created=created)

    async def jobs(self, query: JobQuery) -> Page[Job]:
        """See :class:`serve.api.backend.Backend`."""
        watched = await self._watched()
        shown = [states.job(stored, watched) for stored in (await self._jobs()).values()]
        shown = sorted((j for j in shown if query.status in {None, j.status}), key=_job_key, reverse=True)
        if query.cursor is not None:
            last = unpack("jobs", query.cursor, float, str)
            shown = [job for job in shown if _job_key(job) < last]
        page, rest = shown[: query.limit], shown[query.limit :]
        return Page[Job](items=tuple(page), next=pack("jobs", _job_key(page[-1])) if rest else None)

    async def job(self, id: str) -> Job | None:
        """See :class:`serve.api.backend.Backend`."""
        stored = (await self._jobs()).get(id)
        return states.job(stored, await self._watched()) if stored else None

    async def change(self, id: str, change: Change) -> Job | None:
        """See :class:`serve.api.backend.Backend`."""
        stored = await self._call(NAME, "change", id, change.desired, change.tags)
        return states.job(stored, await self._watched()) if stored else None

    async def delete(self, id: str) -> bool:
        """See :class:`serve.api.backend.Backend`."""
        gone: bool = await self._call(NAME, "forget", id)
        return gone

    async def streams(self, query: StreamQuery) -> Page[StreamState]:
        """See :class:`serve.api.backend.Backend`."""
        watched, now = await self._watched(), time.time()
        found = [
            states.stream(stored, name, watched.get(name) if self._is_newest(jobs, stored, name) else None, now)
            for jobs in [await self._jobs()] for stored in jobs.values() for name in stored.streams
            if query.job in {None, stored.id} and (query.job or self._is_newest(jobs, stored, name))
        ]  # fmt: skip
        found = sorted((s for s in found if query.status in {None, s.status}), key=lambda s: (s.stream, s.job))
        if query.cursor is not None:
            last = unpack("streams", query.cursor, str, str)
            found = [state for state in found if (state.stream, state.job) > last]
        page, rest = found[: query.limit], found[query.limit :]
        end = pack("streams", (page[-1].stream, page[-1].job)) if rest else None
        return Page[StreamState](items=tuple(page), next=end)

    async def stream(self, name: str) -> StreamState | None:
        """See :class:`serve.api.backend.Backend`."""
        stored = _newest(await self._jobs(), name)
        return states.stream(stored, name, (await self._watched()).get(name), time.time()) if stored else None

    async def incidents(self, query: IncidentQuery) -> Page[Incident]:
        """See :class:`serve.api.backend.Backend`."""
        jobs = await self._known_jobs()
        return await self._read(lambda: self._results.incidents(query, partial(_job_of, jobs)))

    async def incident(self, id: str) -> Incident | None:
        """See :class:`serve.api.backend.Backend`."""
        jobs = await self._known_jobs()
        return await self._read(lambda: self._results.incident(id, partial(_job_of, jobs)))

    async def measurements(self, query: MeasurementQuery) -> Page[Measurement] | None:
        """See :class:`serve.api.backend.Backend`."""
        if _newest(await self._known_jobs(), query.stream) is None:
            return None
        return await self._read(lambda: self._results.measurements(query))

    async def coverage(self, query: CoverageQuery) -> Page[Coverage] | None:
        """See :class:`serve.api.backend.Backend`."""
        job = _job_of(await self._known_jobs(), query.stream)
        found = await self._read(lambda: self._results.coverage(query, job))
        return None if job is None and not found.items and query.cursor is None else found

    async def newest(self) -> EventId:
        """See :class:`serve.api.backend.Backend`."""
        position = Position(*await self._call(RECORDER, "newest"))
        return EventId(shard=0, version=max(position.commit, 0), row=max(position.place + 1, 0))

    async def events(self, after: EventId, query: FeedQuery) -> AsyncGenerator[FeedEvent, None]:
        """See :class:`serve.api.backend.Backend`."""
        end = Position(*await self._call(RECORDER, "newest"))
        at = Position(after.version, after.row - 1)
        if after.shard or at > end:
            at = Position(0, -1)
        while True:
            rows = await self._call(RECORDER, "events", at, LISTEN_SECONDS, _AT_ONCE, seconds=LISTEN_SECONDS + 10)
            if not rows:
                continue
            jobs, kept = await self._jobs(), await self._read(self._results.kept)
            for row in rows:
                at = Position(row["commit"], row["place"])
                self._remember(row)
                event = feed_event(row, partial(_job_of, jobs), self._opened, kept)
                if event is not None and _wanted(event, query):
                    yield event

    async def evidence(self, id: str, kind: EvidenceKind) -> AsyncIterator[bytes] | None:
        """See :class:`serve.api.backend.Backend`."""
        path, files = f"evidence/{id}.{kind}", filesystem(self._uri)

        def opened() -> Any:
            return files.open_input_stream(path) if files.get_file_info(path).type == pafs.FileType.File else None

        stream = await self._read(opened)
        return None if stream is None else _chunks(stream)

    async def ready(self) -> Ready:
        """See :class:`serve.api.backend.Backend`."""
        problems = {}
        for name, method in ((NAME, "health"), (RECORDER, "newest")):
            try:
                said = await asyncio.wait_for(self._call(name, method), 0.9)
            except (BackendUnavailable, TimeoutError):
                said = "does not answer"
            if isinstance(said, str) and said:
                problems[name] = said
        return Ready(problems=problems)

    def _remember(self, row: dict[str, Any]) -> None:
        if row["kind"] in ("opened", "marker"):
            self._opened[row["id"]] = row["recorded_at"]
            if len(self._opened) > _REMEMBERED:
                self._opened.popitem(last=False)

    @staticmethod
    def _is_newest(jobs: Mapping[str, Stored], stored: Stored, name: str) -> bool:
        newest = _newest(jobs, name)
        return newest is not None and newest.id == stored.id

    async def _jobs(self) -> dict[str, Stored]:
        found: dict[str, Stored] = await self._call(NAME, "jobs")
        return found

    async def _watched(self) -> dict[str, Watched]:
        found: dict[str, Watched] = await self._call(NAME, "watched")
        return found

    async def _read(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._reading, work)
        except (StorageError, *FAILURES) as error:
            raise BackendUnavailable("the results cannot be read") from error

    async def _call(self, actor: str, method: str, *arguments: object, seconds: float = CALL_SECONDS) -> Any:
        try:
            return await call(actor, method, *arguments, seconds=seconds)
        except Unfit as error:
            raise Conflict(str(error)) from error
        except StorageError as error:
            raise BackendUnavailable("the results cannot be written") from error
        except AwayError as error:
            raise BackendUnavailable(str(error)) from error


def _models(spec: JobSpec) -> Iterator[tuple[str, ModelSpec]]:
    """Users' models of a job, with where they stand."""
    for index, model in enumerate(spec.defaults.models or ()):
        yield f"/defaults/models/{index}", model
    for number, stream in enumerate(spec.streams):
        for index, model in enumerate(stream.models or ()):
            yield f"/streams/{number}/models/{index}", model


def _newest(jobs: Mapping[str, Stored], stream: str) -> Stored | None:
    having = [job for job in jobs.values() if stream in job.streams]
    return next((job for job in reversed(having) if stream in job.open), having[-1] if having else None)


def _job_of(jobs: Mapping[str, Stored], stream: str) -> str | None:
    newest = _newest(jobs, stream)
    return newest.id if newest else None


def _job_key(job: Job) -> tuple[float, str]:
    return job.created_at.timestamp(), job.id


def _wanted(event: FeedEvent, query: FeedQuery) -> bool:
    return (
        query.job in {None, event.job}
        and query.stream in {None, event.stream}
        and (not query.severity or event.incident.severity in query.severity)
    )


async def _chunks(stream: Any) -> AsyncGenerator[bytes, None]:
    try:
        while chunk := await asyncio.to_thread(stream.read, _CHUNK):
            yield chunk
    finally:
        await asyncio.to_thread(stream.close)

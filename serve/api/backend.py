"""What the HTTP API stands on. It reads no job and no table itself: a backend does, and only a backend knows Ray."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Protocol

from cluster.job import JobSpec
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


class BackendError(Exception):
    """An operation that was not done. Its text is shown to the user: no secrets and no internals in it."""


class Conflict(BackendError):
    """The state of things is against it (409)."""


class Refused(BackendError):
    """A spec that may not run here: a source outside the allowed roots and networks, say (422)."""

    def __init__(self, message: str, pointer: str = "") -> None:
        super().__init__(message)
        self.pointer = pointer
        """RFC 6901 pointer into the spec: ``/streams/0/source``."""


class BadCursor(BackendError):
    """A cursor that this API did not give for this list (422)."""


class Busy(BackendError):
    """As much is under way as there may be (429)."""

    def __init__(self, message: str, retry_after_seconds: int = 10) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class BackendUnavailable(BackendError):
    """A component does not answer: the supervisor, the tables (503). Nothing is known to be done."""

    def __init__(self, message: str, retry_after_seconds: int = 5) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class Backend(Protocol):
    """Jobs, streams and results. Every operation may raise :class:`BackendUnavailable`.

    Lists are paged by key, never by offset: what is added while a reader pages shifts nothing, so no item that was
    there at the start is lost or given twice. Cursors are made and read with :mod:`serve.api.cursor`. Specs come
    checked (``serve.api.checking``): the names of streams within a spec differ, and detectors and settings exist.
    """

    async def submit(self, spec: JobSpec, idempotency_key: str | None) -> Submitted:
        """Store a job durably; it runs from then on without the caller.

        The same key with the same spec gives the job that is there, in whatever state.

        Raises:
            Conflict: The key was used for another spec, or a job that is not finished has a stream of that name.
            Refused: A source may not be read from here.
            Busy: There are as many streams as there may be.
        """
        ...

    async def jobs(self, query: JobQuery) -> Page[Job]:
        """Jobs, newest first.

        Raises:
            BadCursor: The cursor is none of this list's.
        """
        ...

    async def job(self, id: str) -> Job | None:
        """One job, or None."""
        ...

    async def change(self, id: str, change: Change) -> Job | None:
        """Change what is desired of a job, and its tags; None where there is no such job.

        Raises:
            Conflict: A job that has completed cannot run again, or another job has one of its streams by now.
            Busy: There are as many streams as there may be.
        """
        ...

    async def delete(self, id: str) -> bool:
        """Stop a job and forget it; its results stay. False where there is no such job."""
        ...

    async def streams(self, query: StreamQuery) -> Page[StreamState]:
        """Streams by name.

        Raises:
            BadCursor: The cursor is none of this list's.
        """
        ...

    async def stream(self, name: str) -> StreamState | None:
        """One stream, or None."""
        ...

    async def incidents(self, query: IncidentQuery) -> Page[Incident]:
        """The newest revisions of incidents, newest incident first.

        Raises:
            BadCursor: The cursor is none of this list's.
        """
        ...

    async def incident(self, id: str) -> Incident | None:
        """The newest revision of one incident, or None."""
        ...

    async def measurements(self, query: MeasurementQuery) -> Page[Measurement] | None:
        """Measurements by track and row; None where there is no such stream.

        Raises:
            Refused: The table has no metric of that name; the pointer is ``/metric``.
            BadCursor: The cursor is none of this list's.
        """
        ...

    async def coverage(self, query: CoverageQuery) -> Page[Coverage] | None:
        """Coverage by track and start, neighbours of one state and reason joined; None where nothing is known of it.

        Raises:
            BadCursor: The cursor is none of this list's.
        """
        ...

    async def newest(self) -> EventId:
        """The place after the newest committed event; ``0.0.0`` where there is none."""
        ...

    def events(self, after: EventId, query: FeedQuery) -> AsyncGenerator[FeedEvent, None]:
        """Every committed event after a place, in the log's order: first what is there, then what is added.

        It never polls and never ends by itself; the reader closes it (``aclose``), and it then lets go of all it
        holds. A place beyond the newest event is of another log: everything is given, from the start.
        """
        ...

    async def evidence(self, id: str, kind: EvidenceKind) -> AsyncIterator[bytes] | None:
        """The packets (``mkv``) or the picture (``jpg``) kept of an incident, in chunks; None where there is none."""
        ...

    async def ready(self) -> Ready:
        """What is wrong, by component; answers within 2 s and raises nothing."""
        ...

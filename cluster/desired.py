"""What is wanted: the jobs, kept in memory as they lie in their store, and changed there first."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping

from actors.errors import StorageError
from cluster.jobs import Job, JobStore, Outcome, Unfit, Wish, changed, fit
from cluster.spent import Usage, after

log = logging.getLogger(__name__)


class Desired:
    """The jobs of a results URI. Safe for use by several threads; every change is durable on return."""

    def __init__(self, store: JobStore) -> None:
        """Read them.

        Raises:
            StorageError: They cannot be read.
        """
        self._store = store
        self._jobs = store.all()
        self._lock = threading.RLock()

    @classmethod
    def once_readable(cls, store: JobStore, every_seconds: float = 1.0) -> Desired:
        """Read them as soon as the storage answers: Ray gives up for good on an actor that fails as it begins."""
        while True:
            try:
                return cls(store)
            except StorageError as error:
                log.warning("waiting for the storage: %s", error)
            time.sleep(every_seconds)

    def all(self) -> dict[str, Job]:
        """Every job, by id, oldest first."""
        with self._lock:
            return dict(self._jobs)

    def of(self, stream: str) -> Job | None:
        """The newest job that wants a stream run, else the newest that has it."""
        having = [job for job in self.all().values() if stream in job.streams]
        return next((job for job in reversed(having) if stream in job.open), having[-1] if having else None)

    def submit(self, job: Job) -> tuple[Job, bool]:
        """Take a new job, unless there is one of its key already; gives the job, and whether it is new.

        Raises:
            Unfit: The key was used for another specification, or a stream is under watch already.
            StorageError: It cannot be stored.
        """
        with self._lock:
            before = next((old for old in self._jobs.values() if job.key and old.key == job.key), None)
            if before is not None and before.digest != job.digest:
                raise Unfit("this idempotency key was used for another job")
            if before is not None:
                return before, False
            fit(job, self._jobs.values())
            self._put(job)
            return job, True

    def change(self, job: str, desired: Wish | None, tags: Mapping[str, str | None] | None) -> Job | None:
        """Change a job (see :func:`cluster.jobs.changed`); None: there is none of that id.

        Raises:
            Unfit: It cannot be changed so.
            StorageError: It cannot be stored.
        """
        with self._lock:
            if job not in self._jobs:
                return None
            now = changed(self._jobs[job], desired, tags)
            fit(now, self._jobs.values())
            self._put(now)
            return now

    def conclude(self, job: str, stream: str, outcome: Outcome | None, usage: Usage) -> None:
        """Note how the work on a stream ended, and what it took; no outcome: it was stopped and may go on.

        Raises:
            StorageError: It cannot be stored.
        """
        with self._lock:
            old = self._jobs[job]
            outcomes = old.outcomes if outcome is None else {**old.outcomes, stream: outcome}
            spent = after(old.usage[stream], usage) if stream in old.usage else usage
            self._put(old.model_copy(update={"outcomes": outcomes, "usage": {**old.usage, stream: spent}}))

    def forget(self, job: str) -> bool:
        """Delete a job; its decoders end, its results stay. False: there is none of that id.

        Raises:
            StorageError: It cannot be deleted.
        """
        with self._lock:
            if job not in self._jobs:
                return False
            self._store.delete(job)
            del self._jobs[job]
            return True

    def _put(self, job: Job) -> None:
        self._store.put(job)
        self._jobs[job.id] = job

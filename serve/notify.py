"""The notifier as an actor: for every job with a webhook, committed events are carried from the log to its receiver."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Sequence

from actors.networks import Networks
from actors.storage import StorageError
from cluster.calls import AwayError, call
from cluster.jobs import Job
from cluster.recording import NAME as RECORDER
from cluster.supervisor import NAME as SUPERVISOR
from serve.outbox import Outbox, Position
from serve.receiver import Receiver
from serve.webhook import Notifier

NAME = "notifier"
LOOK_SECONDS = 1.0
"""Between two looks for new jobs."""
LISTEN_SECONDS = 5.0
"""How long one question for new events may stay open."""
_AT_ONCE = 200

log = logging.getLogger(__name__)


class NotifierActor:
    """Tells, from its start. What it has told lies in outboxes under the results URI: one that dies goes on there."""

    def __init__(self, uri: str, networks: Sequence[str] = ()) -> None:
        """Begin.

        Args:
            uri: The results.
            networks: Where receivers may be beside public addresses: ``private``, ``loopback``.
        """
        self._uri = uri
        self._networks = Networks.of({"public", *networks})
        self._told: dict[str, asyncio.Task[None]] = {}
        threading.Thread(target=lambda: asyncio.run(self._look()), name="sightline-notifier", daemon=True).start()

    def pid(self) -> int:
        """Its process, for those who watch it."""
        return os.getpid()

    async def _look(self) -> None:
        """Begin to tell for new jobs, and end for those that are gone."""
        while True:
            try:
                jobs: dict[str, Job] = await call(SUPERVISOR, "jobs")
                self._mend({id_: job for id_, job in jobs.items() if job.spec.webhook is not None})
            except (AwayError, StorageError) as error:
                log.warning("looking for jobs with webhooks: %s", error)
            await asyncio.sleep(LOOK_SECONDS)

    def _mend(self, hooked: dict[str, Job]) -> None:
        for id_, job in hooked.items():
            task = self._told.get(id_)
            if task is not None and task.done() and (error := task.exception()) is not None:
                log.warning("the webhook of job %s: %s; it is begun again", id_, type(error).__name__)
                task = None
            self._told[id_] = task or asyncio.create_task(self._tell(job))
        for id_ in set(self._told) - set(hooked):
            self._told.pop(id_).cancel()

    async def _tell(self, job: Job) -> None:
        """Carry a job's events to its receiver until the job has ended and all is told."""
        assert job.spec.webhook is not None
        outbox = await asyncio.to_thread(Outbox.load, self._uri, job.id, Position(*job.told_from))
        receiver = Receiver(job.spec.webhook, self._networks)
        async with Notifier(receiver, outbox, job.spec.webhook.severities) as notifier:
            at = outbox.read_after
            while True:
                ended = await self._has_ended(job)
                try:
                    asked = (tuple(at), LISTEN_SECONDS, _AT_ONCE)
                    rows = await call(RECORDER, "events", *asked, seconds=LISTEN_SECONDS + 10)
                except AwayError:
                    await asyncio.sleep(LOOK_SECONDS)
                    continue
                if rows:
                    at = Position(rows[-1]["commit"], rows[-1]["place"])
                    await notifier.push([row for row in rows if row["stream"] in job.streams], upto=at)
                elif ended:
                    await notifier.drained()
                    return

    async def _has_ended(self, job: Job) -> bool:
        """Whether none of a job's streams is run any more."""
        try:
            now = (await call(SUPERVISOR, "jobs")).get(job.id)
        except AwayError:
            return False
        return now is None or not now.open

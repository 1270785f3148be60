"""The notifier as an actor: for every job with a webhook, committed events are carried from the log to its receiver."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

from actors.errors import StorageError
from actors.networks import Networks
from actors.storage import located
from actors.tables import Table
from cluster.calls import AwayError, call
from cluster.job import Webhook
from cluster.jobs import Job
from cluster.recording import NAME as RECORDER
from cluster.supervisor import NAME as SUPERVISOR
from serve.webhook.cloudevent import Row
from serve.webhook.notifier import HOLD_SECONDS, Notifier
from serve.webhook.outbox import Outbox, Position
from serve.webhook.receiver import Receiver
from serve.webhook.retold import Judgement, Retold, Telling

NAME = "notifier"
LOOK_SECONDS = 1.0
"""Between two looks for new jobs."""
LISTEN_SECONDS = 5.0
"""How long one question for new events may stay open."""
LAST = Position(2**62, 0)
"""After every event: a job has told of all that lies before what it tells of now."""
_AT_ONCE = 200
_COLUMNS = (
    "stream", "run", "judgement", "id", "kind", "severity", "end", "explained_by", "commit", "place", "recorded_at",
)  # fmt: skip

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
            self._told[id_] = task or asyncio.create_task(tell(self._uri, self._networks, job))
        for id_ in set(self._told) - set(hooked):
            self._told.pop(id_).cancel()


async def tell(uri: str, networks: Networks, job: Job) -> None:
    """Carry a job's events to its receiver until the job has ended and all is told.

    Args:
        uri: The results.
        networks: Where the receiver may be beside public addresses.
        job: One with a webhook.

    Raises:
        StorageError: Its outbox or the events cannot be read.
    """
    hook = _hook(job)
    outbox = await asyncio.to_thread(Outbox.load, uri, job.id, Position(*job.told_from))
    retold = Retold(timedelta(seconds=HOLD_SECONDS))
    async with Notifier(Receiver(hook, networks), outbox, hook.severities, retold.is_news) as notifier:
        at, known = outbox.read_after, {job.id: job}
        while True:
            jobs = await _jobs()
            known = known if jobs is None else jobs
            try:
                rows = await call(RECORDER, "events", tuple(at), LISTEN_SECONDS, _AT_ONCE, seconds=LISTEN_SECONDS + 10)
            except AwayError:
                await asyncio.sleep(LOOK_SECONDS)
                continue
            if rows:
                at = Position(rows[-1]["commit"], rows[-1]["place"])
                mine = [row for row in rows if row["stream"] in job.streams]
                for judgement in retold.unknown(mine):
                    retold.learn(judgement, *await asyncio.to_thread(_told_before, uri, judgement, outbox, job, known))
                await notifier.push(mine, upto=at)
            elif jobs is not None and (job.id not in jobs or not jobs[job.id].open):
                await notifier.drained()
                return


async def _jobs() -> dict[str, Job] | None:
    """Every job by id; None where nobody says."""
    try:
        jobs: dict[str, Job] = await call(SUPERVISOR, "jobs")
    except AwayError:
        return None
    return jobs


def _hook(job: Job) -> Webhook:
    assert job.spec.webhook is not None
    return job.spec.webhook


def _told_before(
    uri: str, judgement: Judgement, outbox: Outbox, job: Job, jobs: Mapping[str, Job]
) -> tuple[list[Row], list[Telling]]:
    """Events of a stream's earlier judgements, and what a job's receiver was told, by that job and others."""
    where = [("stream", "=", judgement.stream), ("run", "=", judgement.run), ("judgement", "<", judgement.number)]
    found = Table(located(uri), "events").read(_COLUMNS, where).to_pylist()
    rows = [row for row in found if row["kind"] != "checkpoint"]
    rows.sort(key=lambda row: (row["commit"], row["place"]))
    tellings = [_telling(outbox, job, LAST)]
    for other in jobs.values():
        alike = other.spec.webhook is not None and other.spec.webhook.url == _hook(job).url
        if other.id != job.id and alike and judgement.stream in other.streams:
            its = Outbox.load(uri, other.id, Position(*other.told_from))
            if its.gone_at is None:
                tellings.append(_telling(its, other, its.position, its.pending))
    return rows, tellings


def _telling(outbox: Outbox, job: Job, upto: Position, pending: Collection[Position] = ()) -> Telling:
    given_up = (one.position for one in outbox.failed)
    return Telling(Position(*job.told_from), upto, _hook(job).severities, frozenset((*given_up, *pending)))

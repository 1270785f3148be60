"""Desired against actual, for ever: the actor that keeps every wanted stream under watch.

It remembers nothing that it cannot find again: what is wanted lies under the results URI, what runs has a name.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, RayActorError, RayError

from actors.detectors import DETECTORS
from actors.limits import Limits
from actors.remote import Order, Report
from actors.storage import StorageError
from actors.trust import Trust
from cluster import cell as cells
from cluster import recording
from cluster.bucketurl import NEEDED_THERE
from cluster.desired import Desired
from cluster.jobs import Job, JobStore, Outcome, Unfit, Wish
from cluster.places import Seat, cell_name
from cluster.reconcile import AddCell, Begin, End, RemoveCell, Step, Wanted, mend
from cluster.settings import Chunks, Placement, Supervision
from cluster.shape import Plan, plan
from cluster.spent import Usage

NAME = "supervisor"

log = logging.getLogger(__name__)


@dataclass
class Watched:
    """What this process has seen of a stream: its newest report, since when it does not answer, what it waits for."""

    report: Report | None = None
    silent_since: float | None = None
    restarts: int = 0
    not_before: float = 0.0
    cell: str | None = None
    waits: str = ""
    pids: set[int] = field(default_factory=set)


class Supervisor:
    """Looks, mends, and answers for the jobs."""

    def __init__(
        self, uri: str, trust: Trust, placement: Placement | None = None, supervision: Supervision | None = None,
        chunks: Chunks | None = None,
    ) -> None:  # fmt: skip
        """Begin with what there is.

        Args:
            uri: The results, under which the jobs lie.
            trust: What may be read for those who submit jobs.
            placement: Sizes of cells; from the environment if None.
            supervision: How to watch; from the environment if None.
            chunks: What the shape ``staged`` needs; from the environment if None.
        """
        self._uri, self._trust = uri, trust
        self._placement, self._rules = placement or Placement(), supervision or Supervision()
        self._chunks = chunks or Chunks()
        self._desired = Desired(JobStore(uri))
        self._watched: dict[str, Watched] = {}
        self._idle: dict[str, float] = {}
        self._tidied = time.monotonic()
        self.trouble = ""
        threading.Thread(target=self._run, name="sightline-supervisor", daemon=True).start()

    def submit(self, job: Job) -> tuple[Job, bool]:
        """See :meth:`cluster.desired.Desired.submit`; a job of the shape ``staged`` is unfit without a bucket."""
        if job.spec.shape == "staged" and self._chunks.bucket is None:
            raise Unfit(NEEDED_THERE)
        return self._desired.submit(job)

    def change(self, job: str, desired: Wish | None, tags: Mapping[str, str | None] | None) -> Job | None:
        """See :meth:`cluster.desired.Desired.change`."""
        return self._desired.change(job, desired, tags)

    def forget(self, job: str) -> bool:
        """See :meth:`cluster.desired.Desired.forget`."""
        return self._desired.forget(job)

    def jobs(self) -> dict[str, Job]:
        """Every job, by id, oldest first."""
        return self._desired.all()

    def watched(self) -> dict[str, Watched]:
        """What is known of the streams that run or ran since this process began."""
        return dict(self._watched)

    def health(self) -> str:
        """What is wrong, in one line; empty if nothing is."""
        return self.trouble

    def trust(self) -> Trust:
        """What may be read for those who submit jobs."""
        return self._trust

    def pid(self) -> int:
        """Its process, for those who watch it."""
        return os.getpid()

    def _run(self) -> None:
        while True:
            began = time.monotonic()
            try:
                self._look()
                self.trouble = ""
            except (RayError, StorageError, ValueError, OSError) as error:
                self.trouble = f"{type(error).__name__}: {error}".splitlines()[0]
                log.exception("a look failed; the next one goes on")
            time.sleep(max(0.0, self._rules.look_seconds - (time.monotonic() - began)))

    def _look(self) -> None:
        """One round: see what runs, note what ended, and mend the difference."""
        recording.begin(self._uri)
        seats = cells.seats()
        self._poll(seats)
        there = cells.cells(self._placement.decoder_cpus)
        now = time.monotonic()
        occupied = {seat.cell for seat in seats}
        self._idle = {c.name: self._idle.get(c.name, now) for c in there if c.name not in occupied}
        idle = [name for name, since in self._idle.items() if now - since > self._rules.idle_seconds]
        wanted = self._wanted()
        for step in mend(wanted, seats, there, now, idle):
            self._take(step)
        self._tell_who_waits(wanted)
        self._tidy(now)

    def _wanted(self) -> list[Wanted]:
        auto = self._plan("auto").shape
        return [
            Wanted(name, auto if shape == "auto" else shape, self._watched.get(name, Watched()).not_before)
            for job in self._desired.all().values() for shape in [job.spec.shape] for name in job.open
        ]  # fmt: skip

    def _tell_who_waits(self, wanted: list[Wanted]) -> None:
        """Say of streams that there are too few nodes for their shape."""
        needed = {shape: self._plan(shape).nodes for shape in {one.shape for one in wanted}}
        there = cells.nodes() if max(needed.values(), default=1) > 1 else 1
        for one in wanted:
            short = f"{one.shape} needs {needed[one.shape]} nodes; there {'is' if there == 1 else 'are'} {there}"
            watched = self._watched.setdefault(one.stream, Watched())
            watched.waits = short if there < needed[one.shape] else ""

    def _plan(self, shape: Any) -> Plan:
        return plan(shape, self._placement, ray.cluster_resources().get("GPU", 0.0))  # type: ignore[no-untyped-call]

    def _take(self, step: Step) -> None:
        match step:
            case AddCell(shape, number):
                cells.create(cell_name(shape, number), self._plan(shape))
            case RemoveCell(cell):
                cells.remove(cell)
            case Begin(seat):
                self._begin(seat)
            case End(seat):
                self._end(seat)

    def _begin(self, seat: Seat) -> None:
        job = self._desired.of(seat.stream)
        if job is None:
            return
        spec = job.streams[seat.stream]
        limits = Limits() if spec.max_lag_seconds is None else Limits(max_lag_seconds=spec.max_lag_seconds)
        order = Order(
            seat.stream, spec.source, spec.detectors or tuple(DETECTORS), spec.settings, self._trust, evidence=True,
            limits=limits, models=spec.models or (),
        )  # fmt: skip
        watched = self._watched.setdefault(seat.stream, Watched())
        watched.cell, watched.report, watched.silent_since = seat.cell, None, None
        cells.begin(seat, self._plan(seat.cell.split("/")[1]), order, self._uri, self._chunks)

    def _end(self, seat: Seat) -> None:
        """Ask a decoder that is not wanted to stop, so that it closes what is open; kill it if it does not."""
        decoder = cells.handle(seat.name)
        if decoder is None:
            return
        watched = self._watched.setdefault(seat.stream, Watched())
        if watched.silent_since is None:
            watched.silent_since = time.monotonic()
        if time.monotonic() - watched.silent_since > self._rules.answer_seconds:
            cells.end(seat.name)
            return
        decoder.stop.remote()

    def _poll(self, seats: list[Seat]) -> None:
        """Ask every decoder how it stands, all at once."""
        asked = {seat: decoder.report.remote() for seat in seats if (decoder := cells.handle(seat.name)) is not None}
        if not asked:
            return
        ready, _ = ray.wait(list(asked.values()), num_returns=len(asked), timeout=self._rules.answer_seconds / 4)
        known = set(ready)
        for seat, answer in asked.items():
            try:
                report: Report | None = ray.get(answer, timeout=1.0) if answer in known else None
            except RayActorError as error:
                self._crashed(seat, error)
                continue
            except GetTimeoutError:
                report = None
            self._heard(seat, report)

    def _heard(self, seat: Seat, report: Report | None) -> None:
        watched = self._watched.setdefault(seat.stream, Watched(cell=seat.cell))
        if report is None:
            watched.silent_since = watched.silent_since or time.monotonic()
            if time.monotonic() - watched.silent_since > self._rules.answer_seconds:
                log.warning("%s: its decoder does not answer and is started again", seat.stream)
                cells.end(seat.name)
                self._again(watched)
            return
        job = self._desired.of(seat.stream)
        if job is not None and seat.stream in job.open:
            watched.silent_since = None
        watched.report = report
        watched.pids.add(report.pid)
        if report.outcome:
            self._ended(seat, watched, report)

    def _ended(self, seat: Seat, watched: Watched, report: Report) -> None:
        """A decoder's work is over: note how, and free its seat."""
        job = self._desired.of(seat.stream)
        if report.outcome in ("broken", "fenced"):
            log.warning("%s: %s: %s", seat.stream, report.outcome, report.error)
            self._again(watched)
        elif job is not None and report.document is not None and watched.cell is not None:
            status = "quarantined" if report.outcome == "quarantined" else report.document["status"]
            outcome = Outcome(status=status, error=report.document.get("error")) if seat.stream in job.open else None
            usage = Usage.model_validate(report.document["usage"])
            self._desired.conclude(job.id, seat.stream, outcome, usage)
        watched.cell = None
        cells.end(seat.name)

    def _crashed(self, seat: Seat, error: Exception) -> None:
        watched = self._watched.setdefault(seat.stream, Watched(cell=seat.cell))
        cells.end(seat.name)
        if watched.cell is None:
            return  # counted already; its name lingers
        log.warning("%s: its decoder died: %s", seat.stream, str(error).splitlines()[0])
        watched.cell = watched.report = None
        self._again(watched)

    def _again(self, watched: Watched) -> None:
        """Count a restart. The first is at once; those that follow within a minute wait longer each time."""
        now = time.monotonic()
        recent = now - watched.not_before < 60.0 if watched.restarts else False
        wait = min(self._rules.backoff_seconds * 2 ** min(watched.restarts, 6), 30.0) if recent else 0.0
        watched.restarts += 1
        watched.not_before = now + wait

    def _tidy(self, now: float) -> None:
        if now - self._tidied < self._rules.tidy_seconds:
            return
        self._tidied = now
        jobs = self._desired.all().values()
        streams = {name: spec.source for job in jobs for name, spec in job.streams.items()}
        recording.begin(self._uri).tidy.remote(streams)

"""Desired against actual, for ever: the actor that keeps every wanted stream under watch.

It remembers nothing that it cannot find again: what is wanted lies under the results URI, what runs has a name.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Mapping
from typing import get_args

import ray
from ray.exceptions import RayError

from actors.detectors import DETECTORS
from actors.errors import StorageError
from actors.hosted import Order
from actors.limits import Limits
from actors.trust import Trust
from cluster import cell as cells
from cluster import recording
from cluster.bucketurl import NEEDED_THERE
from cluster.clones import settled
from cluster.desired import Desired
from cluster.jobs import Job, JobStore, Unfit, Wish
from cluster.places import Seat, cell_name
from cluster.prices import load
from cluster.reconcile import AddCell, Begin, End, Leave, RemoveCell, Step, Wanted, mend
from cluster.settings import Chunks, Placement, Supervision
from cluster.shape import Placed, Plan, Shape, placed, plan
from cluster.sizing import Sizing
from cluster.subsets import TooSmall
from cluster.watching import Watch, Watched
from cluster.whole import ROOM_SECONDS, Whole

NAME = "supervisor"

log = logging.getLogger(__name__)


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
        self._placement = settled(placement or Placement(), load())
        self._rules = supervision or Supervision()
        self._chunks = chunks or Chunks()
        self._desired = Desired.once_readable(JobStore(uri))
        self._idle: dict[str, float] = {}
        self._sizing = Sizing(self._placement)
        self._watch = Watch(self._desired, self._rules, self._sizing)
        self._whole = Whole(self._rules)
        self._tidied = time.monotonic()
        self.trouble = ""
        threading.Thread(target=self._run, name="sightline-supervisor", daemon=True).start()

    def submit(self, job: Job) -> tuple[Job, bool]:
        """See :meth:`cluster.desired.Desired.submit`.

        A job of the shape ``staged`` is unfit without a bucket, and one whose meters no node can hold.
        """
        if job.spec.shape == "staged" and self._chunks.bucket is None:
            raise Unfit(NEEDED_THERE)
        try:
            self._plan(job.spec.shape)
        except TooSmall as error:
            raise Unfit(str(error)) from error
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
        return dict(self._watch.streams)

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
        plans, unfit = self._plans()
        beside = plans["colocated"].beside if "colocated" in plans else 0.0
        there = cells.cells(self._placement.decoder_cpus, beside)
        stuck = self._whole.look(there, plans, time.monotonic())
        decoders = cells.decoders()
        seats, known = self._watch.poll(decoders, stuck)
        stuck |= self._watch.duds([cell.name for cell in there])
        now = time.monotonic()
        occupied = {decoder.cell for decoder in decoders}
        self._idle = {c.name: self._idle.get(c.name, now) for c in there if c.name not in occupied}
        cramped = self._whole.longest_wait(now) > ROOM_SECONDS
        patience = 0.0 if cramped else self._rules.idle_seconds
        idle = [name for name, since in self._idle.items() if now - since > patience]
        wanted = self._wanted()
        shut = set(decoders) - {seat.decoder for seat in seats}
        for step in mend(
            [one for one in wanted if one.shape in plans], seats, there, now, idle, stuck,
            together=self._placement.streams_per_actor, shut=shut, leaving=cells.leaving(),
        ):  # fmt: skip
            if known or not isinstance(step, Begin):
                self._take(step)
        self._tell_who_waits(wanted, plans, unfit)
        self._tell_what_is_taken({cell.name: cell.decoder_cpus for cell in there})
        self._tidy(now)

    def _wanted(self) -> list[Wanted]:
        gpus = self._gpus()
        return [
            Wanted(name, placed(job.spec.shape, gpus), watched.not_before, watched.apart)
            for job in self._desired.all().values() for name in job.open for watched in [self._watch.of(name)]
        ]  # fmt: skip

    def _plans(self) -> tuple[dict[Placed, Plan], dict[Placed, str]]:
        """The plan of each shape, or why no node can hold it: jobs may be older than the settings."""
        plans: dict[Placed, Plan] = {}
        unfit: dict[Placed, str] = {}
        for shape in get_args(Placed):
            try:
                plans[shape] = self._plan(shape)
            except TooSmall as error:
                unfit[shape] = str(error)
        return plans, unfit

    def _tell_who_waits(
        self, wanted: list[Wanted], plans: Mapping[Placed, Plan], unfit: Mapping[Placed, str]
    ) -> None:  # fmt: skip
        """Say of streams that there are too few nodes for their shape, or that no node can hold its meters."""
        needed = {one.shape: plans[one.shape].nodes for one in wanted if one.shape in plans}
        there = len(cells.nodes()) if max(needed.values(), default=1) > 1 else 1
        for one in wanted:
            least = needed.get(one.shape, 0)
            short = f"{one.shape} needs {least} nodes; there {'is' if there == 1 else 'are'} {there}"
            self._watch.of(one.stream).waits = unfit.get(one.shape, short if there < least else "")

    def _tell_what_is_taken(self, reserved: Mapping[str, float]) -> None:
        """Say of streams what is reserved for them (here by cell) and what they take, and log which take more."""
        sitting = {name: seen.cell for name, seen in self._watch.streams.items() if seen.cell is not None}
        mine = {name: reserved[cell] for name, cell in sitting.items() if cell in reserved}
        for name, cpus in mine.items():
            self._watch.streams[name].processors = self._sizing.of(name, cpus)
        for line in self._sizing.beyond(mine):
            log.warning("%s", line)

    def _plan(self, shape: Shape) -> Plan:
        return plan(shape, self._placement, self._gpus())

    def _gpus(self) -> float:
        gpus: float = ray.cluster_resources().get("GPU", 0.0)  # type: ignore[no-untyped-call]
        return gpus

    def _take(self, step: Step) -> None:
        match step:
            case AddCell(shape, number):
                cells.create(cell_name(shape, number), self._sizing.plan(self._plan(shape), cells.nodes()))
            case RemoveCell(cell):
                cells.remove(cell)
            case Begin(seat):
                self._begin(seat)
            case End(seat):
                self._end(seat)
            case Leave(decoder):
                log.info("%s: its node is to go, and its streams have seats elsewhere", decoder.name)
                cells.end(decoder.name)

    def _begin(self, seat: Seat) -> None:
        job = self._desired.of(seat.stream)
        if job is None:
            return
        spec = job.streams[seat.stream]
        limits = Limits() if spec.max_lag_seconds is None else Limits(max_lag_seconds=spec.max_lag_seconds)
        order = Order(
            seat.stream, spec.source, spec.detectors or tuple(DETECTORS), spec.settings, self._trust, evidence=True,
            limits=limits, apart=seat.apart or self._placement.streams_per_actor == 1, models=spec.models or (),
        )  # fmt: skip
        watched = self._watch.of(seat.stream)
        watched.seat, watched.report, watched.ending_since = seat, None, None
        cells.begin(seat, self._plan(seat.shape), order, self._uri, self._chunks, self._rules.lease_seconds)

    def _end(self, seat: Seat) -> None:
        """Ask a stream that is not wanted to stop, so that it closes what is open; kill its decoder if it does not."""
        watched = self._watch.of(seat.stream)
        watched.ending_since = watched.ending_since or time.monotonic()
        if time.monotonic() - watched.ending_since > self._rules.answer_seconds:
            cells.end(seat.decoder.name)
        elif (decoder := cells.handle(seat.decoder.name)) is not None:
            decoder.stop.remote(seat.stream)

    def _tidy(self, now: float) -> None:
        if now - self._tidied < self._rules.tidy_seconds:
            return
        self._tidied = now
        jobs = self._desired.all().values()
        streams = {name: spec.source for job in jobs for name, spec in job.streams.items()}
        recording.begin(self._uri).tidy.remote(streams)

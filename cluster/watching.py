"""What is seen of the streams that run: their decoders are asked, and restarts of those that end badly counted."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field

import ray
from ray.exceptions import GetTimeoutError, RayActorError

from actors.remote import Report
from cluster import cell as cells
from cluster.desired import Desired
from cluster.jobs import Outcome
from cluster.places import Seat
from cluster.settings import Supervision
from cluster.sizing import Sizing
from cluster.spent import Processors, Usage

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
    processors: Processors | None = None
    pids: set[int] = field(default_factory=set)


class Watch:
    """Asks decoders how they stand, and notes how they ended. What streams burn goes on to who sizes cells.

    ``streams``: what is known of those that run or ran since it began.
    """

    def __init__(self, desired: Desired, rules: Supervision, sizing: Sizing) -> None:
        """Begin with nothing seen.

        Args:
            desired: The jobs; how streams ended is noted there.
            rules: How to watch.
            sizing: Is told what streams burn.
        """
        self._desired, self._rules, self._sizing = desired, rules, sizing
        self.streams: dict[str, Watched] = {}

    def of(self, stream: str) -> Watched:
        """What is known of a stream."""
        return self.streams.setdefault(stream, Watched())

    def poll(self, seats: list[Seat]) -> None:
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
        watched = self.streams.setdefault(seat.stream, Watched(cell=seat.cell))
        if report is None:
            watched.silent_since = watched.silent_since or time.monotonic()
            if time.monotonic() - watched.silent_since > self._rules.answer_seconds:
                log.warning("%s: its decoder does not answer and is started again", seat.stream)
                cells.end(seat.name)
                watched.cell = None
                self._again(watched)
            return
        job = self._desired.of(seat.stream)
        if job is not None and seat.stream in job.open:
            watched.silent_since = None
        watched.report = report
        watched.pids.add(report.pid)
        if report.burnt is not None:
            self._sizing.note(seat.stream, seat.shape, report.burnt, live=report.live)
        if report.outcome:
            self._ended(seat, watched, report)

    def miss(self, seats: list[Seat]) -> None:
        """Count decoders that are gone with their names, as those of a lost node are, unless their end was noted."""
        names = {seat.stream for seat in seats}
        for stream, watched in self.streams.items():
            if watched.cell is not None and stream not in names:
                log.warning("%s: its decoder is gone", stream)
                watched.cell = watched.report = None
                self._again(watched)

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
        watched = self.streams.setdefault(seat.stream, Watched(cell=seat.cell))
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

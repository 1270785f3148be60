"""What is seen of the streams that run: each look asks their decoders, and notes who has come, gone or died."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from actors.hosted import Report
from cluster import cell as cells
from cluster.desired import Desired
from cluster.jobs import Outcome
from cluster.places import Decoder, Seat
from cluster.settings import Supervision
from cluster.sizing import Sizing
from cluster.spent import Processors, Usage

DUD_STARTS = 5
"""For how many times the time that a decoder has to begin nobody is put where one has not."""

log = logging.getLogger(__name__)


@dataclass
class Watched:
    """What this process has seen of a stream: its newest report, where it sits, what it waits for.

    ``ending_since``: when it was asked to end. ``apart``: it is to be decoded with nobody beside it.
    """

    report: Report | None = None
    ending_since: float | None = None
    restarts: int = 0
    not_before: float = 0.0
    seat: Seat | None = None
    apart: bool = False
    waits: str = ""
    processors: Processors | None = None
    pids: set[int] = field(default_factory=set)

    @property
    def cell(self) -> str | None:
        """The cell that it sits in."""
        return self.seat.cell if self.seat else None


class Watch:
    """Keeps under watch what decoders say. Nothing of it is needed by another that begins: it asks them, too.

    What streams burn goes on to who sizes cells. ``streams``: what is known of those that run or ran since it began.
    """

    def __init__(self, desired: Desired, rules: Supervision, sizing: Sizing) -> None:
        """Begin with nothing seen.

        Args:
            desired: The jobs; how streams end is noted there.
            rules: How to watch.
            sizing: Is told what streams burn.
        """
        self._desired, self._rules, self._sizing = desired, rules, sizing
        self._silent: dict[Decoder, float] = {}
        self._up: set[Decoder] = set()
        self._over: set[Decoder] = set()
        self._duds: dict[str, float] = {}
        self.streams: dict[str, Watched] = {}

    def of(self, stream: str) -> Watched:
        """What is known of a stream."""
        return self.streams.setdefault(stream, Watched())

    def poll(self, decoders: Sequence[Decoder], lost: Collection[str] = ()) -> tuple[list[Seat], bool]:
        """See where streams sit, and note how they stand; tells, too, whether that is known of all decoders.

        Args:
            decoders: All that there are.
            lost: Cells without a place: what has not begun there will not.
        """
        seats, known = [], True
        self._over &= set(decoders)
        answers = cells.ask([one for one in decoders if one not in self._over], self._rules.answer_seconds / 15)
        self._silent = {one: since for one, since in self._silent.items() if answers.get(one, []) is None}
        self._up &= set(answers)
        for decoder, answer in answers.items():
            if isinstance(answer, list):
                self._up.add(decoder)
                seats += self._heard(decoder, answer)
            elif answer is not None:
                self._crashed(decoder, str(answer).splitlines()[0])
            else:
                here = self._unheard(decoder, decoder.cell in lost)
                seats, known = seats + here, known and bool(here)
        for gone in {watched.seat.decoder for watched in self.streams.values() if watched.seat} - set(answers):
            self._crashed(gone, "it is gone")
        return seats, known

    def duds(self, cells: Collection[str]) -> set[str]:
        """Of the cells that there are, those in which a decoder has not begun in time; another may fare no better.

        Where the head is lost while it leases a process, Ray's node keeps what the process was to have, for ever. Where
        the node was only slow, another has its try after a while.
        """
        since = time.monotonic() - DUD_STARTS * self._rules.start_seconds
        self._duds = {cell: at for cell, at in self._duds.items() if cell in cells and at > since}
        return set(self._duds)

    def _unheard(self, decoder: Decoder, lost: bool) -> list[Seat]:
        """A decoder does not answer: those that sat in it still do, until it has had its time."""
        patience = self._rules.answer_seconds if decoder in self._up else self._rules.start_seconds
        here = [watched for watched in self.streams.values() if watched.seat and watched.seat.decoder == decoder]
        if time.monotonic() - self._silent.setdefault(decoder, time.monotonic()) > patience:
            if decoder not in self._up:
                self._duds[decoder.cell] = time.monotonic()
            self._crashed(decoder, "it does not answer and is ended")
        elif lost and here and not any(watched.report for watched in here):
            self._crashed(decoder, "it has not begun, and its node is lost")
        return [w.seat for w in self.streams.values() if w.seat and w.seat.decoder == decoder]

    def _heard(self, decoder: Decoder, reports: Sequence[Report]) -> list[Seat]:
        """A decoder answers: note how its streams stand, and end it once none is left. Gives their seats."""
        seats = []
        for report in reports:
            seat = Seat(decoder.cell, decoder.slot, report.stream, report.apart)
            watched = self.of(report.stream)
            if watched.seat is None or watched.seat.decoder == decoder:
                self._noted(watched, seat, report)
            if report.outcome:
                cells.leave(seat)
            else:
                seats.append(seat)
        here = {seat.stream for seat in seats}
        for stream, watched in self.streams.items():
            if watched.seat is not None and watched.seat.decoder == decoder and stream not in here:
                self._died(stream, watched, "it has not begun")
        if not seats:
            self._up.discard(decoder)
            cells.end(decoder.name)
        return seats

    def _noted(self, watched: Watched, seat: Seat, report: Report) -> None:
        job = self._desired.of(seat.stream)
        if job is not None and seat.stream in job.open:
            watched.ending_since = None
        watched.seat, watched.report, watched.apart = seat, report, report.apart
        watched.pids.add(report.pid)
        if report.burnt is not None:
            self._sizing.note(seat.stream, seat.shape, report.burnt, live=report.live)
        if report.outcome:
            self._ended(seat, watched, report)

    def _ended(self, seat: Seat, watched: Watched, report: Report) -> None:
        """The work on a stream is over: note how, and free its seat."""
        job = self._desired.of(seat.stream)
        if report.outcome in ("broken", "fenced"):
            log.warning("%s: %s: %s", seat.stream, report.outcome, report.error)
            self._again(watched)
        elif report.outcome == "apart":
            log.warning("%s: its decoder died twice: it goes on with nobody beside it", seat.stream)
        elif job is not None and report.document is not None:
            status = "quarantined" if report.outcome == "quarantined" else report.document["status"]
            outcome = Outcome(status=status, error=report.document.get("error")) if seat.stream in job.open else None
            usage = Usage.model_validate(report.document["usage"])
            self._desired.conclude(job.id, seat.stream, outcome, usage)
            watched.apart = False
        watched.seat = None

    def _crashed(self, decoder: Decoder, why: str) -> None:
        """A decoder is dead or is to be; all that were in it go on elsewhere."""
        self._up.discard(decoder)
        self._over.add(decoder)
        cells.end(decoder.name)
        for stream, watched in self.streams.items():
            if watched.seat is not None and watched.seat.decoder == decoder:
                self._died(stream, watched, why)

    def _died(self, stream: str, watched: Watched, why: str) -> None:
        log.warning("%s: its decoder died: %s", stream, why)
        watched.seat = watched.report = None
        self._again(watched)

    def _again(self, watched: Watched) -> None:
        """Count a restart. The first is at once; those that follow within a minute wait longer each time."""
        now = time.monotonic()
        recent = now - watched.not_before < 60.0 if watched.restarts else False
        wait = min(self._rules.backoff_seconds * 2 ** min(watched.restarts, 6), 30.0) if recent else 0.0
        watched.restarts += 1
        watched.not_before = now + wait

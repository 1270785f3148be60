"""Where calls of many streams meet one meter: those that wait together are measured in one pass."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field

from actors.joining import Waiting, together
from actors.measure import Rows
from actors.measure.picture import PictureMeter
from actors.measuring import measure_videos
from actors.media import Batch


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows of a batch. ``cpu_seconds``: its part, by pictures, of what the process has burnt since the pass before.

    ``all_seconds``: what the process had burnt by then in its whole life.
    """

    rows: Rows
    cpu_seconds: float
    all_seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class _Call:
    batch: Batch
    wanted: frozenset[str]
    answer: Future[Answer] = field(default_factory=Future)

    @property
    def waiting(self) -> Waiting:
        size = sum(plane.nbytes for frame in self.batch.frames for plane in frame.planes)
        return Waiting((self.batch.format, self.wanted), size)


class Desk:
    """Takes calls from several threads, and makes one pass at a time over all that wait and go together.

    With one thread nothing ever waits, and each call is a pass of its own. ``passes``: made so far.
    """

    def __init__(self, meter: PictureMeter) -> None:
        """Begin.

        Args:
            meter: What measures.
        """
        self._meter = meter
        self._turn, self._lock = threading.Lock(), threading.Lock()
        self._waiting: list[_Call] = []
        self._burnt = time.process_time()
        self.passes = 0

    def measure(self, batch: Batch, wanted: frozenset[str]) -> Answer:
        """Measure a batch, perhaps with others; the rows are those that it gives alone.

        Raises:
            ValueError: See :meth:`actors.measure.picture.PictureMeter.measure`.
        """
        mine = _Call(batch, wanted)
        with self._lock:
            self._waiting.append(mine)
        while not mine.answer.done():
            with self._turn:
                if not mine.answer.done():
                    self._pass()
        return mine.answer.result()

    def _pass(self) -> None:
        with self._lock:
            taken = [self._waiting[place] for place in together([call.waiting for call in self._waiting])]
            self._waiting = [call for call in self._waiting if call not in taken]
        self.passes += 1
        batches, wanted = [call.batch for call in taken], taken[0].wanted
        try:
            rows = measure_videos(self._meter, batches, wanted)
        except Exception as error:  # noqa: BLE001 - each that is at fault raises it again
            self._apart(taken, error)
        else:
            self._give(taken, rows)

    def _apart(self, taken: list[_Call], error: Exception) -> None:
        """After a pass that failed: whose fault it is shows when each is measured alone."""
        if len(taken) == 1:
            taken[0].answer.set_exception(error)
            return
        for call in taken:
            try:
                rows = measure_videos(self._meter, [call.batch], call.wanted)
            except Exception as own:  # noqa: BLE001 - raised again where it was called
                call.answer.set_exception(own)
            else:
                self._give([call], rows)

    def _give(self, taken: list[_Call], rows: list[Rows]) -> None:
        before, self._burnt = self._burnt, time.process_time()
        pictures = sum(len(call.batch.frames) for call in taken)
        for call, own in zip(taken, rows, strict=True):
            part = (self._burnt - before) * len(call.batch.frames) / pictures
            call.answer.set_result(Answer(own, part, self._burnt))

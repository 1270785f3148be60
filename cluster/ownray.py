"""``analyze`` in a shape that needs Ray: one of its own, which lives as long as the analysis.

What the shape spreads over nodes is spread over nodes on this machine, each with an object store of its own.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from actors import document
from actors.document import Document
from actors.pipeline import Progress
from cluster import loopback, nodes
from cluster.places import Seat, cell_name
from cluster.settings import Chunks, Supervision
from cluster.shape import Placed, Plan
from cluster.sources import UsageError, is_live
from cluster.worker import TAKEN_OVER

if TYPE_CHECKING:
    from actors.hosted import Order, Report
    from cluster.job import Analysis
    from cluster.local import ProgressOf

_LOOK_SECONDS = 0.05
_GONE_SECONDS = 10.0
"""In which a name is free again of which the actor is dead."""
_PROCESSORS = 0.01
"""Asked for each actor: on a Ray of its own nobody else is to be kept away."""
_IDLE = "RAY_idle_worker_killing_time_threshold_ms"
"""After a second, Ray would end processes that wait for a task of `staged`, and start others for the next chunk."""
_STORE_BYTES, _STORE_BYTES_EACH = 256 << 20, 128 << 20


def run(
    shape: Placed, streams: Mapping[str, str], detectors: tuple[str, ...], wanted: Analysis, on_progress: ProgressOf,
    stop: Event | None,
) -> Iterator[Document]:  # fmt: skip
    """Analyse streams (sources by name) in a shape, and give each one's document as it is finished.

    ``wanted.jobs`` at a time, beside those that are known to be live; ``stop`` ends live ones as if they were over.

    Raises:
        KeyboardInterrupt: ``stop`` was set before every file was done.
        UsageError: This process uses Ray for something else.
    """
    listed = sorted(streams, key=lambda name: not is_live(streams[name]))
    jobs = min(wanted.jobs + sum(map(is_live, streams.values())), len(streams))
    plan = Plan(shape, jobs, _PROCESSORS) if shape == "staged" else Plan(shape, jobs, _PROCESSORS, 1, _PROCESSORS)
    with _ray(plan):
        from actors.hosted import Order

        orders = deque(
            Order(
                name, streams[name], detectors, wanted.settings, None, wanted.fresh, models=wanted.models, apart=True
            )
            for name in listed
        )  # fmt: skip
        yield from _Table(wanted.results, plan, wanted.chunks(), on_progress, stop).serve(orders)


@contextmanager
def _ray(plan: Plan) -> Iterator[None]:
    if "ray" in sys.modules:
        what = f"--shape {plan.shape} starts a Ray of its own"
        raise UsageError(f"{what}; here one is imported already: submit a job to it")
    with tempfile.TemporaryDirectory(prefix="sl", ignore_cleanup_errors=True) as folder:
        token = Path(folder, "token")
        loopback.write_token(token)
        loopback.prepare(token)
        os.environ[_IDLE] = "60000"
        with nodes.started(plan.nodes, folder, _STORE_BYTES + plan.decoders * _STORE_BYTES_EACH):
            yield


class _Table:
    """A cell of as many seats as streams are analysed at a time."""

    def __init__(
        self, uri: str, plan: Plan, chunks: Chunks, on_progress: ProgressOf, stop: Event | None
    ) -> None:  # fmt: skip
        from cluster import cell, recording

        self._cells, self._uri, self._on_progress, self._stop = cell, uri, on_progress, stop
        self._plan, self._cell, self._chunks = plan, cell_name(plan.shape, 0), chunks
        self._seated: dict[Seat, Order] = {}
        self._cut = False
        self._recorder = recording.begin(uri)
        cell.create(self._cell, plan)

    def serve(self, waiting: deque[Order]) -> Iterator[Document]:
        """Seat streams as seats become free, until all have left.

        Raises:
            KeyboardInterrupt: It was stopped while there was more to do than watching live streams.
        """
        stopped = False
        while self._seated or (waiting and not stopped):
            taken = {seat.slot for seat in self._seated}
            for slot in range(self._plan.decoders):
                if waiting and not stopped and slot not in taken:
                    order = waiting.popleft()
                    seat = Seat(self._cell, slot, order.stream)
                    self._cells.begin(seat, self._plan, order, self._uri, self._chunks, Supervision().lease_seconds)
                    self._seated[seat] = order
            if not stopped and self._stop is not None and self._stop.is_set():
                stopped = True
                self._ask_to_stop()
            time.sleep(_LOOK_SECONDS)
            for seat in list(self._seated):
                if (ended := self._ended(seat)) is not None:
                    yield ended
        if self._cut or waiting:
            raise KeyboardInterrupt

    def _ask_to_stop(self) -> None:
        for seat in self._seated:
            if (decoder := self._cells.handle(seat.decoder.name)) is not None:
                decoder.stop.remote(seat.stream)

    def _ended(self, seat: Seat) -> Document | None:
        """The document of a stream that has ended, one way or the other."""
        import ray

        order = self._seated[seat]
        try:
            report: Report = ray.get(self._cells.handle(seat.decoder.name).reports.remote(), timeout=60.0)[0]
        except (ray.exceptions.RayActorError, AttributeError, IndexError):
            self._end(seat)
            return self._left(seat, document.failed(order.stream, order.source, f"{order.source}: its decoder crashed"))
        if report.position_seconds is not None:
            self._on_progress(order.source, Progress(report.position_seconds, report.frames))
        if report.outcome == "stopped":
            self._cut = True
            self._leave(seat)
            return None
        if report.outcome in ("broken", "fenced"):
            why = TAKEN_OVER if report.outcome == "fenced" else report.error
            return self._left(seat, document.failed(order.stream, order.source, f"{order.source}: {why}"))
        return self._left(seat, report.document) if report.outcome and report.document else None

    def _end(self, seat: Seat) -> None:
        """A decoder has died: wait until its name is free, so that the stream that comes next gets another."""
        self._cells.end(seat.decoder.name)
        until = time.monotonic() + _GONE_SECONDS
        while self._cells.handle(seat.decoder.name) is not None and time.monotonic() < until:
            time.sleep(_LOOK_SECONDS)

    def _left(self, seat: Seat, result: Document) -> Document:
        self._leave(seat)
        return result

    def _leave(self, seat: Seat) -> None:
        source = self._seated.pop(seat).source
        if (decoder := self._cells.handle(seat.decoder.name)) is not None:
            decoder.leave.remote(seat.stream)
        self._on_progress(source, None)

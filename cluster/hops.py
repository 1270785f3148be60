"""Hops that cross processes. ``ObjectStore``: frames are written once into shared memory, and read there in place."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, ObjectLostError, RayActorError, RayTaskError

from actors.again import mark
from actors.hop import Beside, HopBroken, Traffic
from actors.measure import Rows
from actors.media import Batch
from actors.remote import Measured, node
from cluster.ends import Detector, End, Sent
from cluster.functions import joined

CREDIT_BYTES = 64 << 20
"""Frames of one stream that may be under way: the object store itself never pushes back, it spills."""

CALL_SECONDS = 30.0
"""What one call may take before the batch is sent again."""

PATIENCE_SECONDS = 120.0
"""How long a detector may be away before the stream gives up."""


class _Chain:
    """The newest batches of one track that were sent, as long as a batch to come may have its context in them."""

    def __init__(self) -> None:
        self._sent: deque[Sent] = deque()
        self._next_row = -1

    def holding(self, batch: Batch) -> tuple[Sent, ...]:
        """Those that hold a batch's context, oldest first; none where that was not sent."""
        if not batch.context or batch.first_row != self._next_row:
            self._sent.clear()
        while self._sent and sum(s.frames for s in self._sent) - self._sent[0].frames >= len(batch.context):
            self._sent.popleft()
        return tuple(self._sent)

    def add(self, sent: Sent) -> None:
        """The batch that was asked about has been sent."""
        self._sent.append(sent)
        self._next_row = sent.first_row + sent.frames


@dataclass(slots=True)
class _UnderWay:
    """A batch that is being measured, the batches before it that hold its context, and an answer to come of each."""

    sent: Sent
    context: tuple[Sent, ...]
    answers: list[ray.ObjectRef[Measured]]


class ObjectStore(Beside):
    """Sends batches to detector actors by reference. Rows come back in the order in which batches were sent.

    Context frames are not written again: the detector reads them in the batches before, which stay in the store until
    the batches that need them are measured. A detector on another node has Ray pull each batch once into the store
    there; that is counted when its answer comes. Where there are several, each measures metrics of its own of every
    batch; a batch is under way until all have answered, and one that does not answer is asked again alone. What an end
    that decodes the source itself measures crosses no network.
    """

    def __init__(
        self, detector: Callable[[], Any], wanted: frozenset[str], shape: str = "colocated",
        credit: int = CREDIT_BYTES, others: Sequence[End] = (),
    ) -> None:  # fmt: skip
        """Begin.

        Args:
            detector: Finds the handle of the detector actor; asked again when that one does not answer.
            wanted: Names of metrics that it measures.
            shape: What this is called in usage.
            credit: Bytes of frames that may be under way.
            others: Where other metrics are measured.
        """
        self.shape, self.traffic = shape, Traffic()
        self._credit, self._node = credit, node()
        self._ends: list[End] = [Detector(detector, wanted), *others]
        self._under_way: deque[_UnderWay] = deque()
        self._chains: dict[str, _Chain] = {}
        self._bytes = 0
        self.newest: ray.ObjectRef[Batch] | None = None
        """Where the batch lies that was sent last."""

    def begin(self, *, live: bool, recorded: Mapping[str, int]) -> None:
        """Let those begin that decode the source again, if it is no live one."""
        for end in self._ends:
            end.begin(live=live, recorded=recorded)

    def close(self) -> None:
        """End those that decode the source again."""
        for end in self._ends:
            end.close()

    def send(self, batch: Batch) -> Iterator[Rows]:
        """Write a batch into the store and have it measured; give what is measured by now.

        Raises:
            HopBroken: No detector answers.
        """
        size = sum(plane.nbytes for frame in batch.frames for plane in frame.planes)
        while self._under_way and self._bytes + size > self._credit:
            yield self._next()
        chain = self._chains.setdefault(batch.track, _Chain())
        context = chain.holding(batch)
        stored = self.newest = ray.put(replace(batch, context=()) if context else batch)
        known_by = mark(batch) if any(end.marks for end in self._ends) else ""
        sent = Sent(stored, batch.track, batch.first_row, len(batch.frames), size, {self._node}, known_by)
        self._under_way.append(_UnderWay(sent, context, [end.ask(sent, context) for end in self._ends]))
        chain.add(sent)
        self._bytes += size
        self.traffic.batches += 1
        self.traffic.copies += 1
        self.traffic.bytes_object_store += size
        while self._under_way and self._is_answered(self._under_way[0]):
            yield self._next()

    def drain(self) -> Iterator[Rows]:
        """Wait for everything under way.

        Raises:
            HopBroken: No detector answers.
        """
        while self._under_way:
            yield self._next()

    def _is_answered(self, one: _UnderWay) -> bool:
        ready, _ = ray.wait(one.answers, num_returns=len(one.answers), timeout=0, fetch_local=False)
        return len(ready) == len(one.answers)

    def _next(self) -> Rows:
        """Rows of the oldest batch under way."""
        measured = [self._answer(number) for number in range(len(self._ends))]
        oldest = self._under_way.popleft()
        self._bytes -= oldest.sent.bytes
        for end, one in zip(self._ends, measured, strict=True):
            end.count(one)
            self._count(one, (oldest.sent, *oldest.context))
        self.traffic.peak_memory_bytes = sum(end.peak_bytes for end in self._ends)
        return joined([one.rows for one in measured])

    def _answer(self, number: int) -> Measured:
        """What one of the detectors says of the oldest batch under way."""
        began = time.monotonic()
        while True:
            try:
                measured: Measured = ray.get(self._under_way[0].answers[number], timeout=CALL_SECONDS)
                return measured
            except (RayTaskError, RayActorError, GetTimeoutError, ObjectLostError) as error:
                if time.monotonic() - began > PATIENCE_SECONDS:
                    raise HopBroken(f"no detector has answered for {PATIENCE_SECONDS:.0f} s") from error
                self._again(number, error)

    def _count(self, measured: Measured, read: Sequence[Sent]) -> None:
        """What an answer tells: what its detector burnt, and which batches came to its node for it."""
        traffic = self.traffic
        traffic.cpu_seconds += measured.cpu_seconds
        for sent in read if measured.node else ():
            if measured.node not in sent.nodes:
                sent.nodes.add(measured.node)
                traffic.bytes_network += sent.bytes
                traffic.copies += 1

    def _again(self, number: int, error: Exception) -> None:
        """Ask one end for everything under way once more: measuring has no memory, so nothing is lost or doubled."""
        time.sleep(0.05)
        self._ends[number].renew(error)
        for one in self._under_way:
            one.answers[number] = self._ends[number].ask(one.sent, one.context)

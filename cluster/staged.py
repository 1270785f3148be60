"""The original design, made honest: a hop on which nothing goes from stage to stage but through a bucket.

The converter (the stream's decoder, in its owner's process) puts chunks of about a second of media. For each chunk of
pictures an execution of a state machine starts one stateless task per meter, which gets the chunk and puts its rows.
The aggregator (the owner's judges) gets the rows of all meters, in order. Sound is measured in sequence by the
aggregator: it gets the chunk, and what the meter must remember, and puts that back.

The states that an execution enters: for pictures ``Measure`` (Parallel), a Task per meter in it, and ``Aggregate``
(Task); for sound and for facts alone ``Aggregate``. Each is a transition, and so is each retry, as AWS Step Functions
counts them (https://aws.amazon.com/step-functions/pricing/). Start and end are not counted.

A folder holds the objects of 32 executions and is removed when they are done; the state of a stream's sound lies in
another. What a killed run has left is removed when the next one of its stream begins.
"""

from __future__ import annotations

import hashlib
import logging
import platform
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa

from actors.batches import FILE
from actors.hop import Traffic
from actors.measure import Rows
from actors.measuring import CARRY, Ear
from actors.media import AudioBatch, Batch
from cluster import bucketurl, functions
from cluster import chunks as packed
from cluster.bucket import Bucket, BucketError, Requests
from cluster.bucketurl import BucketUrl
from cluster.busy import Busy
from cluster.chunks import Compression
from cluster.execution import Execution
from cluster.functions import Done, Object, Work
from cluster.settings import Chunks
from cluster.tasks import MOST, Tasks

COMPRESSION: Compression = "zstd"
FOLDER_EXECUTIONS = 32
FACTS = 256
"""Rows of facts that wait for the next chunk of pictures at most."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Staging:
    """Makes the hop of a stream. Travels to its owner's process, and shows no secret.

    ``name`` is that of the stream's folders; two streams, and two results folders, must not share it.
    """

    url: BucketUrl
    name: str
    task_cpus: float
    patience_seconds: float
    compression: Compression = COMPRESSION

    @classmethod
    def of(cls, chunks: Chunks, stream: str, uri: str) -> Staging:
        """That of a stream whose results lie under a URI; a local one is a different one on each machine.

        Raises:
            UsageError: No bucket is set.
        """
        owner = uri if "://" in uri else f"{platform.node()}:{uri}"
        name = f"{stream}-{hashlib.sha256(owner.encode()).hexdigest()[:8]}"
        return cls(bucketurl.of(chunks), name, chunks.task_cpus, chunks.bucket_patience_seconds)

    def __call__(self, wanted: frozenset[str]) -> Staged:
        """The hop, for meters that give the metrics named.

        Raises:
            BucketError: What an earlier run has left cannot be removed.
        """
        return Staged(self, wanted)


class Staged:
    """Sends everything through a bucket. Rows come back in the order in which batches were sent."""

    shape = "staged"
    bounds = FILE

    def __init__(self, staging: Staging, wanted: frozenset[str]) -> None:
        """Begin; see :class:`Staging`."""
        self.traffic = Traffic()
        self._staging, self._meters = staging, functions.meters(wanted)
        self._bucket = Bucket(staging.url, staging.patience_seconds)
        self._tasks = Tasks(staging.task_cpus)
        self._executions: deque[Execution] = deque()
        self._facts: list[Rows] = []
        self._carries: dict[str, Object] = {}
        self._chunk: packed.PictureChunk | None = None
        self._live = False
        self._number, self._removed = 0, 0
        self._peaks: dict[int, int] = {}
        self._busy = Busy()
        self._closed = False
        for folder in self._bucket.folders():
            if folder.startswith(f"{staging.name}."):
                self._bucket.remove(folder)

    def begin(self, *, live: bool, recorded: Mapping[str, int]) -> None:
        """Chunks of a live source are its batches, 0.2 s: latency has its price."""
        self._live = live

    def send(self, batch: Batch) -> Iterator[Rows]:
        """Write pictures into a chunk; put it where it is full, and have it measured; give what is measured by now.

        What is written is held no longer than in any other shape: where bytes were lost a decoder leaves in a picture
        what its memory held before.

        Raises:
            HopBroken: The bucket, or a meter, fails.
        """
        self._busy.converting()
        if self._chunk is not None and not self._chunk.takes(batch):
            yield from self._shipped()
        if self._chunk is None:
            self._chunk = packed.PictureChunk(batch, self._staging.compression)
        else:
            self._chunk.add(batch)
        if self._live or self._chunk.is_full:
            yield from self._shipped()
        yield from self._arrived()

    def _shipped(self) -> Iterator[Rows]:
        """Put the chunk that is being written, if there is one, and start a task for each meter."""
        if self._chunk is None:
            return
        data, self._chunk = self._chunk.packed(), None
        while sum(1 for one in self._executions if one.meters) >= MOST:
            yield from self._advance()
        execution = self._begin(data, facts=True)
        execution.meters = len(self._meters)
        self.traffic.batches += 1
        self.traffic.copies += 1 + len(self._meters)
        self.traffic.transitions += 1
        for meter, wanted in self._meters.items():
            while len(self._tasks) >= MOST:
                yield from self._advance()
            assert execution.chunk is not None
            self._tasks.start((execution.number, meter), self._work(execution.number, execution.chunk, meter, wanted))

    def hear(self, batch: AudioBatch, ear: Ear) -> Iterator[Rows]:
        """Put a chunk of sound; give what is measured by now.

        Raises:
            HopBroken: The bucket, or a meter, fails.
        """
        self._busy.converting()
        chunk = packed.pack_sound(batch, self._staging.compression)
        self._begin(chunk, facts=len(self._facts) > FACTS).ear = ear
        yield from self._arrived()

    def tell(self, facts: Rows) -> Iterator[Rows]:
        """Keep facts until the next chunk is put: they go with it."""
        self._facts.append(facts)
        yield from ()

    def drain(self) -> Iterator[Rows]:
        """Wait for everything under way.

        Raises:
            HopBroken: The bucket, or a meter, fails.
        """
        self._busy.converting()
        yield from self._shipped()
        if self._facts:
            self._begin(None, facts=True)
        while self._executions:
            yield from self._advance()

    def settle(self) -> Iterator[Rows]:
        """Drain.

        Raises:
            HopBroken: As there.
        """
        yield from self.drain()

    def close(self) -> None:
        """End the tasks, and remove what is left; what cannot be removed now is left to the next run."""
        if self._closed:
            return
        self._closed = True
        self._tasks.end()
        try:
            for folder in range(self._removed, self._number // FOLDER_EXECUTIONS + 1):
                self._bucket.remove(f"{self._staging.name}.{folder}")
            if self._carries:
                self._bucket.remove(f"{self._staging.name}.state")
        except BucketError as error:
            log.warning("%s", error)
        self._took(self._bucket.requests)
        runs, gb_seconds = self._busy.functions()
        self.traffic.functions += runs
        self.traffic.function_gb_seconds += gb_seconds
        self.traffic.transitions += self._tasks.started
        self.traffic.peak_memory_bytes = sum(sorted(self._peaks.values())[-MOST:])

    def _begin(self, chunk: pa.Buffer | None, *, facts: bool) -> Execution:
        """Start an execution over a chunk, and over the facts that wait."""
        execution = Execution(self._number)
        self._number += 1
        if chunk is not None:
            execution.chunk = self._put(execution.number, "chunk", chunk)
        if facts and self._facts:
            data = packed.pack_rows(self._facts, self._staging.compression)
            execution.facts = self._put(execution.number, "facts", data)
            self._facts = []
        self._executions.append(execution)
        self.traffic.transitions += 1
        self._busy.converting()
        return execution

    def _put(self, number: int, what: str, data: pa.Buffer) -> Object:
        name = self._named(number, what)
        self._bucket.put(name, data)
        return Object(name, data.size)

    def _named(self, number: int, what: str) -> str:
        return f"{self._staging.name}.{number // FOLDER_EXECUTIONS}/{number}-{what}.arrow"

    def _work(self, number: int, chunk: Object, meter: str, wanted: frozenset[str]) -> Work:
        staging = self._staging
        target = self._named(number, meter)
        return Work(staging.url, staging.patience_seconds, chunk, wanted, target, staging.compression)

    def _advance(self) -> Iterator[Rows]:
        """Wait until one more task has ended, if the oldest execution needs one; give what is measured then."""
        if self._executions and not self._executions[0].is_measured:
            self._hear_of(self._tasks.finished(1.0))
            self._busy.waiting()
        yield from self._arrived()

    def _arrived(self) -> Iterator[Rows]:
        """Rows of the oldest executions, as far as they are measured."""
        if len(self._tasks):
            self._hear_of(self._tasks.finished(0.0))
        while self._executions and self._executions[0].is_measured:
            execution = self._executions.popleft()
            self._busy.waiting()
            yield from self._aggregate(execution)
            self._busy.aggregating()
            self._tidy(execution.number)

    def _hear_of(self, finished: Iterator[tuple[tuple[int, str], Done]]) -> None:
        for (number, meter), done in finished:
            execution = next(one for one in self._executions if one.number == number)
            execution.done[meter] = done
            self._took(done.requests)
            self._busy.ran(done.seconds)
            self.traffic.cpu_seconds += done.cpu_seconds
            self._peaks[done.pid] = max(self._peaks.get(done.pid, 0), done.peak_bytes)

    def _aggregate(self, execution: Execution) -> Iterator[Rows]:
        """Get what an execution has given."""
        if execution.facts is not None:
            yield from packed.unpack_rows(self._get(execution.facts))
        if execution.ear is not None and execution.chunk is not None:
            yield self._heard(execution.ear, packed.unpack_sound(self._get(execution.chunk)))
        if execution.meters:
            rows = (self._get(execution.done[meter].rows) for meter in self._meters)
            yield functions.joined([packed.unpack_rows(data)[0] for data in rows])

    def _get(self, given: Object) -> pa.Buffer:
        return self._bucket.get(given.name, given.size)

    def _heard(self, ear: Ear, batch: AudioBatch) -> Rows:
        """Measure sound with what the bucket remembers of the track, and have it remember what comes of that."""
        if batch.track in self._carries:
            ear.restore(self._get(self._carries[batch.track]).to_pybytes().decode())
        rows = ear.measure(batch)
        carry = pa.py_buffer(str(rows.columns[CARRY.name][-1]).encode())
        name = f"{self._staging.name}.state/{batch.track.replace(':', '-')}"
        self._bucket.put(name, carry)
        self._carries[batch.track] = Object(name, carry.size)
        return rows

    def _tidy(self, number: int) -> None:
        """Remove a folder whose executions are all done."""
        if (number + 1) % FOLDER_EXECUTIONS == 0:
            self._bucket.remove(f"{self._staging.name}.{number // FOLDER_EXECUTIONS}")
            self._removed = number // FOLDER_EXECUTIONS + 1

    def _took(self, requests: Requests) -> None:
        self.traffic.requests_put += requests.put
        self.traffic.requests_get += requests.get
        self.traffic.requests_list += requests.list
        self.traffic.requests_delete += requests.delete
        self.traffic.bytes_bucket += requests.bytes_put

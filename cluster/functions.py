"""The functions of the shape ``staged``: what a state machine runs, one chunk at a time, with no memory of its own."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from actors.measure import Rows
from actors.measure.picture import PictureMeter, cpu
from actors.measure.picture.metrics import METRICS, needed
from actors.measuring import measure_video
from actors.spending import forget_peak, peak_bytes
from cluster import chunks
from cluster.bucket import Bucket, Requests
from cluster.bucketurl import BucketUrl
from cluster.chunks import Compression

MEMORY_MB = 1769
"""What a function is given, in units of 2^20 bytes: with so much AWS Lambda gives it one processor
(https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html), which is what each of these keeps busy."""

LONGEST_SECONDS = 900
"""How long one run of a function may take there; a converter that is at work for longer is another run."""


@dataclass(frozen=True, slots=True)
class Object:
    """Something in the bucket: its name, and how many bytes it must have."""

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class Work:
    """What one run of a meter is given: a chunk's name, what is wanted of it, and where the rows are to be put."""

    url: BucketUrl
    patience_seconds: float
    chunk: Object
    wanted: frozenset[str]
    target: str
    compression: Compression


@dataclass(frozen=True, slots=True)
class Done:
    """What one run says at its end: where its rows are, and what it took, by its own clock and its own process.

    ``seconds`` and ``cpu_seconds`` are those within the function: starting a process for it is not in them.
    """

    rows: Object
    seconds: float
    cpu_seconds: float
    peak_bytes: int
    pid: int
    requests: Requests


def meters(wanted: frozenset[str]) -> Mapping[str, frozenset[str]]:
    """The meters that metrics need, each with its own of them; one at least, which tells of the frames themselves."""
    found = {str(group): wanted & {metric.name for metric in metrics} for group, metrics in METRICS.items()}
    return {group: names for group, names in found.items() if names} or {"frames": frozenset()}


def joined(parts: Sequence[Rows]) -> Rows:
    """Rows of one batch by several meters, as one meter would have given them.

    Raises:
        ValueError: They are not of one batch.
    """
    first, columns = parts[0], dict(parts[0].columns)
    for part in parts[1:]:
        alike = all(np.array_equal(columns[name], part.columns[name]) for name in ("epoch", "pts", "time"))
        if not alike or part.first_row != first.first_row:
            raise ValueError(f"rows of {part.first_row} on are joined to those of {first.first_row} on")
        columns |= part.columns
    return Rows(first.table, first.track, first.base, first.format, first.first_row, first.window, columns)


def measure(work: Work) -> Done:
    """Get a chunk, measure it, put its rows.

    A process's first run readies the kernels before its clock begins: a function that is kept warm has done so.

    Raises:
        cluster.bucket.BucketError: The bucket does not do what it must.
    """
    cpu.load(8, needed(work.wanted))
    began, burnt = time.perf_counter(), time.process_time()
    forget_peak()
    bucket = Bucket(work.url, work.patience_seconds)
    batch = chunks.unpack_pictures(bucket.get(work.chunk.name, work.chunk.size))
    rows = chunks.pack_rows([measure_video(PictureMeter(), batch, work.wanted)], work.compression)
    bucket.put(work.target, rows)
    return Done(
        Object(work.target, rows.size), time.perf_counter() - began, time.process_time() - burnt, peak_bytes(),
        os.getpid(), bucket.requests,
    )  # fmt: skip

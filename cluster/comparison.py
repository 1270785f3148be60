"""Shapes side by side: what each measured and a sheet of prices in, bills, ratios and break-evens out. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal, get_args

from cluster.breakeven import BreakEven, Frames, breakeven, cpu_second, sent_byte
from cluster.bucket import PART_BYTES
from cluster.cost import HOUR_SECONDS, Kind, Line, Usage, bill, exact, ratio, total
from cluster.prices import Sheet

Stored = Literal["", "lossless", "jpeg"]
"""What ``staged`` has put into the bucket; nothing for other shapes."""

KINDS: tuple[Kind, ...] = get_args(Kind)
_DECODE = "decode"
MOST_DETECTORS = 8
"""Up to which break-evens are reckoned."""


@dataclass(frozen=True, slots=True)
class Priced:
    """A shape's bill per stream-hour. ``ratio`` is to ``fused``; None where that was not run, or costs nothing."""

    stored: Stored
    usage: Usage
    lines: tuple[Line, ...]
    ratio: Decimal | None

    @property
    def money(self) -> Decimal:
        """Money per stream-hour."""
        return total(self.lines)

    @property
    def by_kind(self) -> dict[Kind, Decimal]:
        """Money per stream-hour by what is paid for."""
        return {kind: total([line for line in self.lines if line.kind == kind]) for kind in KINDS}


@dataclass(frozen=True, slots=True)
class Meeting:
    """For one number of detectors: decoding again beside sending frames over each carrier."""

    detectors: int
    object_store: BreakEven
    network: BreakEven


@dataclass(frozen=True, slots=True)
class Jpeg:
    """What ``staged`` would have put into the bucket with pictures as JPEG, in as many chunks as it had."""

    bytes: int
    chunks: int


def priced(usages: Sequence[Usage], sheet: Sheet, jpeg: Jpeg | None = None) -> tuple[Priced, ...]:
    """Bills in the order of the usages, that of ``staged`` twice where it is known what its frames are as JPEG.

    Args:
        usages: One of each shape, at most.
        sheet: Prices.
        jpeg: Of the pictures of ``staged``, if it is known.

    Raises:
        ValueError: A run was of no media.
    """
    fused = next((bill(usage, sheet) for usage in usages if usage.shape == "fused"), ())
    found = []
    for usage in usages:
        staged = usage.shape == "staged"
        found.append(_priced("lossless" if staged else "", usage, sheet, fused))
        if staged and jpeg is not None:
            found.append(_priced("jpeg", as_jpeg(usage, jpeg), sheet, fused))
    return tuple(found)


def as_jpeg(usage: Usage, jpeg: Jpeg) -> Usage:
    """What ``staged`` would have used with pictures as JPEG instead of lossless.

    Bytes in the bucket, and requests to write them where a lossless chunk is so large that it is sent in parts. All
    else is as it was measured: as many chunks, transitions and functions, and as long ones.
    """
    asked, chunks = usage.requests_bucket, jpeg.chunks or 1
    fewer = jpeg.chunks * (_puts(usage.bytes_bucket / chunks) - _puts(jpeg.bytes / chunks))
    requests = replace(asked, put=max(asked.put - fewer, min(asked.put, jpeg.chunks)))
    return replace(usage, bytes_bucket=jpeg.bytes, requests_bucket=requests)


def hourly(measured: float, usage: Usage) -> float:
    """What was measured over a run's media, over an hour of it."""
    return float(exact(measured) * HOUR_SECONDS / exact(usage.media_seconds))


def frames(fused: Usage, colocated: Usage, count: int) -> Frames | None:
    """What the pictures of a stream cost on their way, from the same stream in two shapes.

    A picture costs what decoding took in ``fused``. A byte in the object store costs what ``colocated`` burnt more than
    ``fused``, spread over the bytes that it sent.

    Args:
        fused: Measured in one process.
        colocated: Measured with frames sent.
        count: Pictures decoded.

    Returns:
        None where there is nothing to reckon with: no picture was sent, or ``colocated`` did not burn more.
    """
    sent = colocated.bytes_object_store
    more = sum(map(exact, colocated.cpu_seconds.values())) - sum(map(exact, fused.cpu_seconds.values()))
    burnt = exact(fused.cpu_seconds.get(_DECODE, 0.0))
    if not (count and sent and more > 0 and burnt > 0 and fused.media_seconds > 0):
        return None
    rate = count / fused.media_seconds
    return Frames(
        decoded_per_second=rate, sent_per_second=rate, bytes_per_frame=sent / count,
        decode_cpu_seconds_per_frame=float(burnt / count), copy_cpu_seconds_per_byte=float(more / sent),
    )  # fmt: skip


def meetings(of: Frames, sheet: Sheet) -> tuple[Meeting, ...]:
    """Both ways, for one detector to :data:`MOST_DETECTORS`."""
    cpu, byte = cpu_second(sheet), sent_byte(sheet)
    return tuple(
        Meeting(n, breakeven(of, n, "object_store", cpu, Decimal(0)), breakeven(of, n, "network", cpu, byte))
        for n in range(1, MOST_DETECTORS + 1)
    )


def _puts(size: float) -> int:
    """Requests that write an object (see :mod:`cluster.bucket`)."""
    return 1 if size < PART_BYTES else math.ceil(size / PART_BYTES) + 2


def _priced(stored: Stored, usage: Usage, sheet: Sheet, fused: Sequence[Line]) -> Priced:
    lines = bill(usage, sheet)
    return Priced(stored, usage, lines, ratio(lines, fused) if total(fused) else None)

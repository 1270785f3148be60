"""What a shape costs: measured usage and a sheet of prices in, money per stream-hour out. Pure, and without floats.

A stream-hour is an hour of media. Everything measured is scaled to it, so the bill of a run of a minute and that of a
run of a day can be compared; the run must be long enough for its start not to count.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from cluster import spent
from cluster.prices import Price, Sheet
from cluster.shape import Placed

Kind = Literal["compute", "requests", "transitions", "transfer", "storage"]

HOUR_SECONDS = 3600
MONTH_HOURS = 730
"""Hours of a mean month, as AWS reckons them."""
GB = Decimal(2**30)
"""Bytes: memory, storage and transfer are sold by the binary one."""
MB_OF_GB = 1024
MILLISECONDS = 1000


@dataclass(frozen=True, slots=True)
class Requests:
    """Requests made of a bucket, by what they are sold as."""

    put: int = 0
    get: int = 0
    list: int = 0
    delete: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What one run of a shape measured, over ``media_seconds`` of one stream.

    ``cpu_seconds`` are by stage, of all its processes; ``peak_memory_bytes`` is the sum of theirs; ``gpu_seconds`` are
    those for which a GPU was held, times the share of it. ``bytes_bucket`` are those written to the bucket: reading
    them within a region is paid by the request. ``bytes_direct`` and ``bytes_object_store`` stay within a machine,
    where only the processors' time costs. ``function_gb_seconds`` is the sum of :func:`gb_seconds` over ``functions``
    runs of a function.
    """

    shape: Placed
    media_seconds: float
    cpu_seconds: Mapping[str, float]
    peak_memory_bytes: int
    gpu_seconds: float = 0.0
    bytes_direct: int = 0
    bytes_object_store: int = 0
    bytes_network: int = 0
    bytes_bucket: int = 0
    requests_bucket: Requests = field(default_factory=Requests)
    transitions: int = 0
    functions: int = 0
    function_gb_seconds: float = 0.0

    @classmethod
    def of(cls, stored: spent.Usage, gpu_seconds: float = 0.0) -> Usage:
        """What is stored of a stream's work. ``gpu_seconds`` are not stored."""
        return cls(
            shape=stored.shape, media_seconds=stored.media_seconds,
            cpu_seconds={"decode": stored.cpu_decode_seconds, "pictures": stored.cpu_picture_seconds,
                         "other": stored.cpu_other_seconds},
            peak_memory_bytes=stored.peak_memory_bytes, gpu_seconds=gpu_seconds, bytes_direct=stored.bytes_direct,
            bytes_object_store=stored.bytes_object_store, bytes_network=stored.bytes_network,
            bytes_bucket=stored.bytes_bucket, transitions=stored.transitions, functions=stored.functions,
            requests_bucket=Requests(stored.requests_put, stored.requests_get, stored.requests_list,
                                     stored.requests_delete),
            function_gb_seconds=stored.function_gb_seconds,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a bill: ``amount`` units a stream-hour at ``price`` each. ``what`` says what a unit is of."""

    kind: Kind
    what: str
    amount: Decimal
    unit: str
    price: Decimal

    @property
    def money(self) -> Decimal:
        """Money per stream-hour, in the sheet's currency."""
        return self.amount * self.price


def bill(usage: Usage, sheet: Sheet) -> tuple[Line, ...]:
    """What a stream-hour of a shape costs at list prices.

    ``fused``, ``colocated`` and ``spread`` go on all the time and are packed, many streams to a host, by what they
    take on average: processors (CPU seconds per second of media) and GPUs, each divided by the sheet's
    ``utilisation``, which leaves room for peaks; and memory, which as a peak has its room already, for the whole hour,
    as a live stream holds it. A container is rented by processor and memory, and has at least the memory that is sold
    with its processors. Of an instance a stream takes the share that the scarcest of the three makes necessary. What
    uses a GPU is always on the sheet's GPU instance. ``spread``, and ``colocated`` with meters that are parted among
    nodes, pay for ``bytes_network`` between zones as well.

    ``staged`` pays for the duration of each function times its memory (see :func:`gb_seconds`), for starting them, for
    the state machine's transitions, for requests to the bucket (listing is sold as writing, deleting is free), and for
    ``bytes_bucket`` while they are kept. Functions have no charge for more than 512 MB of disk here, and no free tier
    is taken off anywhere.

    Raises:
        ValueError: No media was measured.
    """
    if not usage.media_seconds > 0:
        raise ValueError(f"usage of {usage.media_seconds} seconds of media says nothing about an hour")
    if usage.shape == "staged":
        return _staged(usage, sheet)
    lines = _hosted(usage, sheet)
    if usage.shape == "spread" or (usage.shape == "colocated" and usage.bytes_network):
        sent = _hourly(usage, usage.bytes_network / GB)
        lines = (*lines, _line("transfer", "between zones", sent, sheet.transfer))
    return lines


def total(lines: Sequence[Line]) -> Decimal:
    """Money per stream-hour."""
    return sum((line.money for line in lines), Decimal(0))


def ratio(lines: Sequence[Line], fused: Sequence[Line]) -> Decimal:
    """How many times the cost of ``fused`` a shape costs.

    Raises:
        ValueError: ``fused`` costs nothing.
    """
    if not (least := total(fused)):
        raise ValueError("fused costs nothing by this sheet, so nothing can be a multiple of it")
    return total(lines) / least


def gb_seconds(seconds: float, memory_mb: int) -> Decimal:
    """What one run of a function is sold as: its duration, rounded up to a millisecond, times its memory.

    See https://aws.amazon.com/lambda/pricing/.

    Args:
        seconds: Its duration, start-up included.
        memory_mb: The memory that it was given (1 MB is 2^20 bytes).
    """
    return Decimal(math.ceil(exact(seconds) * MILLISECONDS) * memory_mb) / MILLISECONDS / MB_OF_GB


def exact(measured: float) -> Decimal:
    """A measured number as money is reckoned with: its shortest decimal form, which is what tables show of it."""
    return Decimal(str(measured))


def _hosted(usage: Usage, sheet: Sheet) -> tuple[Line, ...]:
    """Compute of a shape whose processes go on all the time."""
    used = sheet.packing.utilisation
    vcpus = sum(map(exact, usage.cpu_seconds.values()), Decimal(0)) / exact(usage.media_seconds) / used
    memory = usage.peak_memory_bytes / GB
    if usage.gpu_seconds:
        gpu = sheet.gpu_instance
        gpus = exact(usage.gpu_seconds) / exact(usage.media_seconds) / used
        share = max(vcpus / gpu.vcpus, memory / gpu.memory_gb, gpus / gpu.gpus)
        return (_line("compute", gpu.name, share, gpu.time),)
    if sheet.packing.host == "instance":
        instance = sheet.instance
        share = max(vcpus / instance.vcpus, memory / instance.memory_gb)
        return (_line("compute", instance.name, share, instance.time),)
    container = sheet.container
    return (
        _line("compute", "container processors", vcpus, container.processor_time),
        _line("compute", "container memory", max(memory, vcpus * container.least_gb_per_vcpu), container.memory_time),
    )


def _staged(usage: Usage, sheet: Sheet) -> tuple[Line, ...]:
    asked, bucket = usage.requests_bucket, sheet.bucket
    kept = usage.bytes_bucket / GB * bucket.kept_hours / MONTH_HOURS
    return (
        _line("compute", "functions", _hourly(usage, exact(usage.function_gb_seconds)), sheet.functions.memory_time),
        _line("requests", "functions", _hourly(usage, Decimal(usage.functions)), sheet.functions.request),
        _line("requests", "bucket, put and list", _hourly(usage, Decimal(asked.put + asked.list)), bucket.put),
        _line("requests", "bucket, get", _hourly(usage, Decimal(asked.get)), bucket.get),
        _line("transitions", "state machine", _hourly(usage, Decimal(usage.transitions)), sheet.transition),
        _line("storage", "bucket", _hourly(usage, kept), bucket.storage),
    )


def _line(kind: Kind, what: str, amount: Decimal, price: Price[Any]) -> Line:
    return Line(kind, what, amount, price.unit, price.each)


def _hourly(usage: Usage, amount: Decimal) -> Decimal:
    """What was measured over the run's media, over an hour of it."""
    return amount * HOUR_SECONDS / exact(usage.media_seconds)

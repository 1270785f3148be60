"""What streams are likely to cost in a shape, before any of them is run. Pure; an estimate, and called one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from actors.measure.picture.metrics import METRICS
from actors.probe import Pictures
from cluster.bucket import PART_BYTES
from cluster.chunks import CHUNK_BYTES
from cluster.cost import HOUR_SECONDS, Requests, Usage
from cluster.functions import MEMORY_MB
from cluster.shape import Placed

ASSUMED = Pictures(1920, 1080, "yuv420p", 3_110_400, 25.0)
"""Of a source that cannot be asked: what most channels are."""


@dataclass(frozen=True, slots=True)
class Costs:
    """What a shape takes: CPU seconds for each picture of the size of ``ASSUMED``, and memory for each stream.

    ``other`` is for each second of media. A picture of another size takes as much more or less as it has bytes.
    """

    decode: float
    picture: float
    other: float
    memory_bytes: int


MEASURED: dict[Placed, Costs] = {
    "fused": Costs(0.0080, 0.0041, 0.015, 345 << 20),
    "colocated": Costs(0.0080, 0.0054, 0.041, 796 << 20),
    "spread": Costs(0.0080, 0.0058, 0.051, 826 << 20),
    "staged": Costs(0.0080, 0.122, 0.147, 1874 << 20),
}
"""What ``analyze`` takes for a file of H.264 1080p25 at 3 Mb/s, one stream alone, with every detector. ``fused``: the
least that ``python -m tests.bench.groups`` saw on an Intel Xeon of two cores. The others: what they took more than
``fused`` in one run of ``sightline compare`` there, as ratios. Detectors that several streams share take less memory
each."""

CARRIES: dict[Placed, tuple[str, ...]] = {
    "fused": (), "colocated": ("bytes_object_store",), "spread": ("bytes_object_store", "bytes_network"),
    "staged": ("bytes_bucket",),
}  # fmt: skip
"""By which ways every picture goes."""

PACKED = 0.63
"""Bytes of a chunk of pictures in a bucket, of those that they have."""
METERS = len(METRICS)
"""Meters of pictures, if nothing is left out."""


def estimate(shape: Placed, streams: Sequence[Pictures]) -> Usage:
    """The likely usage of an hour of each of several streams; memory is the mean of theirs.

    Raises:
        ValueError: There are no streams.
    """
    if not streams:
        raise ValueError("an estimate is of streams; there are none")
    costs = MEASURED[shape]
    frames = sum(one.bytes_per_second / ASSUMED.bytes_each for one in streams) * HOUR_SECONDS
    moved = round(sum(one.bytes_per_second for one in streams) * HOUR_SECONDS)
    media = HOUR_SECONDS * len(streams)
    cpu = {"decode": costs.decode * frames, "pictures": costs.picture * frames, "other": costs.other * media}
    ways = CARRIES[shape]
    if shape == "staged":
        return _staged(streams, media, cpu, costs.memory_bytes)
    return Usage(
        shape=shape, media_seconds=media, cpu_seconds={stage: round(seconds, 6) for stage, seconds in cpu.items()},
        peak_memory_bytes=costs.memory_bytes, bytes_object_store=moved if "bytes_object_store" in ways else 0,
        bytes_network=moved if "bytes_network" in ways else 0,
    )  # fmt: skip


def _staged(streams: Sequence[Pictures], media: int, cpu: dict[str, float], memory_bytes: int) -> Usage:
    """Chunks of a second, or of as many bytes as one may have; functions that wait for nothing but a processor."""
    put = chunks = 0
    for one in streams:
        each = max(1, math.ceil(one.bytes_per_second / CHUNK_BYTES))
        parts = one.bytes_per_second * PACKED / each / PART_BYTES
        put += each * ((1 if parts < 1 else math.ceil(parts) + 2) + METERS + 1)
        chunks += each
    chunks *= HOUR_SECONDS
    return Usage(
        shape="staged", media_seconds=media, cpu_seconds={stage: round(seconds, 6) for stage, seconds in cpu.items()},
        peak_memory_bytes=memory_bytes,
        bytes_bucket=round(sum(one.bytes_per_second for one in streams) * PACKED * HOUR_SECONDS),
        requests_bucket=Requests(put=put * HOUR_SECONDS, get=chunks * 2 * (2 * METERS + 1)),
        transitions=chunks * (METERS + 2), functions=chunks * (METERS + 1),
        function_gb_seconds=round(sum(cpu.values()) * MEMORY_MB / 1024, 6),
    )  # fmt: skip

"""Meters that are too much for one node, parted among several by the groups of their metrics. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from actors.measure.picture.metrics import METRICS
from cluster.breakeven import Frames, breakeven, cpu_second, sent_byte
from cluster.cost import exact
from cluster.estimate import ASSUMED, MEASURED
from cluster.prices import Sheet
from cluster.sources import UsageError

Way = Literal["frames", "decode"]
"""How a clone comes by pictures: it is sent frames, or decodes the source again."""

GROUP_SECONDS: dict[str, float] = {"luma": 0.00054, "difference": 0.00015, "signature": 0.00010}
"""CPU seconds that each group of metrics takes alone for a picture of the size of ``ASSUMED``: the least of 40 on one
core of an AMD EPYC. Together they take 0.00075: each line is read once."""

FRAMES = Frames(
    decoded_per_second=ASSUMED.per_second, sent_per_second=ASSUMED.per_second, bytes_per_frame=ASSUMED.bytes_each,
    decode_cpu_seconds_per_frame=MEASURED["fused"].decode,
    copy_cpu_seconds_per_byte=(MEASURED["spread"].picture - MEASURED["fused"].picture) / ASSUMED.bytes_each,
)  # fmt: skip
"""What is compared: of a picture of another size both ways cost more or less alike, as it has bytes."""


class TooSmall(UsageError):
    """No node can hold one of the meters."""


@dataclass(frozen=True, slots=True)
class Subset:
    """What one of several detectors measures: groups of metrics, and the processors that they take."""

    groups: tuple[str, ...]
    cpus: float

    @property
    def metrics(self) -> frozenset[str]:
        """Names of its metrics."""
        return frozenset(metric.name for group, names in METRICS.items() if group in self.groups for metric in names)


@dataclass(frozen=True, slots=True)
class Ways:
    """What clones cost a stream-hour in money, all of them together, whether sent frames or decoding again."""

    frames: Decimal
    decode: Decimal

    @property
    def cheaper(self) -> Way:
        """The way that costs less; frames, where both cost the same."""
        return "decode" if self.decode < self.frames else "frames"


def needs(seconds: Mapping[str, float], frames_per_second: float) -> dict[str, float]:
    """Processors that groups of metrics take, of their CPU seconds for each frame, rounded up as Ray counts them."""
    tick = Decimal("0.0001")
    return {
        group: float((exact(each) * exact(frames_per_second)).quantize(tick, "ROUND_CEILING"))
        for group, each in seconds.items()
    }


def parts(whole: float) -> dict[str, float]:
    """Processors of each group of metrics where all take so many: as each takes alone."""
    return needs(GROUP_SECONDS, whole / sum(GROUP_SECONDS.values()))


def split(need: Mapping[str, float], room: float) -> tuple[Subset, ...]:
    """Part groups of metrics among the fewest detectors.

    The largest come first; of several ways the one is taken that fills the first detectors most.

    Args:
        need: Processors of each group of metrics.
        room: Processors that each node has for a detector.

    Raises:
        TooSmall: One of the groups alone takes more than that.
    """
    listed = sorted(need, key=lambda group: (-need[group], group))
    if not listed:
        return ()
    if need[listed[0]] > room:
        most = f"the meter {listed[0]} alone takes {need[listed[0]]:g} processors, and a node has {room:g} for meters"
        raise TooSmall(f"{most}: set SIGHTLINE_NODE_DETECTOR_CPUS to as many at least, or have fewer streams in a cell")
    for count in range(1, len(listed) + 1):
        if (found := _filled(listed, need, exact(room), [[] for _ in range(count)])) is not None:
            break
    assert found is not None
    return tuple(Subset(tuple(groups), float(sum(exact(need[group]) for group in groups))) for groups in found)


def _filled(
    left: list[str], need: Mapping[str, float], room: Decimal, bins: list[list[str]]
) -> list[list[str]] | None:
    """The bins with all that is left in them, none over its room; None: that cannot be. Empty bins are alike."""
    if not left:
        return bins if all(bins) else None
    for number, groups in enumerate(bins):
        if sum((exact(need[group]) for group in groups), exact(need[left[0]])) <= room:
            filled = [*bins[:number], [*groups, left[0]], *bins[number + 1 :]]
            if (found := _filled(left[1:], need, room, filled)) is not None:
                return found
        if not groups:
            return None
    return None


def ways(clones: int, sheet: Sheet) -> Ways:
    """What clones on other nodes cost, beside a detector for which the frames are written anyway.

    Args:
        clones: How many there are, one at least.
        sheet: Prices.
    """
    cpu = cpu_second(sheet)
    pulled = breakeven(FRAMES, clones, "network", cpu, sent_byte(sheet))
    written = breakeven(FRAMES, clones, "object_store", cpu, Decimal(0))
    return Ways(pulled.send - written.send, pulled.decode_again)

"""Meters that are too much for one node, parted among several by the groups of their metrics. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from actors.measure.picture.metrics import METRICS
from cluster.sources import UsageError

GROUP_SECONDS: dict[str, float] = {
    "luma": 0.00031, "difference": 0.00057, "signature": 0.00039, "grid": 0.00086, "levels": 0.00030, "edges": 0.00023,
    "borders": 0.00010, "seams": 0.00032, "flash": 0.00031, "fields": 0.00044, "dropouts": 0.00092, "colours": 0.00028,
}  # fmt: skip
"""CPU seconds that each group of metrics takes alone for a picture of 1080p in 8 bits, where bare decoding takes
0.0063: the least that ``python -m tests.bench.groups`` saw on one core of an Intel Xeon. All take 0.0030 together: what
several need is made once."""


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


def needs(seconds: Mapping[str, float], frames_per_second: float) -> dict[str, float]:
    """Processors that groups of metrics take, of their CPU seconds for each frame, rounded up as Ray counts them."""
    tick = Decimal("0.0001")
    return {
        group: float((_exact(each) * _exact(frames_per_second)).quantize(tick, "ROUND_CEILING"))
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
        if (found := _filled(listed, need, _exact(room), [[] for _ in range(count)])) is not None:
            break
    assert found is not None
    return tuple(Subset(tuple(groups), float(sum(_exact(need[group]) for group in groups))) for groups in found)


def _exact(cpus: float) -> Decimal:
    return Decimal(str(cpus))


def _filled(
    left: list[str], need: Mapping[str, float], room: Decimal, bins: list[list[str]]
) -> list[list[str]] | None:
    """The bins with all that is left in them, none over its room; None: that cannot be. Empty bins are alike."""
    if not left:
        return bins if all(bins) else None
    for number, groups in enumerate(bins):
        if sum((_exact(need[group]) for group in groups), _exact(need[left[0]])) <= room:
            filled = [*bins[:number], [*groups, left[0]], *bins[number + 1 :]]
            if (found := _filled(left[1:], need, room, filled)) is not None:
                return found
        if not groups:
            return None
    return None

"""How many processors bundles of a new cell get: what streams were measured to burn, once that is known. Pure."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from actors.spending import Burnt
from cluster.settings import Placement
from cluster.shape import Placed, Plan
from cluster.spent import Processors

log = logging.getLogger(__name__)

LEAST_SECONDS = 20.0
"""Of media that a stream must have burnt for; what it burns until it has begun does not count."""

HEADROOM = 1.25
"""Reserved for each processor that is burnt: pictures that are hard come together."""

FLOOR = 0.01
"""The least that a bundle has."""

STEP = 0.01
"""Sizes are multiples of it."""

_ROUNDING = 1e-9

HYSTERESIS = 0.25
"""A size stays while the new one differs by no larger part of it: cells do not differ from look to look."""


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds per second of media of one stream: of its decoder, and of the detector for it."""

    decoder: float
    detector: float


@dataclass(frozen=True, slots=True)
class Sizes:
    """Processors of each decoder and of the detector of a cell; measured of so many streams, 0: the settings'."""

    decoder_cpus: float
    detector_cpus: float
    streams: int = 0


def cost(first: Burnt, last: Burnt) -> Cost | None:
    """What a stream burns, from two looks at it; None: they are too near to each other."""
    media = last.media_seconds - first.media_seconds
    if media < LEAST_SECONDS:
        return None
    return Cost(
        max(0.0, last.decoder_seconds - first.decoder_seconds) / media,
        max(0.0, last.detector_seconds - first.detector_seconds) / media,
    )


def sized(before: Sizes, costs: Sequence[Cost], streams: int, node_cpus: float) -> Sizes:
    """The sizes of the next cell.

    Args:
        before: Of the cell before, or the settings'.
        costs: Of streams of its shape.
        streams: That a cell holds.
        node_cpus: Of the largest node. All of a cell fits there, unless so many bundles of the least size do not.

    Returns:
        The mean of the costs with headroom; what was before, where nothing is measured or little would change.
    """
    if not costs:
        return before
    decoder = HEADROOM * sum(one.decoder for one in costs) / len(costs)
    detector = HEADROOM * streams * sum(one.detector for one in costs) / len(costs)
    decoder, detector = (max(FLOOR, _up(cpus)) for cpus in (decoder, detector))
    if (whole := decoder * streams + detector) > node_cpus + _ROUNDING:
        decoder, detector = (max(FLOOR, _down(cpus * node_cpus / whole)) for cpus in (decoder, detector))
    if decoder * streams + detector > node_cpus + _ROUNDING:  # what a floor added
        decoder, detector = _within(decoder, detector, streams, node_cpus)
    changes = (abs(decoder / before.decoder_cpus - 1.0), abs(detector / before.detector_cpus - 1.0))
    fits = before.decoder_cpus * streams + before.detector_cpus <= node_cpus + _ROUNDING
    return before if fits and max(changes) <= HYSTERESIS else Sizes(decoder, detector, len(costs))


def _within(decoder: float, detector: float, streams: int, node_cpus: float) -> tuple[float, float]:
    """Sizes that fit on a node where one of them is at the floor; both at the floor where nothing fits."""
    if decoder <= FLOOR:
        return FLOOR, max(FLOOR, _down(node_cpus - FLOOR * streams))
    return max(FLOOR, _down((node_cpus - detector) / streams)), detector


def _up(cpus: float) -> float:
    return round(math.ceil(cpus / STEP - 1e-9) * STEP, 2)


def _down(cpus: float) -> float:
    return round(math.floor(cpus / STEP + 1e-9) * STEP, 2)


@dataclass(slots=True)
class _Seen:
    """A stream: its shape, the first look that counts and the newest, and whether it has been told of."""

    shape: Placed
    first: Burnt
    last: Burnt
    live: bool
    told: bool = False


class Sizing:
    """Remembers what streams burn, and sizes cells by it. Begun anew, it has the settings' sizes until it has seen."""

    def __init__(self, placement: Placement) -> None:
        """Begin.

        Args:
            placement: The settings.
        """
        self._placement = placement
        self._seen: dict[str, _Seen] = {}
        self._sizes: dict[Placed, Sizes] = {}
        self._node_cpus = 0.0

    def note(self, stream: str, shape: Placed, burnt: Burnt, *, live: bool) -> None:
        """Note what a stream has burnt by now."""
        seen = self._seen.get(stream)
        if seen is None or seen.shape != shape or burnt.media_seconds < seen.last.media_seconds:
            if burnt.media_seconds > 0.0:
                self._seen[stream] = _Seen(shape, burnt, burnt, live)
            return
        seen.last = burnt

    def plan(self, made: Plan, nodes: Sequence[float]) -> Plan:
        """A plan with the sizes that a new cell gets. ``nodes``: processors of each.

        Cells on several nodes keep the settings'.
        """
        if made.is_spread:
            return made
        self._node_cpus = max(self._node_cpus, *nodes, 0.0)
        settings = Sizes(self._placement.decoder_cpus, self._placement.detector_cpus)
        alike = [cost(seen.first, seen.last) for seen in self._seen.values() if seen.shape == made.shape]
        costs = [own for own in alike if own is not None]
        sizes = sized(self._sizes.get(made.shape, settings), costs, made.decoders, self._node_cpus or math.inf)
        self._sizes[made.shape] = sizes
        detector = sizes.detector_cpus if made.detectors else made.detector_cpus
        plan = replace(made, decoder_cpus=sizes.decoder_cpus, detector_cpus=detector)
        log.info("a new cell of the shape %s: %s", made.shape, self._words(plan, sizes))
        return plan

    def _words(self, made: Plan, sizes: Sizes) -> str:
        streams = f"{sizes.streams} {'stream' if sizes.streams == 1 else 'streams'}"
        by = f"measured of {streams}" if sizes.streams else "the settings'"
        detector = f", {made.detector_cpus:g} for the detector" if made.detectors else ""
        return f"{made.decoder_cpus:g} processors for each of {made.decoders} decoders{detector} ({by})"

    def of(self, stream: str, reserved: float) -> Processors:
        """What is reserved for a stream, and what it takes."""
        own = self._cost(stream)
        by: Literal["settings", "measured"] = "settings" if reserved == self._placement.decoder_cpus else "measured"
        return Processors(
            reserved=reserved, by=by, taken=own and round(own.decoder, 4), detector=own and round(own.detector, 4)
        )

    def beyond(self, reserved: Mapping[str, float]) -> list[str]:
        """Lines on live streams that take more than is reserved for them; each is told once.

        Args:
            reserved: For the decoder of each stream.
        """
        lines = []
        for stream, cpus in reserved.items():
            own, seen = self._cost(stream), self._seen.get(stream)
            if own is not None and seen is not None and seen.live and not seen.told and own.decoder > cpus:
                seen.told = True
                lines.append(f"{stream}: takes {own.decoder:.2f} processors; {cpus:g} are reserved for it in its cell")
        return lines

    def _cost(self, stream: str) -> Cost | None:
        seen = self._seen.get(stream)
        return cost(seen.first, seen.last) if seen else None

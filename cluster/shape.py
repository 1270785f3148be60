"""A shape as a plan: which bundles a cell has, and what runs in them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cluster.settings import Placement
from cluster.subsets import Subset, parts, split

Placed = Literal["fused", "colocated", "spread", "staged"]
Shape = Literal["auto", "fused", "colocated", "spread", "staged"]
"""What may be asked for; ``auto`` is one of the others, as it suits the machine."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One cell: ``decoders`` for a stream each and, if frames leave them, ``detectors`` for meters.

    Each has a bundle of resources of its own, all of them on one node; in ``spread`` the decoders share one bundle, and
    no two bundles share a node. Where one node cannot hold all meters there is a detector for each of ``subsets``, on a
    node of its own: in ``colocated`` the first one is in the bundle that the decoders share. Where the others decode
    files again (``decodes_again``) their bundles have room for that, too.
    """

    shape: Placed
    decoders: int
    decoder_cpus: float
    detectors: int = 0
    detector_cpus: float = 0.0
    detector_gpus: float = 0.0
    subsets: tuple[Subset, ...] = ()
    decodes_again: bool = False

    @property
    def is_spread(self) -> bool:
        """Whether decoders share a bundle, and no two bundles a node."""
        return self.shape == "spread" or bool(self.subsets)

    @property
    def strategy(self) -> Literal["STRICT_PACK", "STRICT_SPREAD"]:
        """How bundles lie on nodes: all on one, or each on another."""
        return "STRICT_SPREAD" if self.is_spread else "STRICT_PACK"

    @property
    def nodes(self) -> int:
        """How many nodes it takes."""
        return len(self.bundles) if self.is_spread else 1

    @property
    def clones(self) -> int:
        """How many detectors there are beside the first."""
        return max(0, self.detectors - 1)

    @property
    def beside(self) -> float:
        """Processors of the decoders' bundle that are a detector's."""
        return self.subsets[0].cpus if self.subsets and self.shape == "colocated" else 0.0

    @property
    def bundles(self) -> list[dict[str, float]]:
        """Resources of each bundle: decoders first, then detectors."""
        decoders = self.decoder_cpus * self.decoders
        again = [decoders if self.decodes_again and number else 0.0 for number in range(self.detectors)]
        detectors = [self._resources(round(self.detector(n) + more, 4)) for n, more in enumerate(again)]
        if not self.is_spread:
            return [{"CPU": self.decoder_cpus}] * self.decoders + detectors
        if self.shape == "spread":
            return [{"CPU": round(decoders, 4)}, *detectors]
        return [{**detectors[0], "CPU": round(decoders + self.beside, 4)}, *detectors[1:]]

    def detector(self, number: int) -> float:
        """Processors of a detector."""
        return self.subsets[number].cpus if self.subsets else self.detector_cpus

    def decoder_bundle(self, slot: int) -> int:
        """The bundle that the decoder of a seat is in."""
        return 0 if self.is_spread else slot

    def detector_bundle(self, number: int = 0) -> int:
        """The bundle that a detector is in."""
        if not self.is_spread:
            return self.decoders + number
        return number + (self.shape == "spread")

    def _resources(self, cpus: float) -> dict[str, float]:
        return {"CPU": cpus} | ({"GPU": self.detector_gpus} if self.detector_gpus else {})


def placed(shape: Shape, gpus: float) -> Placed:
    """The shape itself; for ``auto`` ``colocated`` where there is a GPU to be shared, else ``fused``."""
    if shape == "auto":
        return "colocated" if gpus else "fused"
    return shape


def plan(shape: Shape, placement: Placement, gpus: float) -> Plan:
    """The plan of a cell.

    Args:
        shape: What is asked for.
        placement: Sizes; see :func:`cluster.clones.settled`. With a GPU frames are sent whatever it says.
        gpus: What the cluster has.

    Raises:
        cluster.subsets.TooSmall: One of the meters alone is too much for a node.
    """
    chosen = placed(shape, gpus)
    if chosen in ("fused", "staged"):
        return Plan(chosen, placement.streams_per_cell, placement.decoder_cpus)
    is_parted = placement.detector_cpus > placement.node_detector_cpus
    subsets = split(parts(placement.detector_cpus), placement.node_detector_cpus) if is_parted else ()
    return Plan(
        chosen, placement.streams_per_cell, placement.decoder_cpus, len(subsets) or 1, placement.detector_cpus,
        placement.detector_gpus if gpus else 0.0, subsets,
        decodes_again=bool(subsets) and placement.clones == "decode" and not gpus,
    )  # fmt: skip

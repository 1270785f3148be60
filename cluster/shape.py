"""A shape as a plan: which bundles a cell has, and what runs in them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cluster.settings import Placement

Placed = Literal["fused", "colocated", "spread", "staged"]
Shape = Literal["auto", "fused", "colocated", "spread", "staged"]
"""What may be asked for; ``auto`` is one of the others, as it suits the machine."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One cell: ``decoders`` for a stream each and, if frames leave them, ``detectors`` for meters.

    Each has a bundle of resources of its own, all of them on one node; in ``spread`` the decoders share one bundle, and
    no two bundles share a node.
    """

    shape: Placed
    decoders: int
    decoder_cpus: float
    detectors: int = 0
    detector_cpus: float = 0.0
    detector_gpus: float = 0.0

    @property
    def strategy(self) -> Literal["STRICT_PACK", "STRICT_SPREAD"]:
        """How bundles lie on nodes: all on one, or each on another."""
        return "STRICT_SPREAD" if self.shape == "spread" else "STRICT_PACK"

    @property
    def nodes(self) -> int:
        """How many nodes it takes."""
        return len(self.bundles) if self.shape == "spread" else 1

    @property
    def bundles(self) -> list[dict[str, float]]:
        """Resources of each bundle: decoders first, then detectors."""
        detector = {"CPU": self.detector_cpus} | ({"GPU": self.detector_gpus} if self.detector_gpus else {})
        together = self.shape == "spread"
        decoders = [{"CPU": round(self.decoder_cpus * self.decoders, 4)}] if together else [
            {"CPU": self.decoder_cpus}
        ] * self.decoders  # fmt: skip
        return decoders + [detector] * self.detectors

    def decoder_bundle(self, slot: int) -> int:
        """The bundle that the decoder of a seat is in."""
        return 0 if self.shape == "spread" else slot

    @property
    def detector_bundle(self) -> int:
        """The first bundle of a detector."""
        return 1 if self.shape == "spread" else self.decoders


def plan(shape: Shape, placement: Placement, gpus: float) -> Plan:
    """The plan of a cell.

    Args:
        shape: What is asked for; ``auto`` is ``colocated`` where there is a GPU to be shared, else ``fused``.
        placement: Sizes.
        gpus: What the cluster has.
    """
    chosen: Placed = ("colocated" if gpus else "fused") if shape == "auto" else shape
    if chosen in ("fused", "staged"):
        return Plan(chosen, placement.streams_per_cell, placement.decoder_cpus)
    return Plan(
        chosen, placement.streams_per_cell, placement.decoder_cpus, 1, placement.detector_cpus,
        placement.detector_gpus if gpus else 0.0,
    )  # fmt: skip

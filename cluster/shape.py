"""A shape as a plan: which bundles a cell has, and what runs in them. Pure, and printable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from cluster.settings import Placement

Placed = Literal["fused", "colocated", "spread", "staged"]
Shape = Literal["auto", "fused", "colocated", "spread", "staged"]
"""What may be asked for; ``auto`` is one of the others, as it suits the machine."""

NOT_YET: tuple[Placed, ...] = ("spread",)
"""Shapes that no part of this version can run."""


def runs(shape: Shape) -> Shape:
    """The shape, if this version can run it.

    Raises:
        ValueError: It cannot; the message says what it can.
    """
    if shape in NOT_YET:
        can = ", ".join(one for one in get_args(Shape) if one not in NOT_YET)
        raise ValueError(f"the shape {shape} cannot be run yet; use one of {can}")
    return shape


@dataclass(frozen=True, slots=True)
class Plan:
    """One cell: ``decoders`` bundles for a stream each and, if frames leave them, ``detectors`` bundles for meters."""

    shape: Placed
    decoders: int
    decoder_cpus: float
    detectors: int = 0
    detector_cpus: float = 0.0
    detector_gpus: float = 0.0

    @property
    def bundles(self) -> list[dict[str, float]]:
        """Resources of each bundle: decoders first, then detectors."""
        detector = {"CPU": self.detector_cpus} | ({"GPU": self.detector_gpus} if self.detector_gpus else {})
        return [{"CPU": self.decoder_cpus}] * self.decoders + [detector] * self.detectors

    def text(self) -> str:
        """The plan in words."""
        lines = [f"{self.shape}: one placement group (STRICT_PACK) per {self.decoders} streams"]
        lines.append(f"  {self.decoders} x decoder    {self.decoder_cpus:g} CPU")
        if self.detectors:
            gpus = f", {self.detector_gpus:g} GPU" if self.detector_gpus else ""
            lines.append(f"  {self.detectors} x detector   {self.detector_cpus:g} CPU{gpus}")
            lines.append("  decoder -> detector: object store, one copy in, read in place")
        elif self.shape == "staged":
            lines.append("  decoder -> meters -> judges: a bucket; a task per chunk and meter, at most 8 at once")
        else:
            lines.append("  decoder -> meters: a reference in one process")
        return "\n".join(lines)


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
        "colocated", placement.streams_per_cell, placement.decoder_cpus, 1, placement.detector_cpus,
        placement.detector_gpus if gpus else 0.0,
    )  # fmt: skip

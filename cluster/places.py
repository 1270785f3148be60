"""Where streams sit: cells, decoders and seats, and the names that tell of them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import get_args

from cluster.shape import Placed

_SHAPES: dict[str, Placed] = {shape: shape for shape in get_args(Placed)}
_CELL = re.compile(r"cell/(?P<shape>[a-z]+)/(?P<number>\d+)")
_DECODER = re.compile(r"decoder/(?P<cell>cell/[a-z]+/\d+)/(?P<slot>\d+)")


@dataclass(frozen=True, slots=True)
class Decoder:
    """A process that decodes streams, in a bundle of a cell."""

    cell: str
    slot: int

    @property
    def name(self) -> str:
        """Its name."""
        return f"decoder/{self.cell}/{self.slot}"

    @classmethod
    def parse(cls, name: str) -> Decoder | None:
        """Read a decoder's name; None: it is none."""
        match = _DECODER.fullmatch(name)
        return cls(match["cell"], int(match["slot"])) if match else None


@dataclass(frozen=True, slots=True)
class Seat:
    """Where a stream is decoded: in the process of one slot of a cell. ``apart``: nobody may be put beside it."""

    cell: str
    slot: int
    stream: str
    apart: bool = False

    @property
    def shape(self) -> Placed:
        """That of its cell."""
        return _SHAPES[self.cell.split("/")[1]]

    @property
    def decoder(self) -> Decoder:
        """Its process."""
        return Decoder(self.cell, self.slot)


@dataclass(frozen=True, slots=True)
class Cell:
    """A placement group of ``slots`` seats, each with room for a decoder. ``placed``: nodes have room for it.

    ``decoder_cpus``: processors that it has for each stream. ``lost``: it had a place, and a node of it is gone.
    """

    shape: Placed
    number: int
    slots: int
    placed: bool
    decoder_cpus: float = field(default=0.0, compare=False)
    lost: bool = field(default=False, compare=False)

    @property
    def name(self) -> str:
        """Its name."""
        return cell_name(self.shape, self.number)

    @classmethod
    def parse(
        cls, name: str, bundles: Sequence[Mapping[str, float]], decoder_cpus: float, *, placed: bool,
        beside: float = 0.0, lost: bool = False,
    ) -> Cell | None:  # fmt: skip
        """A cell by its name and the resources of its bundles; None: it is none.

        ``decoder_cpus``: processors of a decoder, as many of which as fit share the first bundle of ``spread``, and of
        ``colocated`` where that has ``beside`` processors for a detector.
        """
        match = _CELL.fullmatch(name)
        shape = _SHAPES.get(match["shape"]) if match else None
        if match is None or shape is None:
            return None
        taken = beside if shape == "colocated" else 0.0
        shared = int((bundles[0]["CPU"] - taken) / decoder_cpus + 1e-6)
        is_shared = shape == "spread" or taken > 0.0
        slots = shared if is_shared else len(bundles) - (shape == "colocated")
        each = decoder_cpus if is_shared else bundles[0]["CPU"]
        return cls(shape, int(match["number"]), slots, placed, each, lost)


def cell_name(shape: Placed, number: int) -> str:
    """A cell's name."""
    return f"cell/{shape}/{number}"


def detector_name(cell: str, number: int = 0) -> str:
    """The name of a detector of a cell."""
    return f"detector/{cell}/{number}" if number else f"detector/{cell}"

"""Where streams sit: cells, decoders and seats, and the names that tell of them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
    def decoder(self) -> Decoder:
        """Its process."""
        return Decoder(self.cell, self.slot)


@dataclass(frozen=True, slots=True)
class Cell:
    """A placement group of ``slots`` seats, each with room for a decoder. ``placed``: nodes have room for it."""

    shape: Placed
    number: int
    slots: int
    placed: bool

    @property
    def name(self) -> str:
        """Its name."""
        return cell_name(self.shape, self.number)

    @classmethod
    def parse(
        cls, name: str, bundles: Sequence[Mapping[str, float]], decoder_cpus: float, *, placed: bool
    ) -> Cell | None:
        """A cell by its name and the resources of its bundles; None: it is none.

        ``decoder_cpus``: processors of a decoder, as many of which as fit share the first bundle of ``spread``.
        """
        match = _CELL.fullmatch(name)
        shape = _SHAPES.get(match["shape"]) if match else None
        if match is None or shape is None:
            return None
        shared = int(bundles[0]["CPU"] / decoder_cpus + 1e-6)
        slots = shared if shape == "spread" else len(bundles) - (shape == "colocated")
        return cls(shape, int(match["number"]), slots, placed)


def cell_name(shape: Placed, number: int) -> str:
    """A cell's name."""
    return f"cell/{shape}/{number}"


def detector_name(cell: str) -> str:
    """The name of a cell's detector."""
    return f"detector/{cell}"

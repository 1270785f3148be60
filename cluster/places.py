"""Where streams sit: cells and seats, and the names that tell of them. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import get_args

from cluster.shape import Placed

_SHAPES: dict[str, Placed] = {shape: shape for shape in get_args(Placed)}
_CELL = re.compile(r"cell/(?P<shape>[a-z]+)/(?P<number>\d+)")
_SEAT = re.compile(r"decoder/(?P<cell>cell/[a-z]+/\d+)/(?P<slot>\d+)/(?P<stream>.+)")


@dataclass(frozen=True, slots=True)
class Seat:
    """A bundle of a cell, and the stream whose decoder is in it."""

    cell: str
    slot: int
    stream: str

    @property
    def name(self) -> str:
        """The decoder's name."""
        return f"decoder/{self.cell}/{self.slot}/{self.stream}"

    @classmethod
    def parse(cls, name: str) -> Seat | None:
        """Read a decoder's name; None: it is none."""
        match = _SEAT.fullmatch(name)
        return cls(match["cell"], int(match["slot"]), match["stream"]) if match else None


@dataclass(frozen=True, slots=True)
class Cell:
    """A placement group of ``slots`` seats. ``placed``: a node has room for it."""

    shape: Placed
    number: int
    slots: int
    placed: bool

    @property
    def name(self) -> str:
        """Its name."""
        return cell_name(self.shape, self.number)

    @classmethod
    def parse(cls, name: str, bundles: int, *, placed: bool) -> Cell | None:
        """A cell by its name and how many bundles it has; None: it is none."""
        match = _CELL.fullmatch(name)
        shape = _SHAPES.get(match["shape"]) if match else None
        if match is None or shape is None:
            return None
        return cls(shape, int(match["number"]), bundles - (shape == "colocated"), placed)


def cell_name(shape: Placed, number: int) -> str:
    """A cell's name."""
    return f"cell/{shape}/{number}"


def detector_name(cell: str) -> str:
    """The name of a cell's detector."""
    return f"detector/{cell}"

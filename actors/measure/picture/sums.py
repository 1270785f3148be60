"""What the kernels return: exact integers per frame, by group. A group computed alone equals the full pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from actors.media import Plane

Group = Literal["luma", "difference", "signature"]

BLOCK = 16
"""Side of a luma block, in pixels. Blocks at the right and lower edges are smaller."""

COLUMNS, ROWS = 16, 9
"""Cells of the signature. Cell (j, i) spans lines ``floor(j*h/9)`` to ``floor((j+1)*h/9)``, columns likewise by 16."""


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """Integers of one frame; None for a group that was not wanted, and for differences without an earlier frame.

    A pixel's code is its low ``depth`` bits.
    """

    sizes: tuple[tuple[int, int], ...]
    """(height, width) of each plane."""
    histogram: NDArray[np.int64] | None
    """(2**depth,) pixels of each luma code."""
    differences: tuple[int, ...] | None
    """Sum of absolute differences to the earlier frame, per plane."""
    block: tuple[int, int] | None
    """Sum of absolute differences and pixels of the luma block where their ratio is largest: the first of equals, and
    (0, 1) where nothing changed."""
    signature: NDArray[np.int64] | None
    """(9, 16) sums of luma codes."""


Planes = tuple[Plane, ...]
Kernel = Callable[[Planes, Planes | None, int, frozenset[Group]], Sums]
"""Planes of a frame, of the frame before it (or None), bit depth, wanted groups."""


class Backend(Protocol):
    """Sums up the frames of a batch."""

    def __call__(
        self, frames: Sequence[Planes], before: Sequence[Planes | None], depth: int, groups: frozenset[Group]
    ) -> list[Sums]:
        """Sum up frames of one format, each compared to the one at its place in ``before``, where there is one."""
        ...


def one_by_one(kernel: Kernel) -> Backend:
    """The backend that runs a kernel over frame after frame."""

    def sums_of(
        frames: Sequence[Planes], before: Sequence[Planes | None], depth: int, groups: frozenset[Group]
    ) -> list[Sums]:
        return [kernel(planes, old, depth, groups) for planes, old in zip(frames, before, strict=True)]

    return sums_of


def edges(length: int, parts: int) -> NDArray[np.int64]:
    """Where the cells of a signature begin, and where the last one ends: (parts + 1,) int64."""
    return np.arange(parts + 1, dtype=np.int64) * length // parts


def sizes(planes: Planes, before: Planes | None) -> tuple[tuple[int, int], ...]:
    """(height, width) of each plane.

    Raises:
        ValueError: The earlier frame has other sizes.
    """
    found = tuple((plane.height, plane.width) for plane in planes)
    if before is not None and found != tuple((plane.height, plane.width) for plane in before):
        raise ValueError(f"cannot compare a frame with planes of {found} to an earlier one of another size")
    return found

"""Luma in 8-bit codes, as the loops take it: all of it, or strips of its columns side by side."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from actors.measure.kernels import compiled
from actors.measure.picture.sums import columns_in_strips, strips
from actors.media import Pixels, Plane

Codes = NDArray[np.uint8]


class Narrowed:
    """A plane without the bits that 8 do not hold, some lines after others; its own lines where it has 8.

    ``codes``: (height, at least width).
    """

    def __init__(self, plane: Plane, depth: int) -> None:
        self._plane, self._depth = plane, depth
        own = plane.lines.dtype == np.uint8
        self.codes: Codes = plane.lines if own else np.empty(plane.pixels.shape, np.uint8)  # type: ignore[assignment]

    def add(self, first: int, last: int) -> None:
        """Lines ``first`` to ``last``."""
        if self.codes is not self._plane.lines:
            _narrow(self._plane.lines, self._depth, (first, last), (0, self._plane.width), self.codes, 0)


class Strips:
    """The columns of :func:`actors.measure.picture.sums.strips` side by side, some lines after others.

    Several loops go down each strip: in lines as wide as a picture every line would be fetched again. ``codes``:
    (height, columns). ``ends``: where each strip ends in it.
    """

    def __init__(self, plane: Plane, depth: int) -> None:
        self._plane, self._depth, self._taken = plane, depth, strips(plane.width)
        self.codes = np.empty((plane.height, columns_in_strips(plane.width)), np.uint8)
        self.ends = np.array([right - left for left, right in self._taken], np.int64).cumsum()

    def add(self, first: int, last: int) -> None:
        """Lines ``first`` to ``last``."""
        place, lines = 0, self._plane.lines
        for left, right in self._taken:
            if lines.dtype == np.uint8:
                self.codes[first:last, place : place + right - left] = lines[first:last, left:right]
            else:
                _narrow(lines, self._depth, (first, last), (left, right), self.codes, place)
            place += right - left


def _narrow(
    lines: Pixels, depth: int, rows: tuple[int, int], columns: tuple[int, int], found: Codes, place: int
) -> None:
    """Put some of ``lines`` into the same ones of ``found``, from column ``place`` on."""
    _kernel()(lines, (1 << depth) - 1, 1 << (24 - depth), *rows, *columns, place, found)


@cache
def _kernel() -> Callable[..., None]:
    from numba import types

    lines, found = types.Array(types.uint16, 2, "C", readonly=True), types.Array(types.uint8, 2, "C")
    return compiled(_shift, "narrow", lines, types.uint16, types.uint16, *[types.uintp] * 5, found)


def _shift(
    lines: Pixels, mask: int, factor: int, first: int, last: int, left: int, right: int, place: int, found: Codes
) -> None:
    """A shift to the right is the upper half of a product of 16 bits, which takes one instruction at any depth."""
    for y in range(first, last):
        for x in range(right - left):
            found[y, place + x] = np.uint8((np.uint32(lines[y, left + x] & mask) * np.uint32(factor)) >> np.uint32(16))

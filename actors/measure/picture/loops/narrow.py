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
        self._whole = np.array([[0, plane.width]], np.uint64)

    def add(self, first: int, last: int) -> None:
        """Lines ``first`` to ``last``."""
        if self.codes is not self._plane.lines:
            _put(self._plane, self._depth, first, last, self._whole, self.codes)


class Strips:
    """The columns of :func:`actors.measure.picture.sums.strips` side by side, some lines after others.

    Several loops go down each strip: in lines as wide as a picture every line would be fetched again. ``codes``:
    (height, columns). ``ends``: where each strip ends in it.
    """

    def __init__(self, plane: Plane, depth: int) -> None:
        self._plane, self._depth = plane, depth
        self._taken = np.array(strips(plane.width), np.uint64)
        self.ends = np.diff(self._taken.astype(np.int64)).cumsum()
        self.codes = np.empty((plane.height, columns_in_strips(plane.width)), np.uint8)

    def add(self, first: int, last: int) -> None:
        """Lines ``first`` to ``last``."""
        _put(self._plane, self._depth, first, last, self._taken, self.codes)


def _put(plane: Plane, depth: int, first: int, last: int, taken: NDArray[np.uint64], found: Codes) -> None:
    """Put ``taken`` (n, 2) columns, from and to, of some lines into the same lines of ``found``, side by side."""
    dtype = plane.lines.dtype
    _kernel(dtype)(plane.lines, (1 << depth) - 1, 1 << min(24 - depth, 15), first, last, taken, found)


@cache
def _kernel(dtype: np.dtype[np.uint8 | np.uint16]) -> Callable[..., None]:
    from numba import from_dtype, types

    pixel, taken = from_dtype(dtype), types.Array(types.uint64, 2, "C")
    return compiled(
        _put_of(dtype == np.uint8), f"narrow_{pixel}", types.Array(pixel, 2, "C", readonly=True), types.uint16,
        types.uint16, types.uintp, types.uintp, taken, types.Array(types.uint8, 2, "C"),
    )  # fmt: skip


def _put_of(own: bool) -> Callable[..., None]:
    """The loop for codes that are narrow, or for others.

    A shift to the right is the upper half of a product of 16 bits, which takes one instruction at any depth.
    """
    bits = np.uint32(16)

    def put(
        lines: Pixels, mask: int, factor: int, first: int, last: int, taken: NDArray[np.uint64], found: Codes
    ) -> None:
        for y in range(first, last):
            place = np.uint64(0)
            for strip in range(taken.shape[0]):
                left, count = taken[strip, 0], taken[strip, 1] - taken[strip, 0]
                for x in range(count):
                    code = lines[y, left + x]
                    upper = (np.uint32(code & mask) * np.uint32(factor)) >> bits
                    found[y, place + x] = np.uint8(code if own else upper)
                place += count

    return put

"""The pixels that stand out most from all eight around them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from actors.measure.kernels import compiled
from actors.measure.picture.sums import SPECK, SPECKS

ONE, TWO = np.uintp(1), np.uintp(2)
PART = 128
"""Columns that are looked at more closely where one of their pixels stands out from those above and below it."""


class Specks:
    """The pixels that stand out most, some lines after others. ``places``: (SPECKS,), as they are kept."""

    def __init__(self, luma: NDArray[np.uint8], width: int) -> None:
        self._luma, self._width = luma, width
        self.places, self._heights = np.full(SPECKS, -1, np.int64), np.full(SPECKS, SPECK - 1, np.int64)
        self._scratch = np.zeros(width, np.uint8)
        self._seek = _kernel()

    def add(self, first: int, last: int) -> None:
        """Lines ``first`` to ``last``: of all but the last one it can be told whether they stand out."""
        self._seek(
            self._luma, self._width, max(first - 1, 1), last - 1, self._scratch, self.places, self._heights
        )


@cache
def _kernel() -> Callable[..., None]:
    from numba import types

    luma, scratch = types.Array(types.uint8, 2, "C", readonly=True), types.Array(types.uint8, 1, "C")
    found = types.Array(types.int64, 1, "C")
    return compiled(_seek, "specks", luma, types.intp, types.intp, types.intp, scratch, found, found)


def _seek(
    luma: NDArray[np.uint8], width: int, first: int, last: int, height: NDArray[np.uint8],
    places: NDArray[np.int64], heights: NDArray[np.int64],
) -> None:  # fmt: skip
    """Put into ``places`` (SPECKS,), by falling ``heights``; of equals the first in the order of reading.

    ``height`` (width,) is scratch: how far each pixel stands out.
    """
    final = len(places) - 1
    for y in range(first, last):
        above, here, below = luma[y - 1], luma[y], luma[y + 1]
        for left in range(0, width - 2, PART):
            begin, end = np.uintp(left), np.uintp(min(left + PART, width - 2))
            highest = np.uint8(0)
            for x in range(begin, end):
                a, b, p = above[x + ONE], below[x + ONE], here[x + ONE]
                top, bottom = max(a, b), min(a, b)
                highest = max(highest, np.uint8(max(p, top) - top), np.uint8(bottom - min(p, bottom)))
            if highest <= heights[final]:
                continue
            highest = np.uint8(0)
            for x in range(begin, end):
                a, b, c, d = above[x], above[x + ONE], above[x + TWO], here[x]
                e, f, g, h = here[x + TWO], below[x], below[x + ONE], below[x + TWO]
                top, bottom, p = max(a, b, c, d, e, f, g, h), min(a, b, c, d, e, f, g, h), here[x + ONE]
                out = max(np.uint8(max(p, top) - top), np.uint8(bottom - min(p, bottom)))
                height[x] = out
                highest = max(highest, out)
            for x in range(begin, end if highest > heights[final] else begin):
                place = final if height[x] > heights[final] else -1
                while place > 0 and heights[place - 1] < height[x]:
                    heights[place], places[place] = heights[place - 1], places[place - 1]
                    place -= 1
                if place >= 0:
                    heights[place], places[place] = np.int64(height[x]), y * width + np.int64(x) + 1

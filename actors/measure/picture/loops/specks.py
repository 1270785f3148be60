"""The pixels that stand out most from all eight around them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from actors.measure.kernels import compiled
from actors.measure.picture.sums import SPECK, SPECKS


def specks(luma: NDArray[np.uint8], width: int) -> NDArray[np.int64]:
    """See :attr:`actors.measure.picture.sums.Sums.specks`."""
    places, heights = np.full(SPECKS, -1, np.int64), np.full(SPECKS, SPECK - 1, np.int64)
    if width > 2 and len(luma) > 2:
        _kernel()(luma, width, np.empty((3, width), np.uint8), places, heights)
    return places


@cache
def _kernel() -> Callable[..., None]:
    from numba import types

    luma, scratch = types.Array(types.uint8, 2, "C", readonly=True), types.Array(types.uint8, 2, "C")
    found = types.Array(types.int64, 1, "C")
    return compiled(_seek, "specks", luma, types.intp, scratch, found, found)


def _seek(
    luma: NDArray[np.uint8], width: int, scratch: NDArray[np.uint8], places: NDArray[np.int64],
    heights: NDArray[np.int64],
) -> None:  # fmt: skip
    """Put into ``places`` (SPECKS,), by falling ``heights``; of equals the first in the order of reading.

    ``scratch`` (3, width): the most and the least of three lines, and how far each pixel stands out.
    """
    most, least, height = scratch[0], scratch[1], scratch[2]
    last = len(places) - 1
    for y in range(1, luma.shape[0] - 1):
        above, here, below = luma[y - 1], luma[y], luma[y + 1]
        for x in range(width):
            most[x] = max(above[x], here[x], below[x])
            least[x] = min(above[x], here[x], below[x])
        highest = np.uint8(0)
        for x in range(1, width - 1):
            top = max(most[x - 1], most[x + 1], above[x], below[x])
            bottom = min(least[x - 1], least[x + 1], above[x], below[x])
            p = here[x]
            out = np.uint8(max(np.uint8(max(p, top) - top), np.uint8(bottom - min(p, bottom))))
            height[x] = out
            highest = max(highest, out)
        if highest <= heights[last]:
            continue
        for x in range(1, width - 1):
            if height[x] <= heights[last]:
                continue
            place = last
            while place > 0 and heights[place - 1] < height[x]:
                heights[place], places[place] = heights[place - 1], places[place - 1]
                place -= 1
            heights[place], places[place] = np.int64(height[x]), y * width + x

"""Pixels whose codes are outside the legal range."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from actors.measure.kernels import compiled
from actors.measure.picture.sums import CHROMA_TOP, LUMA_TOP, Planes, first_of, line_step, low_code, subsampling
from actors.media import Pixels


class Illegal:
    """Pixels that are not legal, some lines after others. ``found``: (1,)."""

    def __init__(self, planes: Planes, depth: int) -> None:
        luma, chroma = planes[0], planes[1:]
        across, down = subsampling(planes) if chroma else (0, 0)
        blue, red = chroma if chroma else (luma, luma)
        self._every = line_step(luma.height)
        self._lines = (luma.lines, luma.width, blue.lines, red.lines, bool(chroma))
        bounds = (low_code(depth), LUMA_TOP << (depth - 8), CHROMA_TOP << (depth - 8))
        self._layout = (self._every, across, down, (1 << depth) - 1, *bounds)
        self._flags = np.zeros((-(-luma.width >> across) + 1) << across, np.uint8)
        self.found = np.zeros(1, np.int64)
        self._count = _kernel(luma.lines.dtype)

    def add(self, first: int, last: int) -> None:
        """Lines ``first`` to ``last`` of luma."""
        begin = first_of(self._every, first)
        self._count(*self._lines, begin, last, *self._layout, self._flags, self.found)


@cache
def _kernel(dtype: np.dtype[np.uint8 | np.uint16]) -> Callable[..., None]:
    from numba import from_dtype, types

    pixel = from_dtype(dtype)
    lines = types.Array(pixel, 2, "C", readonly=True)
    return compiled(
        _count, f"illegal_{pixel}", lines, types.intp, lines, lines, types.boolean, *[types.intp] * 5,
        pixel, pixel, pixel, pixel, types.Array(types.uint8, 1, "C"), types.Array(types.int64, 1, "C"),
    )  # fmt: skip


def _count(
    luma: Pixels, width: int, blue: Pixels, red: Pixels, coloured: bool,
    begin: int, end: int, every: int, across: int, down: int,
    mask: int, low: int, luma_top: int, chroma_top: int, flags: NDArray[np.uint8], found: NDArray[np.int64],
) -> None:  # fmt: skip
    """Add to ``found`` (1,). ``flags``, of whole chroma pixels, are zeros for its own use."""
    columns = ((width - 1) >> across) + 1
    for y in range(begin, end, every):
        if coloured and (every > 1 or y & ((1 << down) - 1) == 0):
            first, second = blue[y >> down], red[y >> down]
            if across == 1:
                for x in range(columns):
                    u, v = first[x] & mask, second[x] & mask
                    flag = np.uint8((u < low) | (u > chroma_top) | (v < low) | (v > chroma_top))
                    flags[2 * x] = flag
                    flags[2 * x + 1] = flag
            else:
                for x in range(width):
                    u, v = first[x >> across] & mask, second[x >> across] & mask
                    flags[x] = np.uint8((u < low) | (u > chroma_top) | (v < low) | (v > chroma_top))
        line = luma[y]
        count = np.uint32(0)
        for x in range(width):
            code = line[x] & mask
            count += np.uint32(flags[x] | np.uint8((code < low) | (code > luma_top)))
        found[0] += np.int64(count)

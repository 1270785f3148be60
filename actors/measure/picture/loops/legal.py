"""Pixels whose codes are outside the legal range."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from actors.measure.kernels import compiled
from actors.measure.picture.sums import CHROMA_TOP, LUMA_TOP, Planes, low_code, subsampling
from actors.media import Pixels

FLUSH = 255
"""Lines that 8 bits can count."""


def illegal(planes: Planes, depth: int, histogram: NDArray[np.int64] | None = None) -> int:
    """See :attr:`actors.measure.picture.sums.Sums.illegal`.

    Where all chroma is legal, as it mostly is, the histogram of luma codes tells, if it is known.
    """
    luma, chroma = planes[0], planes[1:]
    low, top = low_code(depth), LUMA_TOP << (depth - 8)
    if histogram is not None and all(_legal(plane.pixels, low, CHROMA_TOP << (depth - 8)) for plane in chroma):
        return int(histogram[:low].sum() + histogram[top + 1 :].sum())
    across, down = subsampling(planes) if chroma else (0, 0)
    flags = np.zeros((-(-luma.width >> across) + 1) << across, np.uint8)
    found = np.zeros(1, np.int64)
    blue, red = chroma if chroma else (luma, luma)
    _kernel(luma.lines.dtype)(
        luma.lines, luma.width, blue.lines, red.lines, bool(chroma), across, down, (1 << depth) - 1, low,
        top, CHROMA_TOP << (depth - 8), flags, np.zeros(luma.width, np.uint8), found,
    )  # fmt: skip
    return int(found[0])


def _legal(pixels: Pixels, low: int, top: int) -> bool:
    return bool(pixels.min() >= low and pixels.max() <= top)


@cache
def _kernel(dtype: np.dtype[np.uint8 | np.uint16]) -> Callable[..., None]:
    from numba import from_dtype, types

    pixel, codes = from_dtype(dtype), types.Array(types.uint8, 1, "C")
    lines = types.Array(pixel, 2, "C", readonly=True)
    return compiled(
        _count, f"illegal_{pixel}", lines, types.intp, lines, lines, types.boolean, types.intp, types.intp,
        pixel, pixel, pixel, pixel, codes, codes, types.Array(types.int64, 1, "C"),
    )  # fmt: skip


def _count(
    luma: Pixels, width: int, blue: Pixels, red: Pixels, coloured: bool, across: int, down: int,
    mask: int, low: int, luma_top: int, chroma_top: int,
    flags: NDArray[np.uint8], counts: NDArray[np.uint8], found: NDArray[np.int64],
) -> None:  # fmt: skip
    """Add to ``found`` (1,). ``flags``, of whole chroma pixels, and ``counts`` (width,) are zeros for its own use."""
    height = luma.shape[0]
    columns = ((width - 1) >> across) + 1
    for y in range(height):
        if coloured and y & ((1 << down) - 1) == 0:
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
        for x in range(width):
            code = line[x] & mask
            counts[x] += flags[x] | np.uint8((code < low) | (code > luma_top))
        if y % FLUSH == FLUSH - 1 or y == height - 1:
            for x in range(width):
                found[0] += np.int64(counts[x])
                counts[x] = 0

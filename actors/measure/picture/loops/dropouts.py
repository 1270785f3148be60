"""Thin streaks that were not there before, and lines that repeat the one above."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from actors.measure.kernels import compiled
from actors.measure.picture.loops.narrow import Codes
from actors.measure.picture.sums import LIKE, OUTLIER, STRIP, UNLIKE


def dropouts(luma: Codes, before: Codes, taken: list[tuple[int, int]]) -> tuple[int, int]:
    """See :attr:`actors.measure.picture.sums.Sums.dropouts`; ``taken``: strips of columns."""
    found, steps = np.zeros(1, np.int64), np.zeros((2, len(luma)), np.int64)
    flags = np.zeros(STRIP + 8, np.uint8)
    for left, right in taken:
        _kernel()(luma, before, left, right, flags, steps, found)
    down, along = steps
    columns = sum(right - left for left, right in taken)
    repeated = (LIKE * down <= along) & (along >= UNLIKE * columns)
    return int(found[0]), int(repeated[2:-2].sum()) if columns else 0


@cache
def _kernel() -> Callable[..., None]:
    from numba import types

    luma, flags = types.Array(types.uint8, 2, "C", readonly=True), types.Array(types.uint8, 1, "C")
    steps, found = types.Array(types.int64, 2, "C"), types.Array(types.int64, 1, "C")
    return compiled(_scan, "dropouts", luma, luma, types.intp, types.intp, flags, steps, found)


def _scan(
    luma: Codes, before: Codes, left: int, right: int, flags: NDArray[np.uint8],
    steps: NDArray[np.int64], found: NDArray[np.int64],
) -> None:  # fmt: skip
    """Add to ``found`` (1,), and to ``steps`` (2, height): to the line above, and to the pixel at the right.

    ``flags`` (STRIP + 8,) is scratch. All numbers fit 8 bits, but for a line's sums, which fit 16; ``(a & b) + ((a ^ b)
    >> 1)`` is the mean of two without its fraction.
    """
    width = right - left
    for x in range(width, width + 8):
        flags[x] = 0
    for y in range(2, luma.shape[0] - 2):
        highest, above, here = luma[y - 2, left:right], luma[y - 1, left:right], luma[y, left:right]
        below, lowest, then = luma[y + 1, left:right], luma[y + 2, left:right], before[y, left:right]
        down, along, most = np.uint16(0), np.uint16(0), np.uint8(0)
        for x in range(width):
            p, old, a, b, c, d = here[x], then[x], above[x], below[x], highest[x], lowest[x]
            ap, bp = np.uint8(max(a, p) - min(a, p)), np.uint8(max(b, p) - min(b, p))
            cp, dp = np.uint8(max(c, p) - min(c, p)), np.uint8(max(d, p) - min(d, p))
            ab, cd = np.uint8(max(a, b) - min(a, b)), np.uint8(max(c, d) - min(c, d))
            near, far = np.uint8((ap & bp) + ((ap ^ bp) >> 1)), np.uint8((cp & dp) + ((cp ^ dp) >> 1))
            change = np.uint8(max(p, old) - min(p, old))
            near, far = np.uint8(max(near, ab) - ab), np.uint8(max(far, cd) - cd)
            out = np.uint8(min(near, far, change))
            flags[x] = out
            most = max(most, out)
            down = np.uint16(down + ap)
        for x in range(width - 1):
            p, q = here[x], here[x + 1]
            along = np.uint16(along + np.uint8(max(p, q) - min(p, q)))
        steps[0, y] += np.int64(down)
        steps[1, y] += np.int64(along)
        if most <= OUTLIER:
            continue
        for x in range(width):
            flags[x] = np.uint8(flags[x] > OUTLIER)
        for apart in (1, 2, 4):
            for x in range(width):
                flags[x] = flags[x] & flags[x + apart]
        for x in range(width):
            found[0] += np.int64(flags[x])

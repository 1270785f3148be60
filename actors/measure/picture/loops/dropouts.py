"""Thin streaks that were not there before, and lines that repeat the one above."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from actors.measure.kernels import compiled
from actors.measure.picture.loops.narrow import Codes
from actors.measure.picture.sums import LIKE, OUTLIER, STREAK, UNLIKE

ONE = np.uintp(1)


def dropouts(luma: Codes, before: Codes, ends: NDArray[np.int64]) -> tuple[int, int]:
    """See :attr:`actors.measure.picture.sums.Sums.dropouts`; codes (height, columns) of strips that end at ``ends``."""
    height, columns = luma.shape
    found = np.zeros(2, np.int64)
    if columns and height > 4:
        _kernel()(luma, before, ends, np.empty(columns, np.uint8), found)
    return int(found[0]), int(found[1])


@cache
def _kernel() -> Callable[..., None]:
    from numba import types

    luma, outliers = types.Array(types.uint8, 2, "C", readonly=True), types.Array(types.uint8, 1, "C")
    numbers = types.Array(types.int64, 1, "C")
    return compiled(_scan, "dropouts", luma, luma, numbers, outliers, numbers)


def _scan(
    luma: Codes, before: Codes, ends: NDArray[np.int64], outliers: NDArray[np.uint8], found: NDArray[np.int64]
) -> None:
    """Add to ``found`` (2,). ``outliers`` (width,) is scratch: by how much each pixel of a line is one.

    All numbers fit 8 bits, but for a strip's sums, which fit 16. ``(a & b) + ((a ^ b) >> 1)`` is the mean of two,
    without its fraction.
    """
    height, width = luma.shape
    for y in range(2, height - 2):
        highest, above, here, below, lowest = luma[y - 2], luma[y - 1], luma[y], luma[y + 1], luma[y + 2]
        then = before[y]
        most = np.uint8(0)
        for x in range(width):
            p, old, a, b, c, d = here[x], then[x], above[x], below[x], highest[x], lowest[x]
            ap, bp = np.uint8(max(a, p) - min(a, p)), np.uint8(max(b, p) - min(b, p))
            cp, dp = np.uint8(max(c, p) - min(c, p)), np.uint8(max(d, p) - min(d, p))
            ab, cd = np.uint8(max(a, b) - min(a, b)), np.uint8(max(c, d) - min(c, d))
            near, far = np.uint8((ap & bp) + ((ap ^ bp) >> 1)), np.uint8((cp & dp) + ((cp ^ dp) >> 1))
            change = np.uint8(max(p, old) - min(p, old))
            near, far = np.uint8(max(near, ab) - ab), np.uint8(max(far, cd) - cd)
            out = np.uint8(min(near, far, change))
            outliers[x] = out
            most = max(most, out)
        down, along, left = np.int64(0), np.int64(0), np.int64(0)
        for strip in range(ends.shape[0]):
            lines, pixels = np.uint16(0), np.uint16(0)
            for x in range(np.uintp(left), np.uintp(ends[strip] - 1)):
                p, a, q = here[x], above[x], here[x + ONE]
                lines = np.uint16(lines + np.uint8(max(a, p) - min(a, p)))
                pixels = np.uint16(pixels + np.uint8(max(p, q) - min(p, q)))
            left = ends[strip]
            down += np.int64(lines) + abs(np.int64(here[left - 1]) - np.int64(above[left - 1]))
            along += np.int64(pixels)
        found[1] += np.int64(LIKE * down <= along and along >= UNLIKE * width)
        if most > OUTLIER:
            run, strip = 0, 0
            for x in range(width):
                if x == ends[strip]:
                    run, strip = 0, strip + 1
                run = run + 1 if outliers[x] > OUTLIER else 0
                found[0] += np.int64(run >= STREAK)

"""Steps between neighbours over the steps around them: what stands out on the lines of a grid of blocks."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from actors.measure.kernels import compiled
from actors.measure.picture.loops.narrow import Codes
from actors.measure.picture.sums import GRADIENT, Profile, line_step

ONE = np.uint16(1)
SCALE = np.float32(1 << GRADIENT)
AROUND = 7
"""Steps that a step and those around it are."""


def gradients(luma: Codes, width: int, strips: Codes) -> tuple[Profile, Profile, Profile, Profile]:
    """See :attr:`actors.measure.picture.sums.Sums.gradients`; ``strips``: their columns side by side.

    Seven steps fit 16 bits: to say so makes the instructions narrower. A quotient below 2^21 of numbers below 2^21 and
    2^11, rounded to float32 and cut off, is its floor.
    """
    columns, lines = np.zeros((2, width), np.int32), np.zeros((2, len(luma)), np.int64)
    across, down = _kernels()
    if width >= AROUND + 1:
        across(luma, width, line_step(len(luma)), np.empty(width, np.uint8), columns)
    if len(luma) >= AROUND + 1:
        count = strips.shape[1]
        down(strips, np.zeros((AROUND, count), np.uint8), np.zeros(count, np.uint16), lines)
    wide = columns.astype(np.int64)
    return wide[0], lines[0], wide[1], lines[1]


@cache
def _kernels() -> tuple[Callable[..., None], Callable[..., None]]:
    from numba import types

    luma = types.Array(types.uint8, 2, "C", readonly=True)
    codes, columns = types.Array(types.uint8, 1, "C"), types.Array(types.int32, 2, "C")
    ring, lines = types.Array(types.uint8, 2, "C"), types.Array(types.int64, 2, "C")
    return (
        compiled(_across, "grid_across", luma, types.intp, types.intp, codes, columns),
        compiled(_down, "grid_down", luma, ring, types.Array(types.uint16, 1, "C"), lines),
    )


def _across(
    luma: NDArray[np.uint8], width: int, every: int, steps: NDArray[np.uint8], columns: NDArray[np.int32]
) -> None:
    """Add to ``columns`` (2, width): 511 lines at most, of 2^20 at most, fit. ``steps`` (width,) is scratch."""
    quotients, plain = columns[0], columns[1]
    for y in range(1, luma.shape[0], every):
        line = luma[y]
        for x in range(width - 1):
            here, there = line[x], line[x + 1]
            steps[x] = max(here, there) - min(here, there)
        for x in range(width - 7):
            before = np.uint16(np.uint16(np.uint16(steps[x]) + steps[x + 1]) + steps[x + 2])
            after = np.uint16(np.uint16(np.uint16(steps[x + 4]) + steps[x + 5]) + steps[x + 6])
            around, middle = max(np.uint16(before + after), ONE), steps[x + 3]
            plain[x + 3] += np.int32(middle)
            quotients[x + 3] += np.int32(np.float32(np.float32(middle) * SCALE) / np.float32(around))


def _down(
    luma: Codes, ring: NDArray[np.uint8], totals: NDArray[np.uint16], lines: NDArray[np.int64]
) -> None:
    """Add to ``lines`` (2, height): 767 columns at most, of 2^20 at most, fit 32 bits.

    ``ring`` (7, width), the newest steps, and ``totals`` (width,), their sums, are zeros.
    """
    height, width = luma.shape
    for y in range(height - 1):
        newest, middle = y % AROUND, (y - AROUND // 2) % AROUND
        for x in range(width):
            above, below = luma[y, x], luma[y + 1, x]
            step = np.uint8(max(above, below) - min(above, below))
            totals[x] = np.uint16(totals[x] + np.uint16(np.uint16(step) - np.uint16(ring[newest, x])))
            ring[newest, x] = step
        if y < AROUND - 1:
            continue
        quotients, plain = np.int32(0), np.int32(0)
        for x in range(width):
            step = ring[middle, x]
            around = max(np.uint16(totals[x] - np.uint16(step)), ONE)
            plain = np.int32(plain + np.int32(step))
            quotient = np.int32(np.float32(np.float32(step) * SCALE) / np.float32(around))
            quotients = np.int32(quotients + quotient)
        lines[0, y - AROUND // 2] += np.int64(quotients)
        lines[1, y - AROUND // 2] += np.int64(plain)

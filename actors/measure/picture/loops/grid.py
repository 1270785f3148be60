"""Steps between neighbours over the steps around them: what stands out on the lines of a grid of blocks."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from actors.measure.kernels import compiled
from actors.measure.picture.loops.narrow import Codes
from actors.measure.picture.sums import GRADIENT, STRIP, Profile, line_step

ONE = np.int32(1)
SCALE = np.int32(1 << GRADIENT)


def gradients(
    luma: Codes, width: int, strips: Codes, taken: list[tuple[int, int]]
) -> tuple[Profile, Profile, Profile, Profile]:
    """See :attr:`actors.measure.picture.sums.Sums.gradients`; ``taken`` are strips of the columns of ``strips``.

    Six steps fit 16 bits: to say so makes the instructions narrower. A quotient below 2^21 of numbers below 2^21 and
    2^11, rounded to float32 and cut off, is its floor.
    """
    columns, lines = np.zeros((2, width), np.int32), np.zeros((2, len(luma)), np.int64)
    across, down = _kernels()
    if width > 7:
        across(luma, width, line_step(len(luma)), np.empty(width, np.uint8), columns)
    if len(luma) > 7:
        ring = np.empty((8, STRIP), np.uint8)
        for left, right in taken:
            down(strips, left, right, ring, lines)
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
        compiled(_down, "grid_down", luma, types.intp, types.intp, ring, lines),
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
            before = np.int32(steps[x]) + np.int32(steps[x + 1]) + np.int32(steps[x + 2])
            after = np.int32(steps[x + 4]) + np.int32(steps[x + 5]) + np.int32(steps[x + 6])
            around = np.int32(np.uint16(before + after))
            step = np.float32(np.int32(steps[x + 3]) * SCALE)
            plain[x + 3] += np.int32(steps[x + 3])
            quotients[x + 3] += np.int32(step / np.float32(max(around, ONE)))


def _down(luma: NDArray[np.uint8], left: int, right: int, ring: NDArray[np.uint8], lines: NDArray[np.int64]) -> None:
    """Add to ``lines`` (2, height) for columns ``left`` to ``right``. ``ring`` (8, STRIP) holds the newest steps."""
    width = right - left
    for y in range(luma.shape[0] - 1):
        above, below = luma[y, left:right], luma[y + 1, left:right]
        newest = ring[y & 7]
        for x in range(width):
            newest[x] = max(above[x], below[x]) - min(above[x], below[x])
        if y < 6:
            continue
        first, second, third = ring[(y - 6) & 7], ring[(y - 5) & 7], ring[(y - 4) & 7]
        middle, fifth, sixth = ring[(y - 3) & 7], ring[(y - 2) & 7], ring[(y - 1) & 7]
        total, plain = np.int32(0), np.int32(0)
        for x in range(width):
            before = np.int32(first[x]) + np.int32(second[x]) + np.int32(third[x])
            after = np.int32(fifth[x]) + np.int32(sixth[x]) + np.int32(newest[x])
            around = np.int32(np.uint16(before + after))
            step = np.float32(np.int32(middle[x]) * SCALE)
            plain += np.int32(middle[x])
            total += np.int32(step / np.float32(max(around, ONE)))
        lines[0, y - 3] += np.int64(total)
        lines[1, y - 3] += np.int64(plain)

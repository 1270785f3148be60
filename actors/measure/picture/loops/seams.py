"""Blocks that are torn from their neighbours, on a coder's grid and beside it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from actors.measure.kernels import compiled
from actors.measure.picture.sums import BLOCK, SIDE_LINES, TEAR, blocks

TWO = np.int32(2)
ACROSS = 2 * TEAR * len(SIDE_LINES)
DOWN = 2 * TEAR * BLOCK


def torn(luma: NDArray[np.uint8], width: int) -> tuple[int, int]:
    """See :attr:`actors.measure.picture.sums.Sums.torn`."""
    on, off = (_torn(luma, width, shift) for shift in (0, BLOCK // 2))
    return on, off


def _torn(luma: NDArray[np.uint8], width: int, shift: int) -> int:
    sides = np.zeros((blocks(len(luma), shift), blocks(width, shift)), np.uint8)
    if not sides.size:
        return 0
    across, down = _kernels()
    across(luma, width, shift, sides)
    down(luma, shift, np.empty(sides.shape[1] * BLOCK, np.int16), sides)
    return int(np.count_nonzero(sides >= 2))


@cache
def _kernels() -> tuple[Callable[..., None], Callable[..., None]]:
    from numba import types

    luma = types.Array(types.uint8, 2, "C", readonly=True)
    excess, sides = types.Array(types.int16, 1, "C"), types.Array(types.uint8, 2, "C")
    return (
        compiled(_across, "seams_across", luma, types.intp, types.intp, sides),
        compiled(_down, "seams_down", luma, types.intp, excess, sides),
    )


def _across(luma: NDArray[np.uint8], width: int, shift: int, sides: NDArray[np.uint8]) -> None:
    """Add left and right sides to ``sides`` (rows, columns)."""
    rows, columns = sides.shape
    for row in range(rows):
        for column in range(columns + 1):
            x = shift + column * BLOCK
            if x < 2 or x > width - 2:
                continue
            excess = np.int32(0)
            for offset in SIDE_LINES:
                line = luma[shift + row * BLOCK + offset]
                first, second, third, fourth = line[x - 2], line[x - 1], line[x], line[x + 1]
                excess += TWO * np.int32(max(third, second) - min(third, second))
                excess -= np.int32(max(second, first) - min(second, first))
                excess -= np.int32(max(fourth, third) - min(fourth, third))
            if excess > ACROSS:
                if column < columns:
                    sides[row, column] += 1
                if column > 0:
                    sides[row, column - 1] += 1


def _down(luma: NDArray[np.uint8], shift: int, excess: NDArray[np.int16], sides: NDArray[np.uint8]) -> None:
    """Add upper and lower sides to ``sides`` (rows, columns). ``excess`` (16 * columns,) is scratch."""
    rows, columns = sides.shape
    for row in range(rows + 1):
        y = shift + row * BLOCK
        if y < 2 or y > luma.shape[0] - 2:
            continue
        right = shift + columns * BLOCK
        first, second = luma[y - 2, shift:right], luma[y - 1, shift:right]
        third, fourth = luma[y, shift:right], luma[y + 1, shift:right]
        for x in range(columns * BLOCK):
            step = np.int16(max(third[x], second[x]) - min(third[x], second[x]))
            before = np.int16(max(second[x], first[x]) - min(second[x], first[x]))
            after = np.int16(max(fourth[x], third[x]) - min(fourth[x], third[x]))
            excess[x] = np.int16(step + step - before - after)
        for column in range(columns):
            total = np.int32(0)
            for x in range(BLOCK):
                total += np.int32(excess[column * BLOCK + x])
            if total > DOWN:
                if row < rows:
                    sides[row, column] += 1
                if row > 0:
                    sides[row - 1, column] += 1

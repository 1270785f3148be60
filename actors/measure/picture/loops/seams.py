"""Blocks that are torn from their neighbours, on a coder's grid and beside it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from actors.measure.kernels import compiled
from actors.measure.picture.sums import BLOCK, SIDE_LINES, TEAR, blocks

ONE, TWO = np.uintp(1), np.uintp(2)
SIDE_STEP = SIDE_LINES[1] - SIDE_LINES[0]
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
    down(luma, shift, np.empty(sides.shape[1] * BLOCK, np.uint8), sides)
    return int(np.count_nonzero(sides >= 2))


@cache
def _kernels() -> tuple[Callable[..., None], Callable[..., None]]:
    from numba import types

    luma, steps = types.Array(types.uint8, 2, "C", readonly=True), types.Array(types.uint8, 1, "C")
    sides = types.Array(types.uint8, 2, "C")
    return (
        compiled(_across, "seams_across", luma, types.intp, types.intp, sides),
        compiled(_down, "seams_down", luma, types.intp, steps, sides),
    )


def _across(luma: NDArray[np.uint8], width: int, shift: int, sides: NDArray[np.uint8]) -> None:
    """Add left and right sides to ``sides`` (rows, columns). Few steps are large enough to look beside them."""
    rows, columns = sides.shape
    for row in range(rows):
        top, bottom = np.uintp(shift + row * BLOCK + SIDE_LINES[0]), np.uintp(shift + (row + 1) * BLOCK)
        for column in range(columns + 1):
            x = np.uintp(shift + column * BLOCK)
            if x < 2 or x > width - 2:
                continue
            excess = np.int64(0)
            for y in range(top, bottom, np.uintp(SIDE_STEP)):
                excess += 2 * abs(np.int64(luma[y, x]) - np.int64(luma[y, x - ONE]))
            if excess <= ACROSS:
                continue
            for y in range(top, bottom, np.uintp(SIDE_STEP)):
                excess -= abs(np.int64(luma[y, x - ONE]) - np.int64(luma[y, x - TWO]))
                excess -= abs(np.int64(luma[y, x + ONE]) - np.int64(luma[y, x]))
            if excess > ACROSS:
                for side in range(max(column - 1, 0), min(column + 1, columns)):
                    sides[row, side] += 1


def _down(luma: NDArray[np.uint8], shift: int, steps: NDArray[np.uint8], sides: NDArray[np.uint8]) -> None:
    """Add upper and lower sides to ``sides`` (rows, columns), likewise. ``steps`` (16 * columns,) is scratch."""
    rows, columns = sides.shape
    right = shift + columns * BLOCK
    for row in range(rows + 1):
        y = shift + row * BLOCK
        if y < 2 or y > luma.shape[0] - 2:
            continue
        first, second = luma[y - 2, shift:right], luma[y - 1, shift:right]
        third, fourth = luma[y, shift:right], luma[y + 1, shift:right]
        for x in range(columns * BLOCK):
            steps[x] = max(third[x], second[x]) - min(third[x], second[x])
        for column in range(columns):
            total = np.uint16(0)
            for x in range(BLOCK):
                total = np.uint16(total + steps[column * BLOCK + x])
            excess = 2 * np.int64(total)
            if excess <= DOWN:
                continue
            for x in range(column * BLOCK, (column + 1) * BLOCK):
                excess -= abs(np.int64(second[x]) - np.int64(first[x])) + abs(np.int64(fourth[x]) - np.int64(third[x]))
            if excess > DOWN:
                for side in range(max(row - 1, 0), min(row + 1, rows)):
                    sides[side, column] += 1

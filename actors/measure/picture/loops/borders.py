"""How far dark borders reach into a picture: only they are read, and a little more."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from actors.measure.kernels import compiled
from actors.measure.picture.sums import DARK

TOGETHER = 16
"""Columns that are summed up at a time."""


def borders(luma: NDArray[np.uint8], width: int) -> tuple[int, int, int, int]:
    """See :attr:`actors.measure.picture.sums.Sums.borders`."""
    found = np.zeros(4, np.int64)
    lines, columns = _kernels()
    lines(luma, width, found)
    columns(luma, width, np.zeros(TOGETHER, np.uint32), found)
    top, bottom, left, right = found.tolist()
    return top, bottom, left, right


@cache
def _kernels() -> tuple[Callable[..., None], Callable[..., None]]:
    from numba import types

    luma, found = types.Array(types.uint8, 2, "C", readonly=True), types.Array(types.int64, 1, "C")
    totals = types.Array(types.uint32, 1, "C")
    return (
        compiled(_lines, "border_lines", luma, types.intp, found),
        compiled(_columns, "border_columns", luma, types.intp, totals, found),
    )


def _lines(luma: NDArray[np.uint8], width: int, found: NDArray[np.int64]) -> None:
    """Count in the first two of ``found`` (4,), which are zeros."""
    height = luma.shape[0]
    for side in range(2):
        for y in range(height):
            line = luma[y if side == 0 else height - 1 - y]
            total = np.uint32(0)
            for x in range(width):
                total += np.uint32(line[x])
            if total >= (DARK + 1) * width:
                break
            found[side] += 1


def _columns(luma: NDArray[np.uint8], width: int, totals: NDArray[np.uint32], found: NDArray[np.int64]) -> None:
    """Count in the last two of ``found`` (4,), which are zeros. ``totals`` (TOGETHER,) is scratch."""
    height = luma.shape[0]
    for side in range(2):
        inside = True
        for begin in range(0, width, TOGETHER):
            count = min(TOGETHER, width - begin)
            left = begin if side == 0 else width - begin - count
            for x in range(count):
                totals[x] = 0
            for y in range(height):
                line = luma[y, left : left + count]
                for x in range(count):
                    totals[x] += np.uint32(line[x])
            for x in range(count):
                inside = inside and totals[x if side == 0 else count - 1 - x] < (DARK + 1) * height
                if inside:
                    found[2 + side] += 1
            if not inside:
                break

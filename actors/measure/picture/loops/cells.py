"""Sums of a plane's codes over the cells of a signature."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from actors.measure.kernels import compiled
from actors.measure.picture.loops.change import TOGETHER
from actors.measure.picture.sums import COLUMNS, ROWS
from actors.media import Pixels, Plane


class Cells:
    """Sums over cells, some lines after others. ``found``: (9, 16)."""

    def __init__(self, plane: Plane, depth: int, found: NDArray[np.int64]) -> None:
        self._plane, self._mask, self.found = plane, (1 << depth) - 1, found
        wide = depth > 12
        self._sum = _kernel(plane.lines.dtype, wide)
        self._totals = np.zeros(plane.width, np.uint32 if wide else np.uint16)
        self._most = ((1 << 8 * self._totals.itemsize) - 1) // self._mask

    def add(self, first: int, last: int) -> None:
        """Lines ``first`` to ``last``."""
        plane = self._plane
        self._sum(plane.lines, plane.width, self._mask, first, last, self._most, self._totals, self.found)


@cache
def _kernel(dtype: np.dtype[np.uint8 | np.uint16], wide: bool) -> Callable[..., None]:
    """The kernel for a type of pixel; ``wide`` sums have 32 bits, others 16."""
    from numba import from_dtype, types

    pixel, total = from_dtype(dtype), types.uint32 if wide else types.uint16
    lines = types.Array(pixel, 2, "C", readonly=True)
    return compiled(
        _sum, f"cells_{pixel}_{total}", lines, types.intp, pixel, types.intp, types.intp, types.intp,
        types.Array(total, 1, "C"), types.Array(types.int64, 2, "C"),
    )  # fmt: skip


def _sum(
    lines: Pixels, width: int, mask: int, first: int, last: int, most: int,
    totals: NDArray[np.uint32], cells: NDArray[np.int64],
) -> None:  # fmt: skip
    """Add to ``cells`` (9, 16). ``totals`` (width,) is scratch: sums down columns, of ``most`` lines at most."""
    height, begin, cell = lines.shape[0], first, 0
    while begin < last:
        while (cell + 1) * height // ROWS <= begin:
            cell += 1
        end = min(last, begin + most, (cell + 1) * height // ROWS)
        fours = end - (end - begin) % TOGETHER
        for x in range(width):
            totals[x] = 0
        for y in range(begin, fours, TOGETHER):
            a, b, c, d = lines[y], lines[y + 1], lines[y + 2], lines[y + 3]
            for x in range(width):
                totals[x] += (a[x] & mask) + (b[x] & mask) + (c[x] & mask) + (d[x] & mask)
        for y in range(fours, end):
            a = lines[y]
            for x in range(width):
                totals[x] += a[x] & mask
        for column in range(COLUMNS):
            total = np.int64(0)
            for x in range(column * width // COLUMNS, (column + 1) * width // COLUMNS):
                total += np.int64(totals[x])
            cells[cell, column] += total
        begin = end

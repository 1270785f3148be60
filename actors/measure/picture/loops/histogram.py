"""How many pixels have each luma code."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from actors.measure.kernels import compiled
from actors.measure.picture.sums import first_of, line_step
from actors.media import Pixels, Plane

LANES = 8
"""Neighbours counted at a time: one counted where its neighbour was would wait for it, so each has a table."""

TABLE_CODES = 4096
"""Entries of all tables together, as long as one has no more: they share the nearest cache with the lines."""

PADDING = 16
"""Entries between tables: processors take addresses that are 4 KiB apart for the same one, and wait."""


class Histogram:
    """Pixels of each code, some lines after others."""

    def __init__(self, luma: Plane, depth: int) -> None:
        self._luma, self._every, self._codes = luma, line_step(luma.height), 1 << depth
        self._tables = np.zeros((min(LANES, max(1, TABLE_CODES >> depth)), self._codes + PADDING), np.uint32)
        self._count = _kernel(luma.lines.dtype)

    def add(self, first: int, last: int) -> None:
        """Lines ``first`` to ``last``."""
        luma, begin = self._luma, first_of(self._every, first)
        self._count(luma.lines, luma.width, begin, last, self._every, self._codes - 1, self._tables)

    @property
    def found(self) -> NDArray[np.int64]:
        """See :attr:`actors.measure.picture.sums.Sums.histogram`."""
        found: NDArray[np.int64] = self._tables[:, : self._codes].sum(axis=0, dtype=np.int64)
        return found


@cache
def _kernel(dtype: np.dtype[np.uint8 | np.uint16]) -> Callable[..., None]:
    from numba import from_dtype, types

    pixel = from_dtype(dtype)
    lines = types.Array(pixel, 2, "C", readonly=True)
    return compiled(
        _count, f"histogram_{pixel}", lines, *[types.intp] * 4, pixel, types.Array(types.uint32, 2, "C")
    )


def _count(
    lines: Pixels, width: int, begin: int, end: int, every: int, mask: int, tables: NDArray[np.uint32]
) -> None:
    """Add to ``tables`` (a power of two, codes)."""
    one = np.uint32(1)
    last = tables.shape[0] - 1
    whole = width - width % LANES
    for y in range(begin, end, every):
        line = lines[y]
        for x in range(0, whole, LANES):
            for lane in range(LANES):
                tables[lane & last, line[x + lane] & mask] += one
        for x in range(whole, width):
            tables[0, line[x] & mask] += one

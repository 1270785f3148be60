"""How much a plane differs from that of the frame before, and where most."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from actors.measure.kernels import compiled
from actors.measure.picture.sums import BLOCK, compared_lines
from actors.media import Pixels, Plane

TOGETHER = 4
"""Lines that are added up before they go to memory."""


class Change:
    """Differences of a plane, summed up some lines after others.

    ``found`` (3,): the sum, and sum and pixels of the block where their ratio is largest.
    """

    def __init__(self, plane: Plane, before: Plane, depth: int, luma_height: int) -> None:
        self._plane, self._before, self._mask = plane, before, (1 << depth) - 1
        self._compared = compared_lines(plane.height, luma_height)
        self._of_block = len(compared_lines(BLOCK, luma_height))
        wide = depth > 12
        self._scan = _kernel(plane.lines.dtype, wide)
        self._changes = np.zeros(-(-plane.width // BLOCK) * BLOCK, np.uint32 if wide else np.uint16)
        self.found = np.array([0, 0, 1], np.int64)

    def add(self, first: int, last: int) -> None:
        """Lines ``first``, where blocks begin, to ``last``, where they do or the plane ends."""
        row, end = first // BLOCK, -(-last // BLOCK)
        compared = self._compared[row * self._of_block : end * self._of_block]
        self._scan(
            self._plane.lines, self._before.lines, self._plane.width, self._mask, compared, self._of_block,
            self._changes, self.found,
        )  # fmt: skip


@cache
def _kernel(dtype: np.dtype[np.uint8 | np.uint16], wide: bool) -> Callable[..., None]:
    """The kernel for a type of pixel. 16 lines of 12-bit differences just fit 16 bits; ``wide`` ones do not."""
    from numba import from_dtype, types

    pixel, change = from_dtype(dtype), types.uint32 if wide else types.uint16
    lines = types.Array(pixel, 2, "C", readonly=True)
    return compiled(
        _scan_of(dtype.type, np.uint32 if wide else np.uint16), f"change_{pixel}_{change}",
        lines, lines, types.intp, pixel, types.Array(types.int64, 1, "C"), types.intp,
        types.Array(change, 1, "C"), types.Array(types.int64, 1, "C"),
    )  # fmt: skip


def _scan_of(code: type[np.uint8 | np.uint16], total: type[np.uint16 | np.uint32]) -> Callable[..., None]:
    """The loop for a type of codes and one of their sums: to say the types makes the instructions narrow."""

    def scan(
        lines: Pixels, before: Pixels, width: int, mask: int, compared: NDArray[np.int64], of_block: int,
        changes: NDArray[np.uint32], found: NDArray[np.int64],
    ) -> None:  # fmt: skip
        """Add to ``found`` (3,). Of ``compared`` lines each ``of_block`` are of one row of blocks.

        ``changes``, of whole blocks, 0 past ``width``: sums down each column of such a row.
        """
        largest, area = found[1], found[2]
        for first in range(0, compared.shape[0], of_block):
            taken = compared[first : first + of_block]
            fours = taken.shape[0] - taken.shape[0] % TOGETHER
            for x in range(width):
                changes[x] = 0
            for row in range(0, fours, TOGETHER):
                j, k, m, n = taken[row], taken[row + 1], taken[row + 2], taken[row + 3]
                a, b, c, d = lines[j], lines[k], lines[m], lines[n]
                e, f, g, h = before[j], before[k], before[m], before[n]
                for x in range(width):
                    p, q, r, s = code(a[x] & mask), code(b[x] & mask), code(c[x] & mask), code(d[x] & mask)
                    t, u, v, w = code(e[x] & mask), code(f[x] & mask), code(g[x] & mask), code(h[x] & mask)
                    p, q, r, s = (
                        code(max(p, t) - min(p, t)), code(max(q, u) - min(q, u)),
                        code(max(r, v) - min(r, v)), code(max(s, w) - min(s, w)),
                    )
                    changes[x] += total(total(p) + total(q)) + total(total(r) + total(s))
            for y in taken[fours:]:
                a, e = lines[y], before[y]
                for x in range(width):
                    p, t = code(a[x] & mask), code(e[x] & mask)
                    changes[x] += total(code(max(p, t) - min(p, t)))
            for left in range(0, width, BLOCK):
                block = np.uint32(0)
                for x in range(BLOCK):
                    block = np.uint32(block + changes[left + x])
                found[0] += np.int64(block)
                pixels = min(BLOCK, width - left) * taken.shape[0]
                more = np.int64(block) * area > largest * pixels
                largest, area = (np.int64(block), pixels) if more else (largest, area)
        found[1], found[2] = largest, area

    return scan

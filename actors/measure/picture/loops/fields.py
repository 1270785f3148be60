"""How well the fields of a picture, and of it and the one before, fit into each other."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from actors.measure.kernels import compiled
from actors.measure.picture.loops.narrow import Codes
from actors.measure.picture.sums import Weaves


def weaves(luma: Codes, before: Codes, taken: list[tuple[int, int]]) -> Weaves:
    """See :attr:`actors.measure.picture.sums.Sums.weaves`; ``taken``: strips of columns."""
    found = np.zeros((2, 4), np.int64)
    for left, right in taken:
        _kernel()(luma, before, left, right, found)
    (even_then, even_now, even_own, top), (odd_then, odd_now, odd_own, bottom) = found.tolist()
    return odd_then + even_now, even_then + odd_now, even_own + odd_own, top, bottom


@cache
def _kernel() -> Callable[..., None]:
    from numba import types

    luma = types.Array(types.uint8, 2, "C", readonly=True)
    return compiled(_weave, "weaves", luma, luma, types.intp, types.intp, types.Array(types.int64, 2, "C"))


def _weave(
    luma: Codes, before: Codes, left: int, right: int, found: NDArray[np.int64]
) -> None:
    """Add to ``found`` (2, 4), for even lines and odd ones.

    Of each: the line of ``before`` between its neighbours in ``luma``, that of ``luma`` between those of ``before``,
    that of ``luma`` between its own, and how much it has changed.

    16 bits hold the sums of a strip: 128 * 2 * 255 is less than 2^16. To say so makes the instructions narrow.
    """
    width = right - left
    for y in range(2, luma.shape[0] - 2):
        above, here, below = luma[y - 1, left:right], luma[y, left:right], luma[y + 1, left:right]
        over, then, under = before[y - 1, left:right], before[y, left:right], before[y + 1, left:right]
        earlier, later, own, change = np.uint16(0), np.uint16(0), np.uint16(0), np.uint16(0)
        for x in range(width):
            now, old = np.uint16(here[x]), np.uint16(then[x])
            around, around_old = np.uint16(np.uint16(above[x]) + below[x]), np.uint16(np.uint16(over[x]) + under[x])
            twice, twice_old = np.uint16(2 * now), np.uint16(2 * old)
            earlier = np.uint16(earlier + (max(around, twice_old) - min(around, twice_old)))
            later = np.uint16(later + (max(around_old, twice) - min(around_old, twice)))
            own = np.uint16(own + (max(around, twice) - min(around, twice)))
            change = np.uint16(change + (max(now, old) - min(now, old)))
        parity = y & 1
        found[parity, 0] += np.int64(earlier)
        found[parity, 1] += np.int64(later)
        found[parity, 2] += np.int64(own)
        found[parity, 3] += np.int64(change)

"""How well the fields of a picture, and of it and the one before, fit into each other."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from actors.measure.kernels import compiled
from actors.measure.picture.loops.narrow import Codes
from actors.measure.picture.sums import Weaves, weave_step

PART = 128
"""Pixels that are summed up at a time."""


def weaves(luma: Codes, before: Codes) -> Weaves:
    """See :attr:`actors.measure.picture.sums.Sums.weaves`; (height, columns) codes of strips."""
    found = np.zeros((2, 4), np.int64)
    _kernel()(luma, before, weave_step(len(luma)), found)
    (even_then, even_now, even_own, top), (odd_then, odd_now, odd_own, bottom) = found.tolist()
    return odd_then + even_now, even_then + odd_now, even_own + odd_own, top, bottom


@cache
def _kernel() -> Callable[..., None]:
    from numba import types

    luma = types.Array(types.uint8, 2, "C", readonly=True)
    return compiled(_weave, "weaves", luma, luma, types.intp, types.Array(types.int64, 2, "C"))


def _weave(luma: Codes, before: Codes, every: int, found: NDArray[np.int64]) -> None:
    """Add to ``found`` (2, 4), for even lines and odd ones.

    Of each: the line of ``before`` between its neighbours in ``luma``, that of ``luma`` between those of ``before``,
    that of ``luma`` between its own, and how much it has changed.

    16 bits hold the sums of 128 pixels: 128 * 2 * 255 is less than 2^16. To say so makes the instructions narrow.
    """
    height, width = luma.shape
    for y in range(2, height - 2, every):
        above, here, below = luma[y - 1], luma[y], luma[y + 1]
        over, then, under = before[y - 1], before[y], before[y + 1]
        parity = y & 1
        for left in range(0, width, PART):
            earlier, later, own, change = np.uint16(0), np.uint16(0), np.uint16(0), np.uint16(0)
            for x in range(np.uintp(left), np.uintp(min(left + PART, width))):
                now, old = np.uint16(here[x]), np.uint16(then[x])
                around, around_old = np.uint16(np.uint16(above[x]) + below[x]), np.uint16(np.uint16(over[x]) + under[x])
                twice, twice_old = np.uint16(now + now), np.uint16(old + old)
                earlier = np.uint16(earlier + np.uint16(max(around, twice_old) - min(around, twice_old)))
                later = np.uint16(later + np.uint16(max(around_old, twice) - min(around_old, twice)))
                own = np.uint16(own + np.uint16(max(around, twice) - min(around, twice)))
                change = np.uint16(change + np.uint16(max(now, old) - min(now, old)))
            found[parity, 0] += np.int64(earlier)
            found[parity, 1] += np.int64(later)
            found[parity, 2] += np.int64(own)
            found[parity, 3] += np.int64(change)

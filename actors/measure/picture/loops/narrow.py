"""Luma in 8-bit codes, as the loops take it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from actors.measure.kernels import compiled
from actors.measure.picture.sums import strips
from actors.media import Pixels, Plane

Codes = NDArray[np.uint8]


def narrowed(plane: Plane, depth: int) -> Codes:
    """(height, at least width) codes of a plane, without the bits that 8 do not hold; its own lines where it has 8."""
    if plane.lines.dtype == np.uint8:
        return plane.lines  # type: ignore[return-value]
    found = np.empty(plane.pixels.shape, np.uint8)
    _narrow()(plane.lines, (1 << depth) - 1, depth - 8, found)
    return found


def packed(luma: Codes, width: int) -> tuple[Codes, list[tuple[int, int]]]:
    """The columns of :func:`actors.measure.picture.sums.strips` side by side, and where each strip is then.

    Several loops go down each strip: in lines as wide as a picture every line would be fetched again.
    """
    taken = strips(width)
    if len(taken) < 2 or taken[0][1] == taken[1][0]:
        return luma, taken
    ends = np.cumsum([right - left for left, right in taken]).tolist()
    return np.concatenate([luma[:, left:right] for left, right in taken], axis=1), list(pairwise([0, *ends]))


@cache
def _narrow() -> Callable[..., None]:
    from numba import types

    lines = types.Array(types.uint16, 2, "C", readonly=True)
    return compiled(_shift, "narrow", lines, types.uint16, types.uint16, types.Array(types.uint8, 2, "C"))


def _shift(lines: Pixels, mask: int, shift: int, found: NDArray[np.uint8]) -> None:
    for y in range(found.shape[0]):
        line, narrow = lines[y], found[y]
        for x in range(narrow.shape[0]):
            narrow[x] = np.uint8((line[x] & mask) >> shift)

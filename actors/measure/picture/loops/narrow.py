"""Luma in 8-bit codes, as the loops take it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from actors.measure.kernels import compiled
from actors.media import Pixels, Plane


def narrowed(plane: Plane, depth: int) -> NDArray[np.uint8]:
    """(height, at least width) codes of a plane, without the bits that 8 do not hold; its own lines where it has 8."""
    if plane.lines.dtype == np.uint8:
        return plane.lines  # type: ignore[return-value]
    found = np.empty(plane.pixels.shape, np.uint8)
    _narrow()(plane.lines, (1 << depth) - 1, depth - 8, found)
    return found


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

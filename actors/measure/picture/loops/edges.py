"""How wide edges are."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from actors.measure.kernels import compiled
from actors.measure.picture.sums import CONTRAST, SPAN, line_step


def edge(luma: NDArray[np.uint8], width: int) -> tuple[int, int, int]:
    """See :attr:`actors.measure.picture.sums.Sums.edge`."""
    found = np.zeros(3, np.int64)
    if width > SPAN:
        _kernel()(luma, width, line_step(len(luma)), found)
    return int(found[0]), int(found[1]), int(found[2])


@cache
def _kernel() -> Callable[..., None]:
    from numba import types

    luma = types.Array(types.uint8, 2, "C", readonly=True)
    return compiled(_edges, "edges", luma, types.intp, types.intp, types.Array(types.int64, 1, "C"))


def _edges(luma: NDArray[np.uint8], width: int, every: int, found: NDArray[np.int64]) -> None:
    """Add to ``found`` (3,). A line's sums fit 32 bits: products are below 2^16."""
    for y in range(1, luma.shape[0], every):
        line = luma[y]
        products, squares, count = np.uint32(0), np.uint32(0), np.uint32(0)
        for x in range(width - SPAN):
            first, last, here, there = line[x], line[x + SPAN], line[x + SPAN // 2], line[x + SPAN // 2 + 1]
            contrast = np.uint8(max(first, last) - min(first, last))
            step = np.uint8(max(here, there) - min(here, there))
            kept = np.uint8(step if contrast >= CONTRAST else 0)
            products += np.uint32(np.uint16(np.int32(kept) * np.int32(contrast)))
            squares += np.uint32(np.uint16(np.int32(kept) * np.int32(kept)))
            count += np.uint32(contrast >= CONTRAST)
        found[0] += np.int64(products)
        found[1] += np.int64(squares)
        found[2] += np.int64(count)

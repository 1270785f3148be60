"""The arbiter: the sums of a frame in plain NumPy, slow and obvious."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from actors.measure.picture.sums import BLOCK, COLUMNS, ROWS, Group, Planes, Sums, edges, sizes
from actors.media import Plane


def sums(planes: Planes, before: Planes | None, depth: int, groups: frozenset[Group]) -> Sums:
    """Sum up one frame; see :class:`Sums`."""
    shapes = sizes(planes, before)
    luma = _codes(planes[0], depth)
    changes = None
    if "difference" in groups and before is not None:
        changes = [
            np.abs(_codes(plane, depth) - _codes(old, depth)) for plane, old in zip(planes, before, strict=True)
        ]
    return Sums(
        sizes=shapes,
        histogram=np.bincount(luma.ravel(), minlength=1 << depth) if "luma" in groups else None,
        differences=None if changes is None else tuple(int(change.sum()) for change in changes),
        block=None if changes is None else _largest_block(changes[0]),
        signature=_signature(luma) if "signature" in groups else None,
    )


def _codes(plane: Plane, depth: int) -> NDArray[np.int64]:
    return plane.pixels.astype(np.int64) & ((1 << depth) - 1)


def _largest_block(change: NDArray[np.int64]) -> tuple[int, int]:
    largest, area = 0, 1
    for top in range(0, change.shape[0], BLOCK):
        for left in range(0, change.shape[1], BLOCK):
            block = change[top : top + BLOCK, left : left + BLOCK]
            if int(block.sum()) * area > largest * block.size:
                largest, area = int(block.sum()), block.size
    return largest, area


def _signature(luma: NDArray[np.int64]) -> NDArray[np.int64]:
    tops, lefts = edges(luma.shape[0], ROWS), edges(luma.shape[1], COLUMNS)
    return np.array(
        [
            [int(luma[tops[j] : tops[j + 1], lefts[i] : lefts[i + 1]].sum()) for i in range(COLUMNS)]
            for j in range(ROWS)
        ],
        np.int64,
    )

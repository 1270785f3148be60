"""Faults that must show in several of the last pictures: which pictures those are, and what is then new."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from actors.detectors.bursts import Hit
from actors.measure import Rows

WINDOW = 30
"""Pictures that are looked back on."""

KEY = ("epoch", "wrap", "pts", "time", "duration")
Kept = tuple[tuple[int, ...], ...]
"""A row of whole numbers for each of the last pictures, one less than WINDOW at most."""


def appended(kept: Kept, new: NDArray[np.int64]) -> NDArray[np.int64]:
    """(k + n, m) whole numbers: those that are kept, and (n, m) of new rows."""
    return np.concatenate((np.array(kept, np.int64).reshape(-1, new.shape[1]), new))


def keys_of(rows: Rows) -> NDArray[np.int64]:
    """(n, 5): epoch, wrap, PTS, time and duration."""
    return np.stack([rows.columns[name].astype(np.int64) for name in KEY], axis=1)


def newest(values: NDArray[np.int64]) -> Kept:
    """What is to be kept of all rows."""
    return tuple(tuple(row) for row in values[1 - WINDOW :].tolist())


def counts(flags: NDArray[np.generic]) -> NDArray[np.int64]:
    """(n, k): how many of the last WINDOW rows up to each are set."""
    sums = np.cumsum(flags, axis=0, dtype=np.int64)
    before = np.zeros_like(sums)
    before[WINDOW:] = sums[:-WINDOW]
    return sums - before


def hit(
    keys: NDArray[np.int64], flags: NDArray[np.bool_], place: int, index: int, told: int, level: float, kind: str
) -> Hit | None:
    """What the set rows of the window that ends at row ``place`` add to those that were told, up to time ``told``.

    Args:
        keys: (n, 5) of :func:`keys_of`.
        flags: (n,) whether a row shows the fault.
        place: A row.
        index: Its number among the new rows.
        told: Time of the newest row that was told.
        level: How bad it is.
        kind: What it is.
    """
    own = np.flatnonzero(flags[max(place + 1 - WINDOW, 0) : place + 1]) + max(place + 1 - WINDOW, 0)
    own = own[keys[own, 3] > told]
    if not len(own):
        return None
    epoch, wrap, pts, time, _ = (int(value) for value in keys[own[0]])
    return Hit(index, epoch, wrap, pts, time, int(keys[own[-1], 3:].sum()), level, kind)

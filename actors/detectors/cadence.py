"""Runs of equal intervals: what a steady frame rate looks like through rounded timestamps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from actors.clock import TimeBase

ROUNDING_SECONDS = 0.001
"""Containers round timestamps to 1 ms (Matroska, FLV)."""


def equal_steps(intervals: NDArray[np.int64], before: int | None, base: TimeBase) -> NDArray[np.bool_]:
    """Whether each interval equals the one before it, but for rounding.

    Args:
        intervals: (n,) ticks, at least one.
        before: The interval before the first, None if there was none: nothing equals that.
        base: Of the ticks.
    """
    steps = np.diff(intervals, prepend=intervals[0] if before is None else before)
    equal = np.abs(steps) <= base.floor(ROUNDING_SECONDS)
    equal[0] &= before is not None
    return equal


def run_lengths(equal: NDArray[np.bool_], before: int) -> NDArray[np.int64]:
    """How many equal intervals each one ends: 1 where it differs from the one before it.

    Args:
        equal: (n,) from :func:`equal_steps`.
        before: How many the interval before the first ends.
    """
    index = np.arange(len(equal))
    breaks = np.maximum.accumulate(np.where(equal, -1, index))
    return np.where(breaks < 0, before + index + 1, index - breaks + 1)

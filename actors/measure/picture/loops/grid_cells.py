"""How much grids of each period stand out of a profile of gradients."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from actors.measure.kernels import compiled
from actors.measure.picture.sums import Profile

PERIODS = range(3, 25)
"""Sides of blocks that are looked for, in pixels: 8 and 16, and what scaling makes of them (ffmpeg's defaults)."""

MOST = 10.0
"""A cell of the grid counts at most so much: its inside may be quite flat."""

FEWEST = 4
"""Cells that make a grid."""

_FIRST, _STOP = PERIODS.start, PERIODS.stop
_REACH = 3
"""Gradients at each end that have not three steps around them."""

Values = NDArray[np.float64]


def grid_cells(gradients: Profile, steps: Profile) -> tuple[Values, Values, Values]:
    """Look at profiles of n pictures, (n, length) each.

    Returns:
        (n,): the mean gradient on the lines of a grid, of each the greatest of it and its neighbours, over the mean of
        all others, of the period where that is greatest; NaN where there is nothing off any grid.
        (n, periods): the median over cells of the gradient at the cell's end over the mean of those within.
        (n, periods): the median over cells of the step at the cell's end.
    """
    count, length = gradients.shape
    whole, ratios, plain = np.full(count, np.nan), np.ones((count, len(PERIODS))), np.zeros((count, len(PERIODS)))
    peaks, sums = _peaks(gradients), np.zeros((count, length + 1), np.int64)
    gradients.cumsum(axis=1, out=sums[:, 1:])
    on_lines, in_cells = _kernels()
    on_lines(gradients, peaks, sums, whole)
    in_cells(peaks, _peaks(steps), sums, np.empty((2, length)), ratios, plain)
    return whole, ratios, plain


def _peaks(profile: Profile) -> Profile:
    """The greatest of each number and its neighbours."""
    found = profile.copy()
    np.maximum(found[:, 1:], profile[:, :-1], out=found[:, 1:])
    np.maximum(found[:, :-1], profile[:, 1:], out=found[:, :-1])
    return found


@cache
def _kernels() -> tuple[Callable[..., None], Callable[..., None]]:
    from numba import types

    profiles, numbers = types.Array(types.int64, 2, "C"), types.Array(types.float64, 2, "C")
    return (
        compiled(_on_lines, "grid_lines", profiles, profiles, profiles, types.Array(types.float64, 1, "C")),
        compiled(_in_cells, "grid_cells", profiles, profiles, profiles, numbers, numbers, numbers),
    )


def _on_lines(gradients: Profile, peaks: Profile, sums: Profile, whole: Values) -> None:
    """Put the greatest into ``whole`` (n,), which is NaN."""
    count, length = gradients.shape
    for picture in range(count):
        for period in range(_FIRST, _STOP):
            on, total, inside = 0, np.int64(0), np.int64(0)
            for x in range(period - 1, length - _REACH - 1, period):
                if x >= _REACH:
                    on, total, inside = on + 1, total + peaks[picture, x], inside + gradients[picture, x]
            off = max(length - 2 * _REACH - 1, 0) - on
            outside = sums[picture, length] - inside
            if on and off and outside > 0:
                ratio = total / on / (outside / off)
                if not ratio <= whole[picture]:
                    whole[picture] = ratio


def _in_cells(peaks: Profile, steps: Profile, sums: Profile, picked: Values, ratios: Values, plain: Values) -> None:
    """Put medians into ``ratios`` and ``plain`` (n, periods). ``picked`` (2, length) is scratch."""
    count, length = peaks.shape
    for picture in range(count):
        for period in range(_FIRST, _STOP):
            ends = 0
            for x in range(period - 1, length - _REACH - 1, period):
                if x >= period + 2:
                    within, peak = (sums[picture, x] - sums[picture, x - period + 1]) / (period - 1), peaks[picture, x]
                    ratio = peak / within if within > 0 else MOST if peak > 0 else 1.0
                    picked[0, ends], picked[1, ends] = min(ratio, MOST), steps[picture, x]
                    ends += 1
            if ends >= FEWEST:
                ratios[picture, period - _FIRST] = np.median(picked[0, :ends])
                plain[picture, period - _FIRST] = np.median(picked[1, :ends])

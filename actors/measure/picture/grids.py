"""From gradients of luma to how much a grid of blocks shows: the float64 step."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from actors.measure import Columns
from actors.measure.picture.sums import Profile, columns_in_strips, line_step

PERIODS = range(3, 25)
"""Sides of blocks that are looked for, in pixels: 8 and 16, and what scaling makes of them (ffmpeg's defaults)."""

MOST = 10.0
"""A cell of the grid counts at most so much: its inside may be quite flat."""

FEWEST = 4
"""Cells that make a grid."""



def grids(across: Profile, down: Profile, across_steps: Profile, down_steps: Profile) -> Columns:
    """Metrics of the group ``grid``.

    Args:
        across: (n, width) gradients of columns, as in :attr:`actors.measure.picture.sums.Sums.gradients`.
        down: (n, height) gradients of lines.
        across_steps: (n, width) plain steps.
        down_steps: (n, height) plain steps.

    Returns:
        ``blockiness``: Muijs and Kirenko, "A no-reference blocking artifact measure for adaptive video processing",
        2005, as ffmpeg's blockdetect computes it: the mean gradient on the lines of a grid, of each the greatest of it
        and its neighbours, over the mean of all others; the greatest over all periods and both directions.
        ``block_grid``: a single edge, as of a border or of lettering, makes that large. A grid shows in most of its
        cells, in both directions, so here it is the median of what each cell's gradients give.
        ``block_step``: the mean step on that grid in 8-bit codes, likewise. In a picture that is all but flat, steps of
        a single code may form a grid that nobody sees.
    """
    flat = ~(across.any(axis=1) | down.any(axis=1))
    height, width = down.shape[1], across.shape[1]
    cells = np.minimum(_cells(across), _cells(down))
    lines, columns = len(range(1, height, line_step(height))), columns_in_strips(width)
    steps = np.minimum(_on_grid(across_steps) / max(lines, 1), _on_grid(down_steps) / max(columns, 1))
    best = cells.argmax(axis=1)[:, None]
    found = {
        "blockiness": np.fmax(_blockiness(across), _blockiness(down)),
        "block_grid": np.take_along_axis(cells, best, 1)[:, 0],
        "block_step": np.take_along_axis(steps, best, 1)[:, 0],
    }
    return {name: np.where(flat, np.nan, values) for name, values in found.items()}


def _peaks(profile: Profile) -> Profile:
    """The greatest of each gradient and its neighbours."""
    padded = np.pad(profile, ((0, 0), (1, 1)))
    peaks: Profile = np.maximum(np.maximum(padded[:, :-2], padded[:, 2:]), profile)
    return peaks


def _blockiness(profile: Profile) -> NDArray[np.float64]:
    """(n,): NaN where there is nothing off any grid."""
    first, stop = 3, profile.shape[1] - 4
    peaks, total = _peaks(profile), profile.sum(axis=1)
    found = np.full(len(profile), np.nan)
    for period in PERIODS:
        on = np.arange(period - 1, max(stop, 0), period)
        on = on[on >= first]
        off = max(stop - first, 0) - len(on)
        if not len(on) or not off:
            continue
        outside = total - profile[:, on].sum(axis=1)
        ratio = peaks[:, on].mean(axis=1) / (np.maximum(outside, 1) / off)
        found = np.fmax(found, np.where(outside > 0, ratio, np.nan))
    return found


def _cells(profile: Profile) -> NDArray[np.float64]:
    """(n, periods): the median over cells of the gradient at the cell's end over the mean of those within."""
    peaks = _peaks(profile)
    sums = np.pad(np.cumsum(profile, axis=1), ((0, 0), (1, 0)))
    found = np.ones((len(profile), len(PERIODS)))
    for index, period in enumerate(PERIODS):
        on = _ends(profile.shape[1], period)
        if len(on) < FEWEST:
            continue
        within = (sums[:, on] - sums[:, on - period + 1]) / (period - 1)
        alone = np.where(peaks[:, on] > 0, MOST, 1)
        ratio = np.where(within > 0, peaks[:, on] / np.where(within > 0, within, 1), alone)
        found[:, index] = np.median(np.minimum(ratio, MOST), axis=1)
    return found


def _on_grid(steps: Profile) -> NDArray[np.float64]:
    """(n, periods): the median over cells of the step at the cell's end."""
    peaks = _peaks(steps)
    found = np.zeros((len(steps), len(PERIODS)))
    for index, period in enumerate(PERIODS):
        on = _ends(steps.shape[1], period)
        if len(on) >= FEWEST:
            found[:, index] = np.median(peaks[:, on], axis=1)
    return found


def _ends(length: int, period: int) -> NDArray[np.int64]:
    """Where the cells of a grid end that have gradients in all of them."""
    on = np.arange(period - 1, length - 4, period, dtype=np.int64)
    return on[on >= period + 2]

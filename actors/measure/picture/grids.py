"""From gradients of luma to how much a grid of blocks shows: the float64 step."""

from __future__ import annotations

import numpy as np

from actors.measure import Columns
from actors.measure.picture.loops.grid_cells import grid_cells
from actors.measure.picture.sums import Profile, columns_in_strips, line_step


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
    lines, columns = len(range(1, height, line_step(height))), columns_in_strips(width)
    whole_across, ratios_across, plain_across = grid_cells(across, across_steps)
    whole_down, ratios_down, plain_down = grid_cells(down, down_steps)
    ratios = np.minimum(ratios_across, ratios_down)
    steps = np.minimum(plain_across / max(lines, 1), plain_down / max(columns, 1))
    best = ratios.argmax(axis=1)[:, None]
    found = {
        "blockiness": np.fmax(whole_across, whole_down),
        "block_grid": np.take_along_axis(ratios, best, 1)[:, 0],
        "block_step": np.take_along_axis(steps, best, 1)[:, 0],
    }
    return {name: np.where(flat, np.nan, values) for name, values in found.items()}

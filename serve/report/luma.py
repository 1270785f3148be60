"""Mean luma of pictures, from what is stored of them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from actors.measure.picture.sums import COLUMNS, ROWS, edges
from actors.media import VideoFormat

READS = ("luma_mean", "signature", "format")


def mean_luma(rows: pa.Table) -> NDArray[np.float64]:
    """Mean luma in 8-bit codes; where it was not stored, from the means of 16x9 cells, which lack 1/256 code at most.

    Args:
        rows: n rows of one track, with :data:`READS`.

    Returns:
        (n,) float64, NaN where neither was measured.
    """
    found: NDArray[np.float64] = rows["luma_mean"].to_numpy().astype(np.float64)
    wanted = np.isnan(found)
    for text in pc.unique(rows["format"]).to_pylist():
        fmt = VideoFormat.parse(text)
        pixels = np.outer(np.diff(edges(fmt.height, ROWS)), np.diff(edges(fmt.width, COLUMNS))).reshape(-1)
        known = pc.equal(pc.fill_null(pc.list_value_length(rows["signature"]), 0), len(pixels))
        here = wanted & pc.and_(known, pc.equal(rows["format"], text)).to_numpy()
        if here.any():
            cells = pc.list_flatten(rows["signature"].filter(pa.array(here))).to_numpy().reshape(-1, len(pixels))
            found[here] = cells @ (pixels / pixels.sum() / 256)
    return found

"""From what a GPU gives back to the sums of each frame."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from actors.measure.picture.sums import Profile, Sums

Shapes = tuple[tuple[int, int], ...]

BESIDE = ("change", "flash", "weaves", "dropouts")
"""What compares a frame with the one before."""

COUNTS = ("edge", "borders", "torn", "flash", "weaves", "dropouts")
"""What is kept as the numbers that it is."""


def frame_sums(shapes: Shapes, host: dict[str, NDArray[np.int64]], own: int, change: int | None) -> Sums:
    """The sums of one frame.

    Args:
        shapes: (height, width) of each plane.
        host: (frames, numbers) by name; of what compares (:data:`BESIDE`) one row less, for each frame but the first.
        own: The frame's row.
        change: Its row of those; None without a frame before.
    """
    rows = {name: values[own] for name, values in host.items() if name not in BESIDE}
    beside = {name: host[name][change] for name in BESIDE if name in host and change is not None}
    differences = block = None
    if "change" in beside:
        *totals, total, pixels = beside["change"].tolist()
        differences, block = tuple(totals), (total, pixels)
    counts: dict[str, Any] = {
        name: tuple(values.tolist()) for name, values in (rows | beside).items() if name in COUNTS
    }  # fmt: skip
    gradients = rows.get("gradients")
    return Sums(
        shapes, rows.get("histogram"), differences, block, rows.get("signature"), specks=rows.get("specks"),
        colours=rows.get("colours"),
        gradients=None if gradients is None else _profiles(gradients, *shapes[0]),
        illegal=int(rows["illegal"][0]) if "illegal" in rows else None, **counts,
    )  # fmt: skip


def _profiles(row: Profile, height: int, width: int) -> tuple[Profile, Profile, Profile, Profile]:
    columns, lines, column_steps, line_steps = np.split(row, np.cumsum([width, height, width]))
    return columns, lines, column_steps, line_steps

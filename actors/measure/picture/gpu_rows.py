"""From what a GPU gives back to the sums of each frame."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from actors.measure.picture.sums import Profile, Sums

Shapes = tuple[tuple[int, int], ...]


def frame_sums(shapes: Shapes, host: dict[str, NDArray[np.int64]], own: int, change: int | None) -> Sums:
    """The sums of one frame.

    Args:
        shapes: (height, width) of each plane.
        host: (frames, numbers) by name; of ``change`` and ``flash`` one row less, for each frame but the first.
        own: The frame's row.
        change: Its row of those two; None without a frame before.
    """
    differences = block = None
    beside = {name: host[name][change].tolist() for name in ("change", "flash") if name in host and change is not None}
    if "change" in beside:
        *totals, total, pixels = beside["change"]
        differences, block = tuple(totals), (total, pixels)
    rows = {name: values[own] for name, values in host.items() if name not in ("change", "flash")}
    gradients = rows.get("gradients")
    counts = {name: tuple(rows[name].tolist()) for name in ("edge", "borders", "torn") if name in rows}
    return Sums(
        shapes, rows.get("histogram"), differences, block, rows.get("signature"),
        gradients=None if gradients is None else _profiles(gradients, *shapes[0]),
        illegal=int(rows["illegal"][0]) if "illegal" in rows else None,
        flash=tuple(beside["flash"]) if "flash" in beside else None, **counts,
    )  # fmt: skip


def _profiles(row: Profile, height: int, width: int) -> tuple[Profile, Profile, Profile, Profile]:
    columns, lines, column_steps, line_steps = np.split(row, np.cumsum([width, height, width]))
    return columns, lines, column_steps, line_steps

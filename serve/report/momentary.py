"""Momentary loudness of a sound track, from its stored power."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from actors.measure.sound import HOPS
from actors.measure.sound.gating import MOMENTARY, Stretch, whole

COLUMNS = ("hop_samples", "loudness_power", "restarted")


def momentary(rows: pa.Table) -> NDArray[np.float64]:
    """LUFS of the 400 ms that end with each row (BS.1770-4); NaN where they are not whole, or hold no sound.

    Args:
        rows: n rows of one track, with :data:`COLUMNS`.

    Returns:
        (n,) float64.
    """
    found = np.full(len(rows), np.nan)
    counts, power = (rows[name].combine_chunks() for name in COLUMNS[:2])
    if not len(rows) or power.null_count or counts.null_count:
        return found
    powers, samples = (
        values.flatten().to_numpy(zero_copy_only=False).reshape(len(rows), HOPS) for values in (power, counts)
    )  # fmt: skip
    starts = np.flatnonzero(rows["restarted"].to_numpy())
    for first, stop in zip([0, *starts[starts > 0]], [*starts[starts > 0], len(rows)], strict=True):
        there = samples[first:stop].reshape(-1) > 0
        stretch = Stretch.of(whole(powers[first:stop].reshape(-1)[there]), samples[first:stop].reshape(-1)[there])
        ends = np.cumsum((samples[first:stop] > 0).sum(axis=1))
        full = ends >= MOMENTARY
        squares = stretch.mean(ends[full], MOMENTARY)
        with np.errstate(divide="ignore"):
            found[first:stop][full] = np.where(squares > 0, -0.691 + 10 * np.log10(squares), np.nan)
    return found

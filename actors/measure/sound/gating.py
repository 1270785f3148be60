"""Loudness from K-weighted power: windows, gates and what they sum up to (BS.1770-4, EBU Tech 3341 and 3342).

Power is kept as whole numbers, so that sums of any stretch are exact however the rows came in, and gates as histograms,
so that a stream may run for weeks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOMENTARY = 40
"""Hops of a momentary window and of a gating block: 400 ms."""
SHORT = 300
"""Hops of a short-term window: 3 s."""
FLOOR_LUFS = -70.0
"""The absolute gate."""

_UNIT = 2.0**-36
_LOUDEST = 2.0**18
"""Power of a hop that counts at most: +27 LUFS at 48 kHz, so that 3 s fit into 63 bits."""
_ENERGY_UNIT = 2.0**-40
_LOUDEST_MEAN = 16.0
"""Mean square that counts at most in a histogram: +11 LUFS, so that hours fit into 63 bits."""
_BIN_LU = 0.1
_EDGES = 10.0 ** ((FLOOR_LUFS + 0.691 + _BIN_LU * np.arange(1200)) / 10)
"""Mean squares at which the bins of a histogram begin."""

Bins = tuple[tuple[int, int, int], ...]
"""A histogram: number of a bin of 0.1 LU above the absolute gate, values in it, and their summed mean squares."""


def whole(power: NDArray[np.float64]) -> NDArray[np.int64]:
    """Power of hops in whole units of 2^-36; what could not be measured counts as 0."""
    return np.rint(np.fmin(np.fmax(power, 0), _LOUDEST) / _UNIT).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Consecutive hops without a break, with running sums."""

    power: NDArray[np.int64]
    samples: NDArray[np.int64]

    @classmethod
    def of(cls, power: NDArray[np.int64], samples: NDArray[np.int64]) -> Stretch:
        """Take (n,) whole powers and (n,) numbers of samples. The sums may wrap: their differences do not."""
        zero = np.zeros(1, np.int64)
        return cls(np.concatenate((zero, np.cumsum(power))), np.concatenate((zero, np.cumsum(samples))))

    def mean(self, ends: NDArray[np.int64], hops: int) -> NDArray[np.float64]:
        """(k,) mean square of the windows of so many hops that end before hop ``ends``; each at least ``hops``."""
        return _mean_square(self.power[ends] - self.power[ends - hops], self.samples[ends] - self.samples[ends - hops])

    def loudest(self, known: int, hops: int) -> float:
        """The greatest mean square of the windows of so many hops that end with each hop after ``known``; or 0."""
        first = max(known + 1 - hops, 0)
        power = self.power[first + hops :] - self.power[first:-hops]
        samples = self.samples[first + hops :] - self.samples[first:-hops]
        return float(_mean_square(power, samples).max(initial=0.0))


def _mean_square(power: NDArray[np.int64], samples: NDArray[np.int64]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = power.astype(np.float64) * _UNIT / np.maximum(samples, 1)
    return found


def lufs(mean_square: float) -> float:
    """Loudness of a K-weighted mean square above 0 (BS.1770-4, equation 2)."""
    return -0.691 + 10 * math.log10(mean_square)


def mean_square(loudness: float) -> float:
    """The K-weighted mean square of a loudness in LUFS."""
    return float(10 ** ((loudness + 0.691) / 10))


def counted(bins: Bins, values: NDArray[np.float64]) -> Bins:
    """A histogram with (n,) more mean squares in it; those at or below the absolute gate are left out."""
    loud = np.minimum(values[values > _EDGES[0]], _LOUDEST_MEAN)
    if not len(loud):
        return bins
    numbers, inverse = np.unique(np.searchsorted(_EDGES, loud, side="right") - 1, return_inverse=True)
    energy = np.zeros(len(numbers), np.int64)
    np.add.at(energy, inverse, np.rint(loud / _ENERGY_UNIT).astype(np.int64))
    known = {number: (count, total) for number, count, total in bins}
    for number, count, total in zip(numbers.tolist(), np.bincount(inverse).tolist(), energy.tolist(), strict=True):
        before = known.get(number, (0, 0))
        known[number] = (before[0] + count, before[1] + total)
    return tuple((number, *known[number]) for number in sorted(known))


def integrated(bins: Bins) -> float | None:
    """Integrated loudness in LUFS of gating blocks, relative gate at -10 LU; None where no block passes."""
    kept = _gated(bins, 0.1)
    return lufs(_mean(kept)) if kept else None


def loudness_range(bins: Bins) -> float | None:
    """Loudness range in LU of short-term values: 10th to 95th percentile above a gate at -20 LU (Tech 3342)."""
    kept = _gated(bins, 0.01)
    if not kept:
        return None
    last = sum(count for _, count, _ in kept) - 1
    low, high = (lufs(_at_rank(kept, round(last * share))) for share in (0.10, 0.95))
    return high - low


def _gated(bins: Bins, share: float) -> Bins:
    """The bins whose mean lies above a share of the mean of all."""
    gate = _mean(bins) * share if bins else 0.0
    return tuple(entry for entry in bins if _mean((entry,)) > gate)


def _mean(bins: Bins) -> float:
    return sum(total for _, _, total in bins) * _ENERGY_UNIT / sum(count for _, count, _ in bins)


def _at_rank(bins: Bins, rank: int) -> float:
    """The mean of the bin in which the value of a rank lies."""
    for entry in bins:
        rank -= entry[1]
        if rank < 0:
            return _mean((entry,))
    raise ValueError("the rank lies beyond the histogram")

"""The numba kernel of the sound meter: one block at a time, channel by channel, in float64."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from actors.measure.kernels import compiled

CLIPPED = 0.999
"""Full scale, as far as a plateau goes: 16-bit sound reaches 0.99997, and dither takes a little."""

RUN = 3
"""Consecutive samples at full scale that are a plateau."""

QUIET = 1e-30
"""Filter memory below this is dropped at a block's end, before it decays into slow subnormal numbers."""

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@cache
def kernel() -> Callable[..., None]:
    """:func:`block`, compiled."""
    from numba import types

    floats, table, integers = types.float64[::1], types.float64[:, ::1], types.int64[::1]
    return compiled(
        block, "sound_block", types.float32[:, ::1], integers, types.boolean, types.boolean, types.boolean,
        types.int64, types.int64, table, table, floats, table, table, integers,
        *[types.float32[:, ::1]] * 3, types.int32[::1], integers, floats, floats, floats, integers,
    )  # fmt: skip


def block(
    samples: NDArray[np.float32], edges: Integers, fresh: bool, wants_true_peak: bool, wants_loudness: bool,
    left: int, right: int, taps: Floats, stages: Floats, weights: Floats, tails: Floats, memories: Floats,
    runs: Integers, peaks: NDArray[np.float32], jolts: NDArray[np.float32], roughness: NDArray[np.float32],
    onsets: NDArray[np.int32], clipped: Integers, true_peak: Floats, loudness: Floats, stereo: Floats,
    invalid: Integers,
) -> None:  # fmt: skip
    """Measure one block.

    Args:
        samples: (channels, n), n > 0.
        edges: (hops + 1,) where hops begin and the last ends, counted from the block's first sample.
        fresh: Nothing is known of the sound before: filters begin at rest, and the interpolator takes the first sample
            to have stood there, so that sound joined in its middle shows no false peak.
        wants_true_peak: Whether to interpolate.
        wants_loudness: Whether to filter.
        left: Channel of front left; -1 where there is no such pair.
        right: Channel of front right; -1 likewise.
        taps: (4, 12) phases of the interpolator.
        stages: (2, 5) biquads of the K-weighting, run in transposed direct form II.
        weights: (channels,) G.
        tails: (channels, 11) the samples before, moved on.
        memories: (channels, 4) delays of the biquads, moved on.
        runs: (channels,) samples at full scale just before, at most :data:`RUN`, moved on.
        peaks: (10, channels), written for each hop there is.
        jolts: (10, channels), likewise: greatest absolute second difference. The first two samples of all have none.
        roughness: (10, channels), likewise: mean absolute second difference.
        onsets: (10,), written for each hop there is: samples before the first that reaches half of its peak.
        clipped: (channels,), written. A plateau counts as a whole where its third sample lies.
        true_peak: (channels,), written if wanted.
        loudness: (10,), added to if wanted.
        stereo: (3,), written where there is a pair: sums of L * L, R * R and L * R.
        invalid: (1,), written: samples that were not finite, and counted as 0.
    """
    channels, count = samples.shape
    hops, before = len(edges) - 1, tails.shape[1]
    line = np.empty(before + count)
    work = np.empty(count)
    invalid[0] = 0
    if left >= 0:
        stereo[0] = stereo[1] = stereo[2] = 0.0
        for i in range(count):
            own, other = float(samples[left, i]), float(samples[right, i])
            own, other = own if np.isfinite(own) else 0.0, other if np.isfinite(other) else 0.0
            stereo[0] += own * own
            stereo[1] += other * other
            stereo[2] += own * other
    for channel in range(channels):
        run = 0 if fresh else runs[channel]
        plateau = 0
        for i in range(count):
            value = float(samples[channel, i])
            if not np.isfinite(value):
                invalid[0] += 1
                value = 0.0
            line[before + i] = value
            if abs(value) < CLIPPED:
                run = 0
            elif run == RUN:
                plateau += 1
            else:
                run += 1
                if run == RUN:
                    plateau += RUN
        runs[channel], clipped[channel] = run, plateau
        for i in range(before):
            line[i] = line[before] if fresh else tails[channel, i]
        for i in range(before):
            tails[channel, i] = line[count + i]

        for i in range(count):
            work[i] = abs(line[before + i])
        for hop in range(hops):
            peak = 0.0
            for i in range(edges[hop], edges[hop + 1]):
                peak = max(peak, work[i])
            peaks[hop, channel] = peak

        for hop in range(hops):
            total = peak = 0.0
            for i in range(max(edges[hop], 2) if fresh else edges[hop], edges[hop + 1]):
                value = abs(line[before + i] - 2 * line[before + i - 1] + line[before + i - 2])
                total += value
                peak = max(peak, value)
            jolts[hop, channel] = peak
            roughness[hop, channel] = total / (edges[hop + 1] - edges[hop])

        if wants_true_peak:
            for phase in range(4):
                h0, h1, h2, h3 = taps[phase, 0], taps[phase, 1], taps[phase, 2], taps[phase, 3]
                h4, h5, h6, h7 = taps[phase, 4], taps[phase, 5], taps[phase, 6], taps[phase, 7]
                h8, h9, h10, h11 = taps[phase, 8], taps[phase, 9], taps[phase, 10], taps[phase, 11]
                for i in range(count):
                    value = abs(
                        h0 * line[i] + h1 * line[i + 1] + h2 * line[i + 2] + h3 * line[i + 3] + h4 * line[i + 4]
                        + h5 * line[i + 5] + h6 * line[i + 6] + h7 * line[i + 7] + h8 * line[i + 8] + h9 * line[i + 9]
                        + h10 * line[i + 10] + h11 * line[i + 11]
                    )  # fmt: skip
                    work[i] = value if value > work[i] else work[i]
            peak = 0.0
            for i in range(count):
                peak = max(peak, work[i])
            true_peak[channel] = peak

        if wants_loudness:
            b0, b1, b2, a1, a2 = stages[0, 0], stages[0, 1], stages[0, 2], stages[0, 3], stages[0, 4]
            c0, c1, c2, d1, d2 = stages[1, 0], stages[1, 1], stages[1, 2], stages[1, 3], stages[1, 4]
            m0, m1, m2, m3 = memories[channel, 0], memories[channel, 1], memories[channel, 2], memories[channel, 3]
            if fresh:
                m0 = m1 = m2 = m3 = 0.0
            for hop in range(hops):
                total = 0.0
                for i in range(before + edges[hop], before + edges[hop + 1]):
                    x = line[i]
                    y = b0 * x + m0
                    m0 = b1 * x - a1 * y + m1
                    m1 = b2 * x - a2 * y
                    z = c0 * y + m2
                    m2 = c1 * y - d1 * z + m3
                    m3 = c2 * y - d2 * z
                    total += z * z
                loudness[hop] += weights[channel] * total
            memories[channel, 0] = m0 if abs(m0) > QUIET else 0.0
            memories[channel, 1] = m1 if abs(m1) > QUIET else 0.0
            memories[channel, 2] = m2 if abs(m2) > QUIET else 0.0
            memories[channel, 3] = m3 if abs(m3) > QUIET else 0.0

    for hop in range(hops):
        half = peaks[hop, 0]
        for channel in range(1, channels):
            half = max(half, peaks[hop, channel])
        half /= 2
        first, channel = edges[hop + 1] - edges[hop], 0
        while channel < channels and first > 0:
            for i in range(first):
                value = abs(samples[channel, edges[hop] + i])
                if value >= half and np.isfinite(value):
                    first = i
                    break
            channel += 1
        onsets[hop] = first if half > 0 else 0

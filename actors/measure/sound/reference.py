"""The sound meter, slow and obvious: the whole of an unbroken piece at once. The arbiter in tests."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from actors.measure import Columns
from actors.measure.sound import HOPS, front_pair, weighting
from actors.media import AudioFormat, hop_edges


def measure(samples: NDArray[np.float32], format: AudioFormat) -> Columns:
    """Every metric of (channels, n) samples that begin after a break, in rows of 100 ms.

    The filters work on whole signals, so sums may differ from the kernel's in the last bits; counts and peaks may not.
    """
    count = samples.shape[1]
    hops = 1
    while hop_edges(format.rate, 0, hops)[-1] < count:
        hops += 1
    edges = np.minimum(hop_edges(format.rate, 0, hops), count)
    finite = np.isfinite(samples)
    sound = np.where(finite, samples, 0).astype(np.float64)
    weighted = _weighted(sound, format.rate)
    power = np.array([np.sum(weighted[:, a:b] ** 2, axis=1) for a, b in _pairs(edges)]).T
    peaks = np.array([np.abs(sound[:, a:b]).max(axis=1) for a, b in _pairs(edges)], np.float32)
    bends = np.abs(np.pad(np.diff(sound, 2, axis=1), ((0, 0), (min(2, count), 0)))[:, :count])
    jolts = np.array([bends[:, a:b].max(axis=1) for a, b in _pairs(edges)], np.float32)
    roughness = np.array([bends[:, a:b].mean(axis=1) for a, b in _pairs(edges)])
    loudest = np.abs(sound).max(axis=0)
    onsets = np.array([np.argmax(2 * loudest[a:b] >= loudest[a:b].max()) for a, b in _pairs(edges)])
    rows = np.append(edges[:-1:HOPS], count)
    return {
        "hop_samples": _lists(np.diff(edges), 0).astype(np.int32),
        "peaks": _lists(peaks, np.nan).reshape(len(rows) - 1, -1),
        "jolts": _lists(jolts, np.nan).reshape(len(rows) - 1, -1),
        "roughness": _lists(roughness, np.nan).reshape(len(rows) - 1, -1),
        "onsets": _lists(onsets, 0).astype(np.int32),
        "clipped_samples": np.array([_per_row(_plateaus(channel), rows) for channel in sound]).T,
        "true_peak": np.array([[level[a:b].max() for a, b in _pairs(rows)] for level in map(_interpolated, sound)]).T,
        "loudness_power": _lists(weighting.channel_weights(format) @ power, np.nan),
        "stereo_power": np.array([_stereo(sound[:, a:b], format) for a, b in _pairs(rows)]),
        "restarted": np.arange(len(rows) - 1) == 0,
        "invalid_samples": _per_row((~finite).sum(axis=0), rows),
    }


def _stereo(sound: NDArray[np.float64], format: AudioFormat) -> list[float]:
    pair = front_pair(format)
    if pair is None:
        return [np.nan] * 3
    left, right = sound[list(pair)]
    return [float(np.sum(first * second)) for first, second in ((left, left), (right, right), (left, right))]


def _pairs(edges: NDArray[np.int64]) -> list[tuple[int, int]]:
    return list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))


def _lists(values: NDArray[np.generic], missing: float) -> NDArray[np.generic]:
    """Values of hops, ten to a row."""
    padded = np.full((-(-len(values) // HOPS) * HOPS, *values.shape[1:]), missing, values.dtype)
    padded[: len(values)] = values
    return padded.reshape(-1, HOPS, *values.shape[1:])


def _per_row(counts: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.array([counts[a:b].sum() for a, b in _pairs(rows)], np.int64)


def _plateaus(channel: NDArray[np.float64]) -> NDArray[np.int64]:
    """(n,) 3 at the third sample of a plateau, 1 at those that follow it."""
    counts = np.zeros(len(channel), np.int64)
    full = np.abs(channel) >= 0.999
    for i in range(2, len(channel)):
        if full[i - 2 : i + 1].all():
            counts[i] = 1 if i > 2 and full[i - 3] else 3
    return counts


def _interpolated(channel: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) greatest of a sample and the four points that end the interpolator's look at it."""
    line = np.concatenate((np.full(weighting.TAPS - 1, channel[0]), channel))
    points = [np.abs(np.convolve(line, phase, "valid")) for phase in weighting.interpolator()]
    greatest: NDArray[np.float64] = np.max([np.abs(channel), *points], axis=0)
    return greatest


def _weighted(sound: NDArray[np.float64], rate: int) -> NDArray[np.float64]:
    """Both biquads as difference equations."""
    for b0, b1, b2, a1, a2 in weighting.k_weighting(rate):
        x = np.pad(sound, ((0, 0), (2, 0)))
        y = np.zeros_like(x)
        for i in range(2, x.shape[1]):
            y[:, i] = b0 * x[:, i] + b1 * x[:, i - 1] + b2 * x[:, i - 2] - a1 * y[:, i - 1] - a2 * y[:, i - 2]
        sound = y[:, 2:]
    return sound

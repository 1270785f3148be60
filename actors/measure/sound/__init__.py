"""The sound meter: levels, plateaus, true peaks and K-weighted power of a track, block by block, in sequence."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from actors.measure import Columns, Metric
from actors.media import AudioBatch, AudioFormat, hop_edges

HOPS = 10
"""Hops of 10 ms in a row."""

METRICS = (
    Metric("hop_samples", "samples", "int32", "samples of each hop; 0 for a hop that a short row lacks", HOPS),
    Metric("peaks", "full scale", "float32", "greatest absolute sample: per hop, in each one value per channel", -1),
    Metric("jolts", "full scale", "float32", "greatest absolute second difference of samples: per hop and channel", -1),
    Metric("roughness", "full scale", "float32", "mean absolute second difference of samples: per hop and channel", -1),
    Metric("onsets", "samples", "int32", "per hop: before the first that reaches half the peak, in any channel", HOPS),
    Metric("clipped_samples", "samples", "int64", "per channel: samples of plateaus, 3 or more at >= 0.999", -1),
    Metric("true_peak", "full scale", "float64", "per channel: peak, interpolated four times (BS.1770-4)", -1),
    Metric(
        "loudness_power", "full scale^2", "float64",
        "of each hop: sum over channels of G times the sum of K-weighted squares (BS.1770-4)", HOPS,
    ),
    Metric(
        "stereo_power", "full scale^2", "float64",
        "sums of L * L, R * R and L * R over front left and right; null where there is no such pair", 3,
    ),
    Metric("restarted", "", "bool", "the first row after a start or a break: the filters began at rest"),
    Metric("invalid_samples", "samples", "int64", "samples of all channels that were not finite; they count as 0"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SoundState:
    """What the meter remembers of a track of one format.

    ``tails``: per channel the last 11 samples; ``memories``: per channel the four delays of its two biquads; ``runs``:
    per channel the samples at full scale up to now, at most 3.
    """

    format: str
    tails: tuple[float, ...]
    memories: tuple[float, ...]
    runs: tuple[int, ...]


class SoundMeter:
    """Measures audio blocks: ``state, columns = meter.measure(state, batch, wanted)``. It keeps nothing itself.

    Splitting a track's blocks into other batches, and storing the state in between, gives the same bits. A metric never
    depends on what else was wanted, as long as all batches of a track want the same.
    """

    metrics = METRICS

    def start(self, format: AudioFormat) -> SoundState:
        """The state before the first block of a track, and after a change of its format."""
        channels = format.channels
        return SoundState(format.text, (0.0,) * (11 * channels), (0.0,) * (4 * channels), (0,) * channels)

    def measure(self, state: SoundState, batch: AudioBatch, wanted: frozenset[str]) -> tuple[SoundState, Columns]:
        """Measure the blocks of a batch, one row each.

        Args:
            state: From :meth:`start` or the batch before.
            batch: n blocks of the state's format.
            wanted: Names of metrics.

        Returns:
            The next state, and (n,) or (n, k) columns. Hops that a short block lacks are NaN, in ``hop_samples`` 0.
            ``loudness_power`` is NaN throughout where the sample rate is too low for the K-weighting.

        Raises:
            ValueError: If the batch has another format than the state.
        """
        from actors.measure.sound.cpu import kernel

        if batch.format.text != state.format:
            raise ValueError(f"the state is of {state.format!r}, the batch of {batch.format.text!r}")
        channels = batch.format.channels
        tails, memories = np.array(state.tails).reshape(channels, -1), np.array(state.memories).reshape(channels, -1)
        runs = np.array(state.runs, np.int64)
        constants, columns = _constants(batch.format), _empty(len(batch.blocks), batch.format)
        left, right = front_pair(batch.format) or (-1, -1)
        for row, block in enumerate(batch.blocks):
            edges = block_edges(batch.format.rate, block.hop, block.samples.shape[1])
            columns["restarted"][row] = not block.clean
            columns["hop_samples"][row, : len(edges) - 1] = np.diff(edges)
            columns["loudness_power"][row, len(edges) - 1 :] = np.nan
            kernel()(
                np.array(block.samples, np.float32, order="C"), edges, not block.clean, "true_peak" in wanted,
                "loudness_power" in wanted, left, right, *constants, tails, memories, runs,
                *(columns[name][row].reshape(HOPS, channels) for name in ("peaks", "jolts", "roughness")),
                columns["onsets"][row], columns["clipped_samples"][row],
                columns["true_peak"][row], columns["loudness_power"][row], columns["stereo_power"][row],
                columns["invalid_samples"][row : row + 1],
            )  # fmt: skip
        moved = SoundState(
            state.format, tuple(tails.ravel().tolist()), tuple(memories.ravel().tolist()), tuple(runs.tolist())
        )
        return moved, {name: values for name, values in columns.items() if name in wanted}


def block_edges(rate: int, first: int, samples: int) -> NDArray[np.int64]:
    """Where the hops of a block begin and the last one ends, from its first sample; a block may stop within a hop."""
    edges = hop_edges(rate, first, HOPS)
    edges -= edges[0]
    return np.append(edges[edges < samples], samples)


@lru_cache(maxsize=16)
def front_pair(format: AudioFormat) -> tuple[int, int] | None:
    """Numbers of the channels of front left and right, or None where the layout has no such pair."""
    from actors.measure.sound import weighting

    names = weighting.channel_names(format)
    if "FL" in names and "FR" in names:
        return names.index("FL"), names.index("FR")
    return (0, 1) if len(names) == 2 else None


@lru_cache(maxsize=16)
def _constants(format: AudioFormat) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    from actors.measure.sound import weighting

    return weighting.interpolator(), weighting.k_weighting(format.rate), weighting.channel_weights(format)


def _empty(rows: int, format: AudioFormat) -> Columns:
    channels = format.channels
    return {
        "hop_samples": np.zeros((rows, HOPS), np.int32),
        **{name: np.full((rows, HOPS * channels), np.nan, np.float32) for name in ("peaks", "jolts", "roughness")},
        "onsets": np.zeros((rows, HOPS), np.int32),
        "clipped_samples": np.zeros((rows, channels), np.int64),
        "true_peak": np.full((rows, channels), np.nan),
        "loudness_power": np.zeros((rows, HOPS)),
        "stereo_power": np.full((rows, 3), np.nan),
        "restarted": np.zeros(rows, np.bool_),
        "invalid_samples": np.zeros(rows, np.int64),
    }

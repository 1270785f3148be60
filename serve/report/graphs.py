"""A stream's measurements as stacked graphs on one time axis, with its incidents as bands across all of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from serve.report.luma import READS, mean_luma
from serve.report.momentary import COLUMNS, momentary
from serve.report.timeline import LEFT, RIGHT, WIDTH, axis
from serve.terminal.output import clock, counted

if TYPE_CHECKING:
    from serve.report.told import Told

BINS = 500
HEIGHT, GAP = 64, 10
_SILENT_DB = -70.0


@dataclass(frozen=True, slots=True)
class Lane:
    """One graph: n values at n times in seconds. ``low`` and ``high``: the scale's ends; None: as the values reach."""

    name: str
    seconds: NDArray[np.float64]
    values: NDArray[np.float64]
    low: float
    high: float | None


def graphs(stream: Told) -> str:
    """The drawing; nothing where nothing was measured."""
    end = stream.end_seconds
    lanes = [lane for lane in _lanes(stream) if not np.isnan(lane.values).all()] if end > 0 else []
    if not lanes:
        return ""
    bottom = len(lanes) * (HEIGHT + GAP)
    return "".join((
        f'<svg viewBox="0 0 {LEFT + WIDTH + RIGHT} {bottom + 18}" role="img" aria-label="graphs">',
        *axis(end, bottom), *_bands(stream, end, bottom),
        *(drawn(lane, end, place * (HEIGHT + GAP)) for place, lane in enumerate(lanes)), "</svg>",
    ))  # fmt: skip


def _lanes(stream: Told) -> Iterator[Lane]:
    for track in stream.tracks("v"):
        rows = stream.rows("video", track, ["start_seconds", "black_share", "luma_difference", *READS])
        seconds = rows["start_seconds"].to_numpy()
        black, changed = (_numbers(rows[name]) for name in ("black_share", "luma_difference"))
        yield Lane(f"{track} luma", seconds, mean_luma(rows), 0, 255)
        yield Lane(f"{track} black %", seconds, black * 100, 0, 100)
        yield Lane(f"{track} change %", seconds, changed, 0, None)
    for track in stream.tracks("a"):
        rows = stream.rows("audio", track, ["start_seconds", "true_peak", *COLUMNS])
        seconds = rows["start_seconds"].to_numpy()
        yield Lane(f"{track} LUFS", seconds, momentary(rows), _SILENT_DB, 0)
        yield Lane(f"{track} dBTP", seconds, _peaks(rows["true_peak"].to_pylist()), _SILENT_DB, 3)


def _numbers(column: object) -> NDArray[np.float64]:
    values: NDArray[np.float64] = column.to_numpy().astype(np.float64)  # type: ignore[attr-defined]
    return values


def _peaks(rows: list[list[float] | None]) -> NDArray[np.float64]:
    """The greatest of each row's channels in dB; NaN where it was not measured."""
    peaks = np.array([max(row) if row else np.nan for row in rows], np.float64)
    with np.errstate(divide="ignore"):
        decibels: NDArray[np.float64] = np.maximum(20 * np.log10(peaks), _SILENT_DB)
    return decibels


def drawn(lane: Lane, end: float, top: int) -> str:
    """A graph ``top`` pixels down, of ``end`` seconds: its mean, and around it the reach from least to greatest.

    The line breaks where values are missing: where they are twice as far apart as they mostly are.
    """
    least, mean, most = binned(lane.seconds, lane.values, end)
    high = lane.high if lane.high is not None else max(float(np.nanmax(most)), lane.low + 1)
    there = np.flatnonzero(~np.isnan(mean))
    across = LEFT + WIDTH * (there + 0.5) / BINS

    def down(values: NDArray[np.float64]) -> list[float]:
        share = np.clip((values[there] - lane.low) / (high - lane.low), 0, 1)
        return (top + HEIGHT * (1 - share)).tolist()  # type: ignore[no-any-return]

    reach = "".join(
        f"M{x:.1f} {a:.1f}V{b:.1f}" for x, a, b in zip(across, down(most), down(least), strict=True)
    )  # fmt: skip
    apart = np.diff(there)
    breaks = np.concatenate(([True], apart > 2 * np.median(apart))) if len(apart) else [True] * len(there)
    line = "".join(
        f"{'M' if new else 'L'}{x:.1f} {y:.1f}" for new, x, y in zip(breaks, across, down(mean), strict=True)
    )  # fmt: skip
    return (
        f'<line x1="{LEFT}" x2="{LEFT + WIDTH}" y1="{top + HEIGHT}" y2="{top + HEIGHT}"/>'
        f'<text x="0" y="{top + HEIGHT / 2:.0f}">{escape(lane.name)}</text>'
        f'<text x="{LEFT - 4}" y="{top + 9}" text-anchor="end">{high:.3g}</text>'
        f'<text x="{LEFT - 4}" y="{top + HEIGHT}" text-anchor="end">{lane.low:.3g}</text>'
        f'<path class="reach" d="{reach}"/><path class="mean" d="{line}"/>'
    )


def binned(
    seconds: NDArray[np.float64], values: NDArray[np.float64], end: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:  # fmt: skip
    """Least, mean and greatest value of each 500th of the time: (BINS,) each, NaN where there is none."""
    known = ~np.isnan(values)
    place = np.clip((seconds[known] / end * BINS).astype(np.int64), 0, BINS - 1)
    least, most = np.full(BINS, np.inf), np.full(BINS, -np.inf)
    np.minimum.at(least, place, values[known])
    np.maximum.at(most, place, values[known])
    counts = np.bincount(place, minlength=BINS)
    empty = counts == 0
    mean = np.bincount(place, values[known], BINS) / np.maximum(counts, 1)
    return tuple(np.where(empty, np.nan, found) for found in (least, mean, most))  # type: ignore[return-value]


def _bands(stream: Told, end: float, bottom: int) -> Iterator[str]:
    for one in counted(stream.document):
        start, until = max(one["start_seconds"], 0.0), end if one["end_seconds"] is None else one["end_seconds"]
        left = LEFT + WIDTH * min(start, end) / end
        width = max(LEFT + WIDTH * min(until, end) / end - left, 1.0)
        title = f"{one['detector']} {one['track']}: {one['message']}, {clock(start)} to {clock(one['end_seconds'])}"
        yield (
            f'<rect class="band {escape(one["severity"])}" x="{left:.1f}" y="0" width="{width:.1f}"'
            f' height="{bottom}"><title>{escape(title)}</title></rect>'
        )

"""What judges of sound share: rows of 100 ms as rows of 10 ms, and spans that outlast a pause."""

from __future__ import annotations

from functools import reduce
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from actors import spans
from actors.measure import Rows
from actors.media import AudioFormat
from actors.spans import Span

Number = TypeVar("Number", np.int64, np.float32)


def expand(rows: Rows) -> tuple[Rows, NDArray[np.float32]]:
    """One row per hop, and the levels in it: made once, for all judges of the same rows.

    Args:
        rows: n rows with ``hop_samples`` and ``peaks``.

    Returns:
        m rows with the hops' times; their PTS remain those of the rows that they are part of. And (m, channels) peaks.
    """
    if "hops" not in rows.made:
        rows.made["hops"] = _expanded(rows), values(rows, "peaks")
    found: tuple[Rows, NDArray[np.float32]] = rows.made["hops"]
    return found


def loudest(peaks: NDArray[np.float32]) -> NDArray[np.float64]:
    """(m,) the greatest of (m, channels), which numpy takes long to reduce where channels are few."""
    greatest: NDArray[np.float32] = reduce(np.maximum, peaks.T)
    return greatest.astype(np.float64)


def _expanded(rows: Rows) -> Rows:
    columns, rate = rows.columns, AudioFormat.parse(rows.format).rate
    samples = columns["hop_samples"].astype(np.int64, copy=False)
    ends = np.cumsum(samples, axis=1)
    durations = columns["duration"].astype(np.int64)[:, None]
    ticks = ends * rows.base.den // (rate * rows.base.num)
    ticks = np.where(ends == ends[:, -1:], durations, np.minimum(ticks, durations))
    starts = np.concatenate((np.zeros((len(rows), 1), np.int64), ticks[:, :-1]), axis=1)
    there = samples.reshape(-1) > 0
    row = np.repeat(np.arange(len(rows)), np.count_nonzero(samples, axis=1))
    times = {
        "time": _chosen((columns["time"].astype(np.int64)[:, None] + starts).reshape(-1), there),
        "duration": _chosen((ticks - starts).reshape(-1), there),
        **{name: columns[name][row] for name in ("epoch", "wrap", "pts")},
    }
    return Rows(rows.table, rows.track, rows.base, rows.format, rows.first_row, rows.window, times)


def values(rows: Rows, name: str) -> NDArray[np.float32]:
    """A metric of hops and channels as (m, channels), in the order of :func:`expand`."""
    there = rows.columns["hop_samples"].reshape(-1).astype(np.int64) > 0
    channels = AudioFormat.parse(rows.format).channels
    return _chosen(rows.columns[name].astype(np.float32).reshape(len(there), channels), there)


def bridge(
    span: Span, rows: Rows, held: NDArray[np.bool_], hold: int, ended: NDArray[np.bool_] | None = None
) -> NDArray[np.bool_]:
    """Which rows to follow, so that a span goes on across rows that say nothing.

    Args:
        span: What was remembered before these rows.
        rows: n rows.
        held: (n,) whether the condition holds.
        hold: Ticks after which rows that say nothing end the span.
        ended: (n,) whether a row that is not held ends the span at once; the others say nothing. None: no row does.
    """
    if not span.active and not held.any():
        return np.ones(len(held), np.bool_)
    until = spans.row_ends(rows)
    latest = np.maximum.accumulate(np.where(held, until, span.end if span.active else spans.BEFORE))
    telling: NDArray[np.bool_] = held | (until - latest >= hold)
    return telling if ended is None else telling | ended


def _chosen(values: NDArray[Number], there: NDArray[np.bool_]) -> NDArray[Number]:
    """The hops that are there: nearly always all."""
    return values if there.all() else values[there]

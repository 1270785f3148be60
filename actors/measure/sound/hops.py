"""What judges of sound share: rows of 100 ms as rows of 10 ms, and spans that outlast a pause."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from actors import spans
from actors.measure import Rows
from actors.media import AudioFormat
from actors.spans import Span


def expand(rows: Rows) -> tuple[Rows, NDArray[np.float32]]:
    """One row per hop, and the levels in it.

    Args:
        rows: n rows with ``hop_samples`` and ``peaks``.

    Returns:
        m rows with the hops' times; their PTS remain those of the rows that they are part of. And (m, channels) peaks.
    """
    columns, rate = rows.columns, AudioFormat.parse(rows.format).rate
    samples = columns["hop_samples"].astype(np.int64)
    row, hop = np.nonzero(samples)
    ends = np.cumsum(samples, axis=1)
    durations = columns["duration"].astype(np.int64)
    ticks = ends * rows.base.den // (rate * rows.base.num)
    ticks = np.where(ends == ends[:, -1:], durations[:, None], np.minimum(ticks, durations[:, None]))
    starts = np.concatenate((np.zeros((len(rows), 1), np.int64), ticks[:, :-1]), axis=1)
    times = {
        "time": columns["time"].astype(np.int64)[row] + starts[row, hop],
        "duration": (ticks - starts)[row, hop],
        **{name: columns[name][row] for name in ("epoch", "wrap", "pts")},
    }
    fine = Rows(rows.table, rows.track, rows.base, rows.format, rows.first_row, rows.window, times)
    return fine, values(rows, "peaks")


def values(rows: Rows, name: str) -> NDArray[np.float32]:
    """A metric of hops and channels as (m, channels), in the order of :func:`expand`."""
    samples = rows.columns["hop_samples"].astype(np.int64)
    channels = AudioFormat.parse(rows.format).channels
    return rows.columns[name].astype(np.float32).reshape(len(rows), samples.shape[1], channels)[samples > 0]


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
    until = rows.columns["time"].astype(np.int64) + rows.columns["duration"].astype(np.int64)
    latest = np.maximum.accumulate(np.where(held, until, span.end if span.active else spans.BEFORE))
    telling: NDArray[np.bool_] = held | (until - latest >= hold)
    return telling if ended is None else telling | ended

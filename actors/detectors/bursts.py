"""Faults that come in bursts: hits closer together than a hold are one incident."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from actors.incident import UPDATE_SECONDS
from actors.measure import Rows
from actors.spans import BEFORE, IDLE, Moment, Span

MOST_KINDS = 16
"""Kinds that a burst tells apart; what comes after them is ``other``."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One fault, found at row ``index``: where it starts (its key and ``start``), where it ends, how bad, what kind."""

    index: int
    epoch: int
    wrap: int
    pts: int
    start: int
    end: int
    level: float
    kind: str


def hit_at(rows: Rows, index: int, level: float, kind: str) -> Hit:
    """A fault that begins and ends with one row."""
    epoch, wrap, pts, time, duration = (
        int(rows.columns[name][index]) for name in ("epoch", "wrap", "pts", "time", "duration")
    )
    return Hit(index, epoch, wrap, pts, time, time + duration, level, kind)


@dataclass(frozen=True, slots=True)
class Burst:
    """What is remembered of the burst that is open. ``kinds``: how many hits of each; ``reached``: furthest row end."""

    span: Span = IDLE
    kinds: tuple[tuple[str, int], ...] = ()
    reached: int = BEFORE

    @property
    def closing(self) -> Span:
        """The span as :func:`actors.spans.close` takes it at the end of a track."""
        return replace(self.span, reached=self.reached)

    @property
    def hits(self) -> int:
        """Faults so far."""
        return sum(count for _, count in self.kinds)

    @property
    def kind(self) -> str:
        """The most frequent kind; of equals, the first by name."""
        return max(self.kinds, key=lambda kind: (kind[1], [-ord(letter) for letter in kind[0]]))[0]


QUIET = Burst()
"""No burst, and no row yet."""


def gather(burst: Burst, rows: Rows, hits: list[Hit], hold: int) -> tuple[Burst, list[tuple[Moment, Burst]]]:
    """Carry bursts through rows.

    Args:
        burst: What was remembered.
        rows: At least one row.
        hits: In the order of their rows.
        hold: Ticks without a hit that close a burst.

    Returns:
        What to remember, and the moments, each with the burst as it then was.
    """
    time = rows.columns["time"].astype(np.int64)
    reached = np.maximum(np.maximum.accumulate(time + rows.columns["duration"].astype(np.int64)), burst.reached)
    grid = rows.base.ceil(UPDATE_SECONDS)
    moments: list[tuple[Moment, Burst]] = []
    since = 0
    for hit in hits:
        burst = _rest(burst, reached, since, hit.index, hold, moments)
        before, burst, since = burst, _add(burst, hit), hit.index
        if not before.span.opened:
            moments.append((Moment("opened", int(reached[hit.index]), burst.span), burst))
        elif burst.span.end // grid != before.span.end // grid:
            moments.append((Moment("updated", int(reached[hit.index]), burst.span), burst))
    burst = _rest(burst, reached, since, len(rows) - 1, hold, moments)
    return replace(burst, reached=int(reached[-1])), moments


def _rest(
    burst: Burst, reached: NDArray[np.int64], since: int, last: int, hold: int, moments: list[tuple[Moment, Burst]]
) -> Burst:
    """Close the burst if its hold has passed by row ``last``; its newest hit is at row ``since`` or before these."""
    if not burst.span.opened or reached[last] < burst.span.end + hold:
        return burst
    index = max(int(np.searchsorted(reached, burst.span.end + hold)), since)
    moments.append((Moment("closed", int(reached[index]), burst.span), burst))
    return QUIET


def _add(burst: Burst, hit: Hit) -> Burst:
    span = burst.span
    if not span.opened:
        span = Span(True, True, hit.epoch, hit.wrap, hit.pts, hit.start, hit.start)
    span = replace(span, end=max(span.end, hit.end), peak=max(span.peak, hit.level))
    kinds = dict(burst.kinds)
    kind = hit.kind if hit.kind in kinds or len(kinds) < MOST_KINDS else "other"
    kinds[kind] = kinds.get(kind, 0) + 1
    return replace(burst, span=span, kinds=tuple(sorted(kinds.items())))

"""Sudden jumps of loudness.

A jump is a place where each of the 6 half seconds after it is more than so many LU louder than each of the 3 seconds
before it, and none of these is quiet. (Half seconds, so that a bang does not pass; not less, so that speech may pause.)
Of neighbouring places the one with the greatest step is the jump. It lasts while short-term loudness stays that far
above what it was before, to the last row that does so by itself; after a minute the new level is the programme's own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from actors.measure import Rows
from actors.measure.sound import HOPS
from actors.measure.sound.gating import SHORT, Stretch, mean_square
from actors.spans import Moment, Span

Key = tuple[int, int, int, int]
"""Epoch, wrap, PTS and time of a row."""

ROWS = 2 * SHORT // HOPS
"""Rows that are looked at: the 3 seconds before, and the 3 after."""
_SECOND = 100
_LONGEST_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Jump:
    """What is remembered of one jump.

    ``span`` is active from where the jump shows, opened once its place is settled; its peak is the greatest ratio of
    short-term to earlier mean square. ``before``: that earlier one. ``step``: how great the jump is at its place.
    """

    span: Span = field(default_factory=Span)
    before: float = 0.0
    step: float = 0.0


class Line:
    """Hops without a break with the rows that they are in: ``keys`` of known rows, then new ``rows``."""

    def __init__(self, stretch: Stretch, rows: Rows, keys: tuple[Key, ...], reached: int) -> None:
        until = rows.columns["time"].astype(np.int64) + rows.columns["duration"].astype(np.int64)
        self.rows = rows
        self.reached: NDArray[np.int64] = np.maximum(np.maximum.accumulate(until), reached)
        self._keys = keys
        full = (len(stretch.power) - 1) // HOPS - len(keys)
        self._ends = (np.arange(full, dtype=np.int64) + len(keys) + 1) * HOPS
        self._stretch = stretch

    def key(self, row: int) -> Key:
        """The key of a row, counted from the first new one; negative for known ones."""
        if row < 0:
            return self._keys[row]
        epoch, wrap, pts, time = (int(self.rows.columns[name][row]) for name in ("epoch", "wrap", "pts", "time"))
        return epoch, wrap, pts, time

    def first_key(self) -> Key:
        """The key of the first new row."""
        return self.key(0)

    def newest_keys(self) -> tuple[Key, ...]:
        """The keys to remember."""
        new = (self.rows.columns[name][-ROWS:].tolist() for name in ("epoch", "wrap", "pts", "time"))
        return (*self._keys, *zip(*new, strict=True))[-ROWS:]

    def mean(self, back: int, width: int) -> NDArray[np.float64]:
        """(full rows,) mean square of the windows that end ``back`` hops before each row's end; 0 where none fits."""
        values = np.zeros(len(self._ends))
        fits = self._ends >= back + width
        values[fits] = self._stretch.mean(self._ends[fits] - back, width)
        return values


def follow(jump: Jump, line: Line, jump_lu: float, quiet_lufs: float) -> tuple[Jump, list[Moment]]:
    """Find jumps at the ends of full new rows."""
    least = 10 ** (jump_lu / 10)
    before, short, own = line.mean(SHORT, SHORT), line.mean(0, SHORT), line.mean(0, HOPS)
    after = np.min([line.mean(back, _SECOND // 2) for back in range(0, SHORT, _SECOND // 2)], axis=0)
    seconds = [line.mean(back, _SECOND) for back in range(SHORT, 2 * SHORT, _SECOND)]
    earlier = np.max(seconds, axis=0)
    held = (np.min(seconds, axis=0) > mean_square(quiet_lufs)) & (after > least * earlier)
    longest = line.rows.base.ceil(_LONGEST_SECONDS)
    moments: list[Moment] = []
    row, count = 0, len(short)
    while row < count:
        if not jump.span.active:
            row = _first(held, row)
            if row < count:
                jump = Jump(Span(active=True))
        elif not jump.span.opened:
            stop = _first(~held, row)
            jump = _settled(jump, line, row, after[row:stop] / earlier[row:stop], short, before)
            row = stop
            if row < count:
                jump = replace(jump, span=replace(jump.span, opened=True))
                moments.append(_moment("opened", int(line.reached[row]), jump))
        else:
            over = (short <= least * jump.before) | (line.reached[:count] - jump.span.start > longest)
            stop = _first(over, row)
            loud = np.flatnonzero(own[row:stop] > least * jump.before)
            end = int(line.reached[row + loud[-1]]) if len(loud) else jump.span.end
            peak = max(jump.span.peak, float(short[row:stop].max(initial=0.0)) / jump.before)
            jump = replace(jump, span=replace(jump.span, end=end, peak=peak))
            row = stop
            if row < count:
                moments.append(_moment("closed", int(line.reached[row]), jump))
                jump = Jump()
    return jump, moments


def end(jump: Jump, at: int) -> list[Moment]:
    """The sound breaks off: a jump that shows is one, and one that is open closes."""
    if not jump.span.active:
        return []
    kinds: tuple[Literal["opened", "closed"], ...] = ("closed",) if jump.span.opened else ("opened", "closed")
    return [_moment(kind, at, jump) for kind in kinds]


def _settled(
    jump: Jump, line: Line, row: int, steps: NDArray[np.float64], short: NDArray[np.float64],
    before: NDArray[np.float64],
) -> Jump:  # fmt: skip
    """The jump at the best of the places so far, and those at the rows from ``row`` on with their steps."""
    if not len(steps) or steps.max() <= jump.step:
        return jump
    best = row + int(steps.argmax())
    place = line.key(best + 1 - SHORT // HOPS)
    span = Span(True, False, *place, end=int(line.reached[best]), peak=float(short[best] / before[best]))
    return Jump(span, float(before[best]), float(steps.max()))


def _first(condition: NDArray[np.bool_], row: int) -> int:
    """The first row from ``row`` on where a condition holds, or how many there are."""
    found = condition[row:].argmax() if row < len(condition) else 0
    return row + int(found) if row < len(condition) and condition[row + found] else len(condition)


def _moment(kind: Literal["opened", "closed"], at: int, jump: Jump) -> Moment:
    """A moment whose peak is in LU."""
    return Moment(kind, at, replace(jump.span, peak=10 * math.log10(jump.span.peak)))

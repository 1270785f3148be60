"""Levels that rise at once out of what was even, and soon fall again: a flash among pictures, a beep in silence."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from actors.measure import Rows
from actors.spans import BEFORE, IDLE, Moment, Span, begin


@dataclass(frozen=True, slots=True)
class Pulse:
    """What is remembered of a track.

    ``levels``: the newest, since the last break. ``span``: what may be a pulse, from its onset. ``floor``: the level
    below which it is over. ``reached``: the furthest end of any row.
    """

    levels: tuple[float, ...] = ()
    span: Span = IDLE
    floor: float = 0.0
    reached: int = BEFORE


@dataclass(frozen=True, slots=True)
class Levels:
    """Rows with what pulses need of them, (n,) each.

    ``broken``: whether something is missing before the row. ``begins``: whether a pulse may begin in it; then ``onset``
    is the tick where, ``floor`` the level below which it is over, and ``peak`` what its span says.
    """

    rows: Rows
    level: NDArray[np.float64]
    broken: NDArray[np.bool_]
    begins: NDArray[np.bool_]
    onset: NDArray[np.int64]
    floor: NDArray[np.float64]
    peak: NDArray[np.float64]


def before(
    state: Pulse, level: NDArray[np.float64], broken: NDArray[np.bool_], width: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The levels before each row.

    Args:
        state: What was remembered.
        level: (n,).
        broken: (n,) whether something is missing before the row.
        width: How many levels.

    Returns:
        (width - 1 + n,) levels, from the first of the ``width`` before the first row to the one before the last, NaN
        where there was none; and (n,) whether there are so many since the last break.
    """
    known = np.concatenate((np.full(width, np.nan), state.levels, level))[len(state.levels) :]
    index = np.arange(len(level))
    since = index - np.maximum.accumulate(np.where(broken, index, -width))
    return known[:-1], since >= width


def follow(state: Pulse, levels: Levels, width: int, longest: int) -> tuple[Pulse, list[Moment]]:
    """Find pulses. Any split of the rows gives the same.

    Args:
        state: What was remembered.
        levels: At least one row.
        width: How many levels are to be remembered.
        longest: Ticks that a pulse may last; what lasts longer is none.

    Returns:
        What to remember, and a marker for each pulse that is over: its span, decided by the row in which it was.
    """
    rows, count = levels.rows, len(levels.rows)
    time = rows.columns["time"].astype(np.int64)
    until = time + rows.columns["duration"].astype(np.int64)
    reached = np.maximum(np.maximum.accumulate(until), state.reached)
    places = np.flatnonzero(levels.begins).tolist()
    span, floor, moments = state.span, state.floor, []
    index = 0
    while index < count:
        if not span.active:
            place = bisect_left(places, index)
            if place == len(places):
                break
            index = places[place]
            span = replace(begin(rows, index), start=int(levels.onset[index]), peak=float(levels.peak[index]))
            floor = float(levels.floor[index])
            index += 1
        elif levels.broken[index] or time[index] - span.start > longest:
            span = IDLE
        elif levels.level[index] < floor:
            moments.append(Moment("marker", int(reached[index]), replace(span, end=int(time[index]))))
            span = IDLE
        else:
            index += 1
    return Pulse(_newest(state, levels, width), span, floor, int(reached[-1])), moments


def _newest(state: Pulse, levels: Levels, width: int) -> tuple[float, ...]:
    breaks = np.flatnonzero(levels.broken)
    kept = levels.level[breaks[-1] :].tolist() if len(breaks) else [*state.levels, *levels.level.tolist()]
    return tuple(kept[-width:])

"""Opposing changes of light, counted: the state machine of flashes, for luminance and for saturated red alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

SCALE = 1 << 20
"""Changes are kept as whole numbers of this fraction, so that sums of them do not depend on how rows are split."""

SECONDS, STEADY_SECONDS = 1, 5
"""Over which transitions are counted, and over which stretches with some of them are added up."""


@dataclass(frozen=True, slots=True)
class Transition:
    """A row at which light has changed enough. ``until``: when it stops being shown."""

    time: int
    until: int
    epoch: int
    wrap: int
    pts: int


@dataclass(frozen=True, slots=True)
class Trail:
    """What is remembered of one kind of light.

    ``times`` and ``changes``: of the rows of the last second. ``transitions``: those of that second. ``steady``: starts
    and ends of the stretches, in the last five seconds, in which there were some transitions a second, but not too
    many.
    """

    times: tuple[int, ...] = ()
    changes: tuple[int, ...] = ()
    transitions: tuple[Transition, ...] = ()
    steady: tuple[tuple[int, int], ...] = ()


def crossings(
    trail: Trail, times: NDArray[np.int64], changes: NDArray[np.float64], threshold: float, second: int
) -> tuple[Trail, NDArray[np.bool_]]:
    """Find the rows at which what has changed one way, in the last second, reaches a threshold.

    Changes add up while none goes the other way; those older than a second are taken away again.

    Args:
        trail: What was remembered.
        times: (n,) ticks that never step back, at least one.
        changes: (n,) of light from the frame before.
        threshold: That a sum of changes must reach.
        second: Ticks.

    Returns:
        What to remember, its transitions left as they were; and (n,) whether a row crosses.
    """
    old = len(trail.times)
    at = np.concatenate((np.array(trail.times, np.int64), times))
    every = np.concatenate((np.array(trail.changes, np.int64), np.rint(changes * SCALE).astype(np.int64)))
    places = np.arange(len(every))
    way = np.sign(every)
    way = way[np.maximum.accumulate(np.where(way != 0, places, 0))]
    turned = np.concatenate(([False], (way[1:] != way[:-1]) & (way[:-1] != 0)))
    first = np.maximum(np.maximum.accumulate(np.where(turned, places, 0)), np.searchsorted(at, at - second, "right"))
    sums = np.concatenate(([0], np.cumsum(every)))
    total = sums[places + 1] - sums[first]
    before = np.concatenate(([0], total[:-1]))
    needed = round(threshold * SCALE)
    crosses = (np.abs(total) >= needed) & ~((np.sign(before) == np.sign(total)) & (np.abs(before) >= needed))
    kept = at > at[-1] - second
    return replace(trail, times=tuple(at[kept].tolist()), changes=tuple(every[kept].tolist())), crosses[old:]


def counts(transitions: Sequence[Transition], times: NDArray[np.int64], second: int) -> NDArray[np.int64]:
    """(n,) transitions in the second up to each of ``times``, which never step back."""
    at = np.array([transition.time for transition in transitions], np.int64)
    found: NDArray[np.int64] = np.searchsorted(at, times, "right") - np.searchsorted(at, times - second, "right")
    return found


def steady(
    stretches: tuple[tuple[int, int], ...], start: int, until: int, window: int
) -> tuple[tuple[tuple[int, int], ...], int]:
    """Add a row to stretches, and forget what is older than a window.

    Returns:
        The stretches, and how many ticks of the window up to ``until`` they take.
    """
    if stretches and start <= stretches[-1][1]:
        start = stretches[-1][0]
        stretches = stretches[:-1]
    kept = tuple(stretch for stretch in (*stretches, (start, until)) if stretch[1] > until - window)
    return kept, sum(min(end, until) - max(begin, until - window) for begin, end in kept)

"""Which seconds of a track were analysed, and which were not, and why. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from actors.measure import Rows

GAP_SECONDS = 0.1
"""A shorter hole between rows is the container's rounding, not a hole."""

CoverageState = Literal["analysed", "dropped", "unreachable"]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of a track's timeline, in its ticks, of one epoch and window."""

    epoch: int
    window: int
    start: int
    end: int
    state: CoverageState
    reason: str


READ_AHEAD_SECONDS = 5
"""A lack is told when its place is read, which the demuxer does at most this much ahead."""

NOTHING = "nothing in the source"
ENCRYPTED = "encrypted"


@dataclass(frozen=True, slots=True)
class Lack:
    """Something could not be had, told when a track had come to ``at``: the reason of a hole there or soon after."""

    at: int
    reason: str
    state: CoverageState = "unreachable"


def cover(until: int | None, rows: Rows, lacks: Sequence[Lack] = ()) -> tuple[int | None, list[Stretch]]:
    """Stretches that rows cover, going on from where the ones before ended.

    Pictures shown for longer than they were coded for leave a hole: the source had nothing there. The stretches of a
    track follow each other without overlap or hole, whatever the split of its rows into calls.

    Args:
        until: Where the track's coverage ended, None at its start.
        rows: The next rows of the track, of one epoch and window.
        lacks: What is known of the track's holes, in the order of time.
    """
    if not len(rows):
        return until, []
    start = rows.columns["time"].astype(np.int64)
    end = start + rows.columns["duration"].astype(np.int64)
    if until is not None:
        start, end = np.maximum(start, until), np.maximum(end, until)
    end = np.maximum.accumulate(end)
    start[1:] = np.maximum(start[1:], end[:-1])
    seen = end if "coded" not in rows.columns else _seen(rows, start, end)
    before = np.concatenate(([start[0] if until is None else until], end[:-1]))
    hole = rows.base.ceil(GAP_SECONDS)
    stretches: list[Stretch] = []
    epoch = int(rows.columns["epoch"][0])

    def seen_until(stop: int) -> None:
        if stop > begin:
            stretches.append(Stretch(epoch, rows.window, begin, stop, "analysed", ""))

    def unseen(first: int, last: int) -> None:
        why = _why(lacks, first - rows.base.ceil(READ_AHEAD_SECONDS), last)
        stretches.append(Stretch(epoch, rows.window, first, last, why.state, why.reason))

    begin = int(before[0])
    for index in np.flatnonzero((start - before > hole) | (end - seen > hole)).tolist():
        if start[index] - before[index] > hole:
            seen_until(int(before[index]))
            unseen(int(before[index]), int(start[index]))
            begin = int(start[index])
        if end[index] - seen[index] > hole:
            seen_until(int(seen[index]))
            unseen(int(seen[index]), int(end[index]))
            begin = int(end[index])
    seen_until(int(end[-1]))
    return int(end[-1]), stretches


def _why(lacks: Sequence[Lack], first: int, last: int) -> Lack:
    return next((lack for lack in reversed(lacks) if first <= lack.at <= last), Lack(first, NOTHING))


def _seen(rows: Rows, start: np.ndarray[tuple[int], np.dtype[np.int64]], end: np.ndarray[tuple[int], np.dtype[np.int64]]
          ) -> np.ndarray[tuple[int], np.dtype[np.int64]]:  # fmt: skip
    """Where each picture would have ended by the container's word."""
    coded = rows.columns["coded"].astype(np.int64)
    result: np.ndarray[tuple[int], np.dtype[np.int64]] = np.where(coded > 0, np.minimum(start + coded, end), end)
    return result

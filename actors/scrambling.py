"""Which streams of a transport stream are scrambled, from where to where (ISO/IEC 13818-1, 2.4.3.2)."""

from __future__ import annotations

from collections import defaultdict, deque
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from actors.media import CLOCK, Hidden

FIRST, STEP = CLOCK // 5, CLOCK
"""A stretch is told once it has lasted so many ticks, and anew after so many: a damaged header is none."""
_MOST = 1 << 16
"""Findings that are kept until somebody asks for them."""

Flags = NDArray[np.bool_]


class Scrambling:
    """Follows every PID: :meth:`note` and what it asks for as packets come, :meth:`take` and :meth:`told` later.

    FFmpeg gives no packet of what is scrambled. So a stretch is told, by and by, while it lasts; but where packets come
    all the same, it was only said to be.
    """

    def __init__(self) -> None:
        self._now: set[int] = set()
        self._turns: dict[int, deque[tuple[int, bool]]] = defaultdict(lambda: deque(maxlen=_MOST))
        self._taken: set[int] = set()
        self._read: dict[int, int] = {}
        self._stretches: dict[int, tuple[int, int, int]] = {}
        self._found: deque[tuple[int, int, int, Hidden]] = deque()

    def note(
        self, secret: Flags, payload: Flags, pids: NDArray[np.int64], places: NDArray[np.int64]
    ) -> dict[int, bool]:  # fmt: skip
        """Take packets, (n,) each. Returns the rows at which a stream begins to be scrambled, or to be clear."""
        told = payload if (secret & payload).any() else payload & np.isin(pids, list(self._now))
        turns: dict[int, bool] = {}
        for pid in np.unique(pids[told]).tolist():
            rows = np.flatnonzero(told & (pids == pid))
            hidden = secret[rows]
            changes = rows[hidden != np.concatenate(([pid in self._now], hidden[:-1]))]
            self._turns[pid].extend((int(places[row]), bool(secret[row])) for row in changes.tolist())
            turns |= {row: bool(secret[row]) for row in changes.tolist()}
            (self._now.add if hidden[-1] else self._now.discard)(pid)
        return turns

    def turn(self, pid: int, position: int, now: int, *, hidden: bool) -> None:
        """A stream begins to be scrambled, or to be clear, at a position and a time of the clock."""
        if hidden:
            self._stretches[pid] = (now, now, position)
        else:
            del self._stretches[pid]

    def tick(self, position: int, now: int, origin: int, *, last: bool = False) -> None:
        """The clock has come to ``now``, at a position; it began at ``origin``. ``last``: it goes no further."""
        for pid, (since, told, begun) in self._stretches.items():
            least = FIRST if told == since else 1 if last else STEP
            if now - told >= least and len(self._found) < _MOST:
                self._found.append((position, begun, pid, Hidden(origin, since, told, now)))
                self._stretches[pid] = (since, now, position)

    @property
    def waiting(self) -> int:
        """Ticks between the first and the last stretch that nobody has asked for."""
        return self._found[-1][3].stop - self._found[0][3].start if self._found else 0

    def told(self, position: int | None) -> list[tuple[int, Hidden]]:
        """Stretches found before a position, each with its PID, and not given before; None: all."""
        count = len(list(takewhile(lambda found: position is None or found[0] < position, self._found)))
        found = [self._found.popleft() for _ in range(count)]
        return [(pid, stretch) for _, begun, pid, stretch in found if self._read.get(pid, -1) < begun]

    def take(self, pid: int, position: int) -> bool:
        """Whether a stream was scrambled, from what was taken before up to a position, where a packet of it begins."""
        found, turns = pid in self._taken, self._turns[pid]
        while turns and turns[0][0] <= position:
            hidden = turns.popleft()[1]
            found |= hidden
            (self._taken.add if hidden else self._taken.discard)(pid)
        if pid in self._taken:
            self._read[pid] = position
        return found

"""How much may be asked at once: a bucket of tokens for each caller. Pure, but for the clock that is handed in."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable

MOST_CALLERS = 10_000
"""Callers that are remembered; one that has asked least lately is forgotten, and its bucket is full again."""

SECOND = 1_000_000_000


class Rate:
    """A bucket as it fills and is drawn from. Times are whole nanoseconds, so that nothing is lost by rounding.

    All that there is to know of a bucket is when it will be full: each token that lacks takes ``step`` until then.
    """

    def __init__(self, per_second: float, burst: int) -> None:
        """A rate.

        Args:
            per_second: Tokens that a bucket gets.
            burst: Tokens that it holds.
        """
        self.step = math.ceil(SECOND / per_second)
        self.burst = burst

    def take(self, full_at: int, now: int) -> tuple[int, int]:
        """Draw a token.

        Returns:
            When the bucket will be full, and how long to wait first: 0 where the token was drawn.
        """
        after = max(full_at, now) + self.step
        wait = after - now - self.burst * self.step
        return (full_at, wait) if wait > 0 else (after, 0)


class Callers:
    """A bucket for each caller."""

    def __init__(self, rate: Rate, clock: Callable[[], int]) -> None:
        """None yet.

        Args:
            rate: Of every bucket.
            clock: Gives nanoseconds that never go back.
        """
        self._rate, self._clock = rate, clock
        self._full_at: OrderedDict[str, int] = OrderedDict()

    def wait_seconds(self, caller: str) -> int:
        """Count a request. 0: it may be served; else the whole seconds after which it will be."""
        now = self._clock()
        full_at, wait = self._rate.take(self._full_at.get(caller, now), now)
        self._full_at[caller] = full_at
        self._full_at.move_to_end(caller)
        if len(self._full_at) > MOST_CALLERS:
            self._full_at.popitem(last=False)
        return math.ceil(wait / SECOND)

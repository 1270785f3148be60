"""For how long the functions of the shape ``staged`` were at work, as they would be paid."""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal

from cluster.cost import gb_seconds
from cluster.functions import LONGEST_SECONDS, MEMORY_MB


class Busy:
    """Splits one thread's time into converting, aggregating and waiting, and adds up runs of functions.

    Each call says what the thread did since the call before. Waiting is paid by nobody: an aggregator is started when
    there is something for it. The converter is one function that runs on, begun anew after :data:`LONGEST_SECONDS`;
    the aggregator is a run for each time that it is at work.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        """Begin now. ``clock`` gives seconds."""
        self._clock, self._since = clock, clock()
        self._converting = 0.0
        self._runs, self._gb_seconds = 0, Decimal(0)

    def converting(self) -> None:
        """It converted: decoded, packed and put."""
        self._converting += self._lap()

    def aggregating(self) -> None:
        """It ran an aggregator."""
        self.ran(self._lap())

    def waiting(self) -> None:
        """It waited for meters."""
        self._lap()

    def ran(self, seconds: float) -> None:
        """A function ran elsewhere."""
        self._runs += 1
        self._gb_seconds += gb_seconds(seconds, MEMORY_MB)

    def functions(self) -> tuple[int, float]:
        """Runs so far, and the memory of each times its duration, in GB-seconds."""
        whole, rest = divmod(self._converting, LONGEST_SECONDS)
        held = gb_seconds(LONGEST_SECONDS, MEMORY_MB) * int(whole) + gb_seconds(rest, MEMORY_MB)
        return self._runs + int(whole) + 1, float(round(self._gb_seconds + held, 6))

    def _lap(self) -> float:
        since, self._since = self._since, self._clock()
        return self._since - since

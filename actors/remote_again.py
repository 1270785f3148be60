"""The actor that decodes a stream's source once more, where its detector would be sent frames."""

from __future__ import annotations

import time
from collections.abc import Mapping

from actors.again import Again
from actors.limits import Limits
from actors.remote import Measured
from actors.spending import peak_bytes
from actors.trust import Trust


class AgainActor:
    """Serves one stream, whose owner drives it: it decodes as far as it is asked to, and ends with the stream's hop."""

    def __init__(self, source: str, limits: Limits, trust: Trust | None, wanted: frozenset[str]) -> None:
        """Begin; see :class:`actors.again.Again`."""
        self._again = Again(source, limits, trust, wanted)
        self._burnt = time.process_time()

    def ready(self, recorded: Mapping[str, int]) -> None:
        """See :meth:`actors.again.Again.ready`."""
        self._again.ready(recorded)

    def measure(self, track: str, first_row: int, marked: str) -> Measured:
        """Measure a batch that was decoded here; see :meth:`actors.again.Again.measure`.

        Raises:
            actors.again.Unlike: There is no such batch here.
        """
        rows = self._again.measure(track, first_row, marked)
        before, self._burnt = self._burnt, time.process_time()
        return Measured(rows, self._burnt - before, self._burnt, peak_bytes(), "")

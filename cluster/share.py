"""What of a shared process is one stream's. Pure."""

from __future__ import annotations


class Share:
    """A stream's part of the memory of a detector that serves several.

    It is the part of the CPU seconds that the detector burnt for this stream, from its first answer to its newest. Of
    streams that are measured at one time the parts are one whole; a stream that has the detector alone has all of it.
    """

    def __init__(self) -> None:
        self._mine, self._all, self._until, self._peak = 0.0, 0.0, 0.0, 0

    def of(self, cpu_seconds: float, all_seconds: float, peak_bytes: int) -> int:
        """Bytes, after one more answer.

        Args:
            cpu_seconds: Burnt for this answer.
            all_seconds: Burnt by the detector in its life; less than before where another has taken its place.
            peak_bytes: The most memory that the detector has held.
        """
        going_on = 0.0 < self._until <= all_seconds
        self._all += max(all_seconds - self._until, cpu_seconds) if going_on else cpu_seconds
        self._mine += cpu_seconds
        self._until, self._peak = all_seconds, max(self._peak, peak_bytes)
        return round(self._peak * self._mine / self._all) if self._all else self._peak

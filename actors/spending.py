"""What the work on one stream burns: CPU by stage, time, and memory, as the operating system counts them."""

from __future__ import annotations

import resource
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from actors.clock import TimeBase
from actors.coverage import Stretch
from actors.document import NO_USAGE, Document
from actors.sharing import Process, Share

if TYPE_CHECKING:
    from actors.hop import Traffic

T = TypeVar("T")

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_PEAK, _RESET_PEAK = "VmHWM:", "5"


@dataclass(frozen=True, slots=True)
class Burnt:
    """What a stream has taken so far: CPU seconds of its owner's process, and of others for it; seconds analysed."""

    decoder_seconds: float
    detector_seconds: float
    media_seconds: float


class Stage:
    """Adds up what a thread burns within one stage: enter it as a context, or draw what it gives through ``each``."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._entered = 0.0

    def __enter__(self) -> None:
        self._entered = time.thread_time()

    def __exit__(self, *error: object) -> None:
        self.seconds += time.thread_time() - self._entered

    @contextmanager
    def paused(self) -> Iterator[None]:
        """What is burnt here is not this stage's, though it is entered."""
        began = time.thread_time()
        yield
        self._entered += time.thread_time() - began

    def each(self, items: Iterable[T]) -> Iterator[T]:
        """The same items; what it takes to make them is counted, what is done with them is not."""
        made = iter(items)
        while True:
            with self:
                item = next(made, _END)
            if isinstance(item, _End):
                return
            yield item


class _End:
    """What no iterable gives."""


_END = _End()


class Spending:
    """What this process burns for a stream from now on; others that work for it are counted by the hop."""

    def __init__(self, share: Share | None = None) -> None:
        """Begin to count.

        Args:
            share: The stream's part of this process; all of it if None.
        """
        self._began, self.share = time.perf_counter(), share or Process().enter()
        self._seconds: Counter[str] = Counter()
        self._ran: Document = {}
        self._others_seconds, self._others_bytes = 0.0, 0
        if self.share.most == 1:
            forget_peak()

    def covered(self, track: str, base: TimeBase, stretches: Iterable[Stretch]) -> None:
        """Note what was analysed of a track, for the media seconds."""
        for one in stretches:
            if one.state == "analysed":
                self._seconds[track] += base.exact(one.end - one.start)  # type: ignore[assignment]

    def ran(self, shape: str, traffic: Traffic, stages: Sequence[float], frames_again: int) -> None:
        """Note what a pipeline did.

        Args:
            shape: That of its hop.
            traffic: What its hop has carried.
            stages: CPU seconds that this process burnt for decoding, and for having pictures measured.
            frames_again: Frames that were decoded although their rows were committed already.
        """
        self._ran = {
            "shape": shape, **traffic.counted(), "frames_decoded_again": frames_again,
            "cpu_decode_seconds": round(stages[0], 6), "cpu_picture_seconds": round(stages[1] + traffic.cpu_seconds, 6),
        }  # fmt: skip
        self._others_seconds, self._others_bytes = traffic.cpu_seconds, traffic.peak_memory_bytes

    def burnt(self, traffic: Traffic) -> Burnt:
        """What was taken so far, where a hop has carried this; asked by one of the stream's own threads."""
        return Burnt(self.share.seconds(), traffic.cpu_seconds, self._media())

    def _media(self) -> float:
        return float(max(self._seconds.values(), default=Fraction(0)))

    def usage(self) -> Document:
        """All of it so far. The CPU seconds of the stages sum to ``cpu_seconds``."""
        whole = {**NO_USAGE, **self._ran}
        burnt = round(self.share.seconds() + self._others_seconds, 6)
        other = max(round(burnt - whole["cpu_decode_seconds"] - whole["cpu_picture_seconds"], 6), 0.0)
        return {
            **whole, "cpu_seconds": burnt, "cpu_other_seconds": other,
            "wall_seconds": round(time.perf_counter() - self._began, 6),
            "media_seconds": round(self._media(), 6),
            "peak_memory_bytes": peak_bytes() // self.share.most + self._others_bytes,
        }  # fmt: skip


def peak_bytes() -> int:
    """The most memory that this process ever had resident, or had since :func:`forget_peak`; shared pages count too."""
    if sys.platform == "linux":
        line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(_PEAK))
        return int(line.split()[1]) * 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def forget_peak() -> None:
    """Let the peak begin at what is resident now, where the kernel can do that."""
    try:
        _CLEAR.write_text(_RESET_PEAK)
    except OSError:
        return

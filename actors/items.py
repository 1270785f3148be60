"""What a source gives, in its order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from actors.demux import Track
from actors.feed import CutReason, Missing
from actors.media import Carried, Hidden

if TYPE_CHECKING:
    import av
    from av.stream import Stream

BreakReason = CutReason | Literal["start"]


@dataclass(frozen=True, slots=True)
class Packet:
    """An encoded packet, with data, of a track. ``late_seconds``: since its bytes came, where the source is live.

    ``carried``: what its transport packets did; None where they were not seen.
    """

    track: str
    packet: av.Packet[Stream]
    late_seconds: float = 0.0
    carried: Carried | None = None


@dataclass(frozen=True, slots=True)
class Scrambled:
    """A stretch of a track of which no packet comes, because it is scrambled. Told while it lasts, part by part."""

    track: str
    stretch: Hidden


@dataclass(frozen=True, slots=True)
class Break:
    """A part begins; the first item of a source that has media is one (``start``).

    Decoders of the part before must be drained now. ``discontinuity``: a playlist says so; ``program``: the transport
    stream's streams changed; ``reopened``: after a stall or a lost connection.
    """

    reason: BreakReason
    tracks: tuple[Track, ...]


@dataclass(frozen=True, slots=True)
class Stalled:
    """A live source has given nothing since ``began`` (monotonic seconds), ``seconds`` by now. Repeated."""

    began: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Recovered:
    """A stalled source gives media again: nothing was had from ``began`` to ``ended`` (monotonic seconds)."""

    began: float
    ended: float


Item = Packet | Scrambled | Break | Missing | Stalled | Recovered

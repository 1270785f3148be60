"""The newest encoded packets of a stream, from a key frame on: what evidence of an incident is made of.

It keeps PyAV's packets themselves: their bytes are counted references that outlive the demuxer and the decoder
(copying cost 5 to 30 times as much per packet, and saved nothing).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import floor
from typing import TYPE_CHECKING, Any, NamedTuple

from actors.clock import TimeBase
from actors.media import PacketFacts

if TYPE_CHECKING:
    import av

    from actors.demux import Track

    AnyPacket = av.Packet[Any]

RING_SECONDS = 15
"""How much media is kept, beside the rest of the group of pictures that it begins in."""

RING_BYTES = 32 << 20
"""How much memory the kept packets may take."""

PACKET_BYTES = 1 << 10
"""What a packet takes beside its data (measured): many small ones count as well."""

_MICRO = 1_000_000


class Held(NamedTuple):
    """A packet that is kept. ``facts`` say where it stands on its track's timeline."""

    track: str
    packet: AnyPacket
    facts: PacketFacts


@dataclass(slots=True)
class _Group:
    """Packets from one with which decoding can begin to the next such one. ``begin`` in microseconds."""

    begin: int
    held: list[Held] = field(default_factory=list)
    bytes: int = 0


class Ring:
    """Packets of all tracks of the current part of a source, oldest group of pictures out first.

    It begins at a key frame of the first video track; in a part without video, or once that track has given nothing
    for ``RING_SECONDS``, at any packet of sound. It spans at most ``seconds`` and one group of pictures. A group that
    is larger than ``most_bytes`` is kept from its key frame as far as it fits, and alone.
    """

    def __init__(self, seconds: int = RING_SECONDS, most_bytes: int = RING_BYTES) -> None:
        self._span, self._most = seconds * _MICRO, most_bytes
        self._groups: deque[_Group] = deque()
        self._scales: dict[str, tuple[int, int]] = {}
        self._lead = ""
        self._led: int | None = None
        self._full = False
        self.bytes = 0
        """What the kept packets take in memory."""
        self.tracks: tuple[Track, ...] = ()
        """Those of the part, alive as long as the part is."""
        self.bases: Mapping[str, TimeBase] = {}
        """Time base of each track's timeline."""

    def begin(self, tracks: Sequence[Track], bases: Mapping[str, TimeBase]) -> None:
        """A part begins: forget the one before.

        Args:
            tracks: Its tracks.
            bases: By track, the time base in which facts about packets are given.
        """
        self._groups.clear()
        self.bytes, self._led, self._full = 0, None, False
        self.tracks, self.bases = tuple(tracks), bases
        self._scales = {track: (base.num * _MICRO, base.den) for track, base in bases.items()}
        self._lead = next((track.id for track in tracks if track.kind == "video"), "")

    def add(self, track: str, packet: AnyPacket, facts: PacketFacts) -> None:
        """Take the next packet, in the order of the source."""
        num, den = self._scales[track]
        at = facts.stamp.time if facts.dts_time is None else facts.dts_time
        at = at * num // den
        size = facts.bytes + PACKET_BYTES
        if self._begins(track, facts, at):
            self._groups.append(_Group(at))
            self._full = False
        elif not self._groups or self._full:
            return
        groups = self._groups
        while len(groups) > 1 and (groups[1].begin <= at - self._span or self.bytes + size > self._most):
            self.bytes -= groups.popleft().bytes
        if self.bytes + size > self._most:
            self._full = True
            return
        group = groups[-1]
        group.held.append(Held(track, packet, facts))
        group.bytes += size
        self.bytes += size

    def held(self) -> tuple[Held, ...]:
        """What is kept, in the order of the source, less pictures that cannot be decoded from here.

        Those are, on each video track, the ones before its first key frame, and the ones after it that are shown
        before it.
        """
        first: dict[str, int | None] = {track.id: None for track in self.tracks if track.kind == "video"}
        kept = []
        for group in self._groups:
            for one in group.held:
                if one.track in first:
                    begin, time, key = first[one.track], one.facts.stamp.time, one.facts.key
                    if begin is None and not key:
                        continue
                    if begin is None:
                        first[one.track] = time
                    elif not key and time < begin:
                        continue
                    else:
                        del first[one.track]
                kept.append(one)
        return tuple(kept)

    def reaches(self, held: Sequence[Held], start: Fraction, end: Fraction) -> bool:
        """Whether kept packets show anything from ``start`` to ``end`` (seconds), or end just where it starts."""
        first: int | None = None
        last = 0
        for track, _, facts in held:
            num, den = self._scales[track]
            begin = facts.stamp.time * num // den
            first = begin if first is None else min(first, begin)
            last = max(last, (facts.stamp.time + facts.duration) * num // den)
        return first is not None and first <= floor(end * _MICRO) and last >= floor(start * _MICRO)

    def _begins(self, track: str, facts: PacketFacts, at: int) -> bool:
        """Whether decoding can begin with a packet."""
        if track == self._lead:
            self._led = at
            return facts.key
        if self._lead:
            if self._led is None:
                self._led = at
            if at - self._led <= self._span:
                return False
        return facts.key or track.startswith("a:")

"""A live stream that falls behind passes over pictures, up to the newest key frame. Pure."""

from __future__ import annotations

from actors.source import Packet

CAUGHT_UP_SECONDS = 1.0
"""What is read this soon after it came is not late."""
MOST_PACKETS = 2000
"""So many packets are held, or passed over while nothing is late, for a key frame's sake; then it goes on without."""

REASON = "decoding fell behind: passed over up to the newest key frame"


class Lag:
    """Says which packets of a live stream are decoded.

    Once a packet is read more than ``limit_seconds`` after its bytes came, no picture is decoded until what waits has
    been read, which is quick; then each track goes on from its newest key frame. Sound is always decoded.
    """

    def __init__(self, limit_seconds: float) -> None:
        self._limit = limit_seconds
        self._behind: set[str] = set()
        self._keyed: set[str] = set()
        self._held: list[tuple[Packet, bool]] = []
        self._without_key = 0

    def take(self, packet: Packet, pictures: frozenset[str]) -> list[tuple[Packet, bool]]:
        """Take the next packet of the source.

        Args:
            packet: The packet.
            pictures: The source's tracks of pictures.

        Returns:
            The packets that are decided by now, in their order, each with whether it is decoded.
        """
        if packet.late_seconds > self._limit:
            self._behind |= pictures
        if not self._behind:
            return [(packet, True)]
        self._hold(packet)
        if packet.late_seconds < CAUGHT_UP_SECONDS:
            return self._caught_up()
        if len(self._held) >= MOST_PACKETS:
            self._held = [(one, decode and one.track not in self._behind) for one, decode in self._held]
            self._keyed.clear()
        return [] if self._keyed else self._emptied()

    def release(self) -> list[tuple[Packet, bool]]:
        """Give what is held: nothing follows it for now, or not directly."""
        self._behind -= self._keyed
        self._keyed.clear()
        return self._emptied()

    def _hold(self, packet: Packet) -> None:
        track = packet.track
        if track in self._behind and packet.packet.is_keyframe:
            self._held = [(one, decode and one.track != track) for one, decode in self._held]
            self._keyed.add(track)
        self._held.append((packet, track not in self._behind or track in self._keyed))

    def _caught_up(self) -> list[tuple[Packet, bool]]:
        given = self.release()
        self._without_key = self._without_key + 1 if self._behind else 0
        if self._without_key >= MOST_PACKETS:
            self._behind.clear()
        return given

    def _emptied(self) -> list[tuple[Packet, bool]]:
        held, self._held = self._held, []
        return held

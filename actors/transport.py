"""MPEG transport streams on the level of bytes: where their programs change.

PyAV drops the packets of streams that appear after opening, and a decoder keeps its codec for ever. So a stream whose
program map changes is cut there, and the demuxer starts anew. Formats: ISO/IEC 13818-1, 2.4.3 and 2.4.4.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from actors.feed import Cut, Feed, Missing

PACKET = 188
STAMPED = 192
"""Bytes of a packet with its time of arrival before it, as Blu-ray discs and cameras keep it (M2TS)."""
SYNC = 0x47
Elementary = tuple[tuple[int, int, bytes], ...]
"""(stream type, PID, tags of its descriptors) of each stream of a program."""


def is_transport(head: bytes) -> bool:
    """Whether three packets in a row begin with the sync byte."""
    return len(head) > 2 * PACKET and head[0] == head[PACKET] == head[2 * PACKET] == SYNC


def is_stamped(head: bytes) -> bool:
    """Whether three packets in a row begin with a time of arrival and the sync byte."""
    return len(head) > 4 + 2 * STAMPED and head[4] == head[4 + STAMPED] == head[4 + 2 * STAMPED] == SYNC


def without_stamps(feed: Feed) -> Feed:
    """The packets alone."""
    rest = b""
    for item in feed:
        if isinstance(item, Cut | Missing):
            rest = b"" if isinstance(item, Cut) else rest
            yield item
            continue
        data = rest + item
        whole = len(data) // STAMPED * STAMPED
        rest = data[whole:]
        yield np.frombuffer(data, np.uint8, whole).reshape(-1, STAMPED)[:, 4:].tobytes()


def cut_programs(feed: Feed) -> Feed:
    """The same bytes, with a :class:`Cut` before each program map that differs from the one before.

    After a cut the newest program association is sent again, so that the new demuxer finds the map.
    """
    programs, rest = Programs(), b""
    for item in feed:
        if isinstance(item, Cut | Missing):
            if rest:
                yield rest
            rest = b""
            if isinstance(item, Cut):
                programs = Programs()
            yield item
            continue
        data = rest + item
        start = _aligned(data)
        end = start + (len(data) - start) // PACKET * PACKET
        rest = data[end:]
        if start:
            yield data[:start]
        if end > start:
            yield from programs.split(data[start:end])
    if rest:
        yield rest


def _aligned(data: bytes) -> int:
    """Offset of the first packet; 0 where none is seen."""
    return next((at for at in range(2 * PACKET) if is_transport(data[at : at + 2 * PACKET + 1])), 0)


class Programs:
    """What the program association and the program maps said so far. Maps longer than a packet are not followed."""

    def __init__(self) -> None:
        self._association = b""
        self._maps: dict[int, tuple[bytes, Elementary]] = {}

    def split(self, block: bytes) -> Iterator[bytes | Cut]:
        """Whole packets, parted by a cut where a program changes."""
        begin = 0
        packets = np.frombuffer(block, np.uint8).reshape(-1, PACKET)
        intact = (packets[:, 0] == SYNC) & (packets[:, 1] & 0xC0 == 0x40)
        for row in np.flatnonzero(intact).tolist():
            at = row * PACKET
            packet = block[at : at + PACKET]
            pid = (packet[1] & 0x1F) << 8 | packet[2]
            if self._associates(packet) if pid == 0 else self._changes(pid, packet):
                if at > begin:
                    yield block[begin:at]
                begin = at
                yield Cut("program")
                if pid:
                    yield self._association
        yield block[begin:]

    def _associates(self, packet: bytes) -> bool:
        """Take over a program association. True: it leads to other program maps than the one before."""
        same = packet[4:] == self._association[4:]
        found = None if same else section(packet, 0x00)
        if same or found is not None:
            self._association = packet
        if found is None:
            return False
        entries = [found[at : at + 4] for at in range(8, len(found) - 4, 4)]
        pids = {(entry[2] & 0x1F) << 8 | entry[3] for entry in entries if entry[:2] != b"\0\0"}
        changed = bool(self._maps) and pids != set(self._maps)
        self._maps = {pid: self._maps.get(pid, (b"", ())) for pid in pids}
        return changed

    def _changes(self, pid: int, packet: bytes) -> bool:
        """Take over a program map. True: it names other streams than the one before."""
        if pid not in self._maps:
            return False
        known, streams = self._maps[pid]
        found = None if packet[4:] == known else section(packet, 0x02)
        if found is None:
            return False
        now = _elementary(found)
        self._maps[pid] = (packet[4:], now)
        return bool(streams) and now != streams


def section(packet: bytes, table: int) -> bytes | None:
    """The table of that id that begins in a packet, when it is whole, current and its CRC is right."""
    at = 4 + (1 + packet[4] if packet[3] & 0x20 else 0)
    if not packet[3] & 0x10 or at >= PACKET:
        return None
    at += 1 + packet[at]
    if at + 8 > PACKET or packet[at] != table or not packet[at + 5] & 1:
        return None
    section = packet[at : at + 3 + ((packet[at + 1] & 0x0F) << 8 | packet[at + 2])]
    return section if at + len(section) <= PACKET and len(section) >= 12 and _crc(section) == 0 else None


def _elementary(section: bytes) -> Elementary:
    at = 12 + ((section[10] & 0x0F) << 8 | section[11])
    found = []
    while at + 5 <= len(section) - 4:
        length = (section[at + 3] & 0x0F) << 8 | section[at + 4]
        tags, tag = bytearray(), at + 5
        while tag + 2 <= min(at + 5 + length, len(section) - 4):
            tags.append(section[tag])
            tag += 2 + section[tag + 1]
        found.append((section[at], (section[at + 1] & 0x1F) << 8 | section[at + 2], bytes(tags)))
        at += 5 + length
    return tuple(found)


def _crc(data: bytes) -> int:
    """CRC-32 of ISO/IEC 13818-1 annex A: 0 over a table and its own CRC."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ 0x04C11DB7 if crc & 0x80000000 else crc << 1) & 0xFFFFFFFF
    return crc

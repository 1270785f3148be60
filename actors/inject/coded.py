"""A written clip as bytes: where in the file each coded packet of a track lies."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from actors.inject.encode import container_of

TS_PACKET = 188
_BLOCK_HEADER = 64  # bytes at most between what Matroska calls a block's position and its payload


@dataclass(frozen=True, slots=True)
class CodedPacket:
    """One coded picture or sound frame. ``where``: (n,) int64, the place in the file of each of its bytes.

    ``ordinal``: its rank in the order shown. ``at``: seconds from the stream's first PTS.
    """

    ordinal: int
    at: Fraction
    end: Fraction
    data: bytes
    where: NDArray[np.int64]


class CodedClip:
    """The bytes of a clip, to be damaged in place. ``kept``: which of them stay; ``hit``: which were changed or go."""

    def __init__(self, path: Path) -> None:
        self.transport = container_of(path) == "mpegts"
        self.data = np.fromfile(path, np.uint8)
        self.kept = np.ones(len(self.data), np.bool_)
        self.hit = np.zeros(len(self.data), np.bool_)
        self.codecs: dict[str, str] = {}
        self._path = path
        self.bytes = self.data.tobytes()
        self.packets = cache(self._packets)

    @property
    def tables(self) -> frozenset[int]:
        """PIDs of the program association and of the program maps (13818-1, 2.4.4)."""
        found = {0}
        for at in range(0, len(self.bytes), TS_PACKET):
            if pid_of(self.bytes, at) == 0:
                entries = self.bytes[at + 13 : at + 8 + self.bytes[at + 7] - 4]
                found |= {pid_of(entries, place + 1) for place in range(0, len(entries), 4)}
        return frozenset(found)

    def numbers(self, pid: int) -> NDArray[np.int64]:
        """Numbers of the transport packets of a PID."""
        heads = self.data.reshape(-1, TS_PACKET)
        return np.flatnonzero(((heads[:, 1].astype(np.int64) & 0x1F) << 8 | heads[:, 2]) == pid)

    def change(self, places: NDArray[np.int64], values: NDArray[np.uint8] | int) -> None:
        """Overwrite bytes."""
        self.data[places] = values
        self.hit[places] = True

    def drop(self, places: NDArray[np.int64] | slice) -> None:
        """Leave bytes out."""
        self.kept[places] = False
        self.hit[places] = True

    def write(self, path: Path) -> None:
        """Write what is kept."""
        self.data[self.kept].tofile(path)

    def _packets(self, track: str) -> list[CodedPacket]:
        """Coded packets of a track, in the order of the file."""
        with av.open(str(self._path)) as container:
            streams = container.streams.video if track.startswith("v") else container.streams.audio
            stream = streams[int(track[2:])]
            self.codecs[track] = stream.codec_context.name
            base = stream.time_base or Fraction(1, 90_000)
            starts = [s.start_time * s.time_base for s in container.streams if s.start_time is not None and s.time_base]
            found = [packet for packet in container.demux(stream) if packet.pts is not None and packet.size]
            places = self._in_transport(stream.id, found) if self.transport else self._in_file(found)
            rank = {pts: number for number, pts in enumerate(sorted(packet.pts or 0 for packet in found))}
            return [
                CodedPacket(
                    rank[packet.pts or 0], (packet.pts or 0) * base - min(starts),
                    ((packet.pts or 0) + (packet.duration or 0)) * base - min(starts), bytes(packet), where,
                )
                for packet, where in zip(found, places, strict=True)
            ]  # fmt: skip

    def _in_file(self, packets: list[av.Packet[Any]]) -> list[NDArray[np.int64]]:
        """Payload lies in one piece, at or a little after the packet's position."""
        places = []
        for packet in packets:
            start = self.bytes.index(bytes(packet), packet.pos or 0, (packet.pos or 0) + packet.size + _BLOCK_HEADER)
            places.append(np.arange(start, start + packet.size))
        return places

    def _in_transport(self, pid: int, packets: list[av.Packet[Any]]) -> list[NDArray[np.int64]]:
        """Payload is spread over 188-byte packets, after their headers and those of the PES."""
        packet_starts = range(0, len(self.bytes), TS_PACKET)
        pieces = [payload(self.bytes, at) for at in packet_starts if pid_of(self.bytes, at) == pid]
        elementary = np.concatenate([np.arange(start, stop) for start, stop in pieces])
        stream = self.data[elementary].tobytes()
        places, cursor = [], 0
        for packet in packets:
            cursor = stream.index(bytes(packet), cursor)
            places.append(elementary[cursor : cursor + packet.size])
            cursor += packet.size
        return places


def pid_of(data: bytes | bytearray, at: int) -> int:
    """The PID of the transport packet at an offset (ISO/IEC 13818-1, 2.4.3.2)."""
    return (data[at + 1] & 0x1F) << 8 | data[at + 2]


def payload(data: bytes, at: int) -> tuple[int, int]:
    """First and last-but-one offset of the elementary stream in a transport packet (13818-1, 2.4.3.2 and 2.4.3.6)."""
    stop = at + TS_PACKET
    control = data[at + 3] >> 4 & 3
    if not control & 1:
        return stop, stop
    start = at + 4 + (1 + data[at + 4] if control & 2 else 0)
    if data[at + 1] & 0x40:
        start += 9 + data[start + 8]
    return start, stop


def join(parts: list[Path], target: Path) -> None:
    """Join transport streams byte to byte, with continuity counters (13818-1, 2.4.3.3) that run on."""
    counters: dict[int, int] = {}
    with target.open("wb") as out:
        for part in parts:
            data = bytearray(part.read_bytes())
            for at in range(0, len(data), TS_PACKET):
                pid = pid_of(data, at)
                step = data[at + 3] >> 4 & 1
                counters[pid] = (counters.get(pid, -1) + step) % 16
                data[at + 3] = data[at + 3] & 0xF0 | counters[pid]
            out.write(data)

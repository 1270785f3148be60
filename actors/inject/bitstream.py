"""Damage to the coded bytes of a clip. What a viewer sees of it is measured afterwards, not promised."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from typing_extensions import override

from actors.inject.coded import TS_PACKET, CodedClip, CodedPacket, pid_of
from actors.inject.defects import AnyTrack, Defect, VideoTrack

_KEPT_HEAD = 8
_START_CODE = re.compile(rb"\x00\x00\x01", re.DOTALL)


class BytesDefect(Defect):
    """Damages the coded packets whose PTS is in its window."""

    detector: ClassVar[str] = "corruption"
    track: AnyTrack = "v:0"

    def strike(self, clip: CodedClip, rng: np.random.Generator) -> None:
        """Change or drop bytes of the clip."""
        raise NotImplementedError

    def struck(self, clip: CodedClip) -> list[CodedPacket]:
        """The packets that its label is about: those of which bytes were hit."""
        return [packet for packet in clip.packets(self.track) if clip.hit[packet.where].any()]

    def aimed(self, clip: CodedClip) -> list[CodedPacket]:
        """The packets in the window."""
        return [packet for packet in clip.packets(self.track) if self.covers(packet.at)]


class FlippedBits(BytesDefect):
    """Single bits of the payload, turned over."""

    kind: Literal["flipped_bits"] = "flipped_bits"
    count: int = Field(50, ge=1)

    @override
    def strike(self, clip: CodedClip, rng: np.random.Generator) -> None:
        if aimed := self.aimed(clip):
            places = np.concatenate([packet.where for packet in aimed])
            places = rng.choice(places, min(self.count, len(places)), replace=False)
            clip.change(places, clip.data[places] ^ (1 << rng.integers(0, 8, len(places))).astype(np.uint8))


class ZeroedPackets(BytesDefect):
    """Coded packets, each with a chance of ``share``, of which only the first 8 bytes are left; zeros follow."""

    kind: Literal["zeroed_packets"] = "zeroed_packets"
    share: float = Field(0.5, gt=0, le=1)

    @override
    def strike(self, clip: CodedClip, rng: np.random.Generator) -> None:
        for packet in _drawn(self.aimed(clip), self.share, rng):
            clip.change(packet.where[_KEPT_HEAD:], 0)


class LostSlices(BytesDefect):
    """Slices of pictures, each with a chance of ``share``, relabelled as what a decoder skips (filler, user data)."""

    kind: Literal["lost_slices"] = "lost_slices"
    track: VideoTrack = "v:0"
    share: float = Field(0.25, gt=0, le=1)

    @override
    def strike(self, clip: CodedClip, rng: np.random.Generator) -> None:
        for packet in self.aimed(clip):
            codec = clip.codecs[self.track]
            for place in _units(packet.data, codec, clip.transport):
                if _is_slice(packet.data[place], codec) and rng.random() < self.share:
                    clip.change(packet.where[place : place + 1], _skipped(packet.data[place], codec))


class LostPackets(BytesDefect):
    """Packets of a transport stream, each with a chance of ``share``, that never arrive."""

    kind: Literal["lost_packets"] = "lost_packets"
    share: float = Field(0.1, gt=0, le=1)

    @override
    def strike(self, clip: CodedClip, rng: np.random.Generator) -> None:
        aimed = [packet.where // TS_PACKET for packet in self.aimed(clip)]
        numbers = np.unique(np.concatenate(aimed)) if aimed else np.empty(0, np.int64)
        for number in numbers[rng.random(len(numbers)) < self.share].tolist():
            clip.drop(slice(number * TS_PACKET, (number + 1) * TS_PACKET))


class TransportErrors(BytesDefect):
    """Faults of a transport stream alone, in which no coded byte of its tracks is changed.

    ``continuity``: counters of the track jump, once for each of ``count``. ``flagged``: so many packets of the track
    are flagged as damaged. ``tables``: no program association and no program map comes.
    """

    detector: ClassVar[str] = "transport"
    kind: Literal["transport_errors"] = "transport_errors"
    what: Literal["continuity", "flagged", "tables"] = "continuity"
    count: int = Field(5, ge=1, le=1000)

    @override
    def struck(self, clip: CodedClip) -> list[CodedPacket]:
        return self.aimed(clip)

    @override
    def strike(self, clip: CodedClip, rng: np.random.Generator) -> None:
        aimed = [packet.where // TS_PACKET for packet in self.aimed(clip)]
        numbers = np.unique(np.concatenate(aimed)) if aimed else np.empty(0, np.int64)
        if not len(numbers):
            return
        if self.what == "tables":
            for number in range(int(numbers[0]), int(numbers[-1]) + 1):
                if pid_of(clip.bytes, number * TS_PACKET) in clip.tables:
                    clip.drop(slice(number * TS_PACKET, (number + 1) * TS_PACKET))
            return
        drawn = np.sort(rng.choice(numbers, min(self.count, len(numbers)), replace=False))
        if self.what == "flagged":
            clip.change(drawn * TS_PACKET + 1, clip.data[drawn * TS_PACKET + 1] | 0x80)
            return
        own = clip.numbers(pid_of(clip.bytes, int(numbers[0]) * TS_PACKET))
        heads = own * TS_PACKET + 3
        jumps = np.searchsorted(drawn, own, side="right")
        clip.change(heads, (clip.data[heads] & 0xF0 | (clip.data[heads] + jumps) & 0x0F).astype(np.uint8))


class Scrambled(BytesDefect):
    """Transport packets of the track, marked as scrambled; their payload is random bytes, as it seems without a key."""

    detector: ClassVar[str] = "encrypted"
    kind: Literal["scrambled"] = "scrambled"

    @override
    def strike(self, clip: CodedClip, rng: np.random.Generator) -> None:
        aimed = [packet.where // TS_PACKET for packet in self.aimed(clip)]
        if not aimed:
            return
        numbers = np.concatenate(aimed)
        for number in clip.numbers(pid_of(clip.bytes, int(numbers[0]) * TS_PACKET)).tolist():
            head, stop = number * TS_PACKET, (number + 1) * TS_PACKET
            start = head + 4 + (1 + clip.bytes[head + 4] if clip.bytes[head + 3] & 0x20 else 0)
            if numbers.min() <= number <= numbers.max() and start < stop:
                places = np.arange(start, stop)
                clip.change(places, rng.integers(0, 256, len(places), dtype=np.uint8))
                clip.change(np.array([head + 3]), int(clip.data[head + 3]) | 0x80)


class Truncate(BytesDefect):
    """The file ends after ``keep`` of its bytes."""

    detector: ClassVar[str] = "truncate"
    kind: Literal["truncate"] = "truncate"
    start_seconds: Literal[0] = 0
    length_seconds: None = None
    keep: float = Field(gt=0, lt=1, description="share of the bytes")

    @override
    def strike(self, clip: CodedClip, rng: np.random.Generator) -> None:
        clip.drop(slice(int(len(clip.data) * self.keep), None))


def _drawn(packets: list[CodedPacket], share: float, rng: np.random.Generator) -> list[CodedPacket]:
    chosen: NDArray[np.bool_] = rng.random(len(packets)) < share
    return [packet for packet, taken in zip(packets, chosen.tolist(), strict=True) if taken]


def _units(data: bytes, codec: str, transport: bool) -> Iterator[int]:
    """Where the first byte of each unit is: after start codes, or after 4-byte lengths."""
    if transport or codec == "mpeg2video":
        yield from (match.end() for match in _START_CODE.finditer(data) if match.end() < len(data))
        return
    at = 0
    while at + 4 < len(data):
        yield at + 4
        at += 4 + int.from_bytes(data[at : at + 4], "big")


def _is_slice(head: int, codec: str) -> bool:
    """Whether a unit is a slice (H.264 table 7-1, H.265 table 7-1, H.262 table 6-1)."""
    if codec == "h264":
        return head & 0x1F in (1, 5)
    if codec == "hevc":
        return (head >> 1 & 0x3F) < 32
    return 1 <= head <= 0xAF


def _skipped(head: int, codec: str) -> int:
    """The head of a unit that decoders skip: filler data; user data in H.262."""
    if codec == "h264":
        return 12
    if codec == "hevc":
        return head & 0x81 | 38 << 1
    return 0xB2

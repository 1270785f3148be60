"""Pictures of H.264 that have not come, though others are made from them: their numbers are missing.

Every picture that others need counts ``frame_num`` up by one (ITU-T H.264, 7.4.3). FFmpeg's decoder says nothing of a
gap: it puts a copy of an earlier picture in each place, and goes on.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import av

SLICES, SEQUENCE, PICTURE = (1, 5), 7, 8
"""Types of NAL units (H.264, table 7-1); the second of the slices begins an IDR picture."""
HEAD, SLICE_HEAD = 512, 32
"""Bytes within which what is read of a parameter set, and of a slice, is."""
STEADY, STEADIEST = 5, 50
"""Not all coders number so. A gap means something once pictures are numbered as they should be, five for each gap: a
count of those (to 50 at most), of which each gap takes so many, must be as high."""
HIGH = (44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244)
"""Profiles whose sequence parameters tell of chroma, depth and scaling (H.264, 7.3.2.1.1)."""


class References:
    """Follows the numbers of one track's pictures, packet by packet in the order of decoding.

    Args:
        codec: FFmpeg's name; of others than ``h264`` nothing is known.
        extradata: What the container says of the codec: an ``avcC`` record (ISO/IEC 14496-15), or NAL units.
    """

    def __init__(self, codec: str, extradata: bytes) -> None:
        self._known = codec == "h264"
        self._begin(extradata)

    def _begin(self, extradata: bytes) -> None:
        """Take what the container says, and begin to follow."""
        self._length = extradata[4] % 4 + 1 if extradata[:1] == b"\1" and len(extradata) > 6 else 0
        self._bits: dict[int, int] = {}
        self._sequence: dict[int, int] = {}
        self.forget()
        for unit in _listed(extradata) if self._length else _begun(extradata):
            self._learn(unit)

    def forget(self) -> None:
        """Packets are passed over: what comes next follows on nothing."""
        self._last: int | None = None
        self._steady = 0

    def missing(self, packet: av.Packet[Any]) -> bool:
        """Whether a picture that others are made from is missing between a packet's picture and the one before.

        A key frame needs none before it. Where it cannot be known, none is.
        """
        if not self._known:
            return False
        if packet.has_sidedata("new_extradata"):
            self._begin(bytes(packet.get_sidedata("new_extradata")))
        data = bytes(packet)
        for unit in _prefixed(data, self._length) if self._length else _begun(data):
            if unit[0] & 31 in SLICES:
                return self._follow(unit, key=packet.is_keyframe or unit[0] & 31 == SLICES[1])
            self._learn(unit)
        self.forget()
        return False

    def _learn(self, unit: bytes) -> None:
        """Take what a parameter set says, where it is one: in how many bits pictures are numbered."""
        kind = unit[0] & 31
        with suppress(ValueError):
            if kind == SEQUENCE:
                name, bits = _numbering(_Bits(unit))
                self._bits[name] = bits
            elif kind == PICTURE:
                reader = _Bits(unit)
                name = reader.golomb()
                self._sequence[name] = reader.golomb()

    def _follow(self, unit: bytes, *, key: bool) -> bool:
        """Whether a picture's number leaves some out. Of 0 and 1 it is not known: a coder may begin anew there."""
        number, bits = self._number(unit[:SLICE_HEAD])
        if not bits:
            self.forget()
            return False
        needed, before, size = unit[0] >> 5 & 3, self._last, 1 << bits
        follows = key or before is None or number in (before, (before + 1) % size)
        gap = not follows and number > 1 and self._steady >= STEADY
        self._steady = min(self._steady + 1, STEADIEST) if follows else max(self._steady - STEADY, 0)
        if needed:
            self._last = number
        elif before is None or not follows:
            self._last = (number - 1) % size
        return gap

    def _number(self, unit: bytes) -> tuple[int, int]:
        """``frame_num`` of a slice, and its bits; 0 bits where it cannot be read (H.264, 7.3.3)."""
        with suppress(ValueError):
            reader = _Bits(unit)
            _first_block, _kind, name = reader.golomb(), reader.golomb(), reader.golomb()
            bits = self._bits.get(self._sequence.get(name, -1), 0)
            return reader.take(bits), bits
        return 0, 0


class _Bits:
    """Reads the bits of a NAL unit after its first byte; what is not there is a ValueError."""

    def __init__(self, unit: bytes) -> None:
        plain = unit[1:].replace(b"\0\0\3", b"\0\0")
        self._all, self._left = int.from_bytes(plain, "big"), 8 * len(plain)

    def take(self, count: int) -> int:
        if count > self._left:
            raise ValueError("cut off")
        self._left -= count
        return self._all >> self._left & (1 << count) - 1

    def golomb(self) -> int:
        zeros = 0
        while not self.take(1):
            zeros += 1
        return (1 << zeros) - 1 + self.take(zeros)

    def signed(self) -> int:
        code = self.golomb()
        return (code + 1) // 2 if code % 2 else -code // 2


def _numbering(reader: _Bits) -> tuple[int, int]:
    """A sequence's name, and the bits of its pictures' numbers; 0 where they may have gaps (H.264, 7.3.2.1.1)."""
    profile = reader.take(8)
    reader.take(16)
    name = reader.golomb()
    if profile in HIGH:
        chroma = reader.golomb()
        if chroma == 3 and reader.take(1):
            return name, 0  # planes are coded apart
        reader.golomb(), reader.golomb(), reader.take(1)
        for place in range((12 if chroma == 3 else 8) * reader.take(1)):
            _pass_scaling(reader, 16 if place < 6 else 64)
    bits = reader.golomb() + 4
    order = reader.golomb()
    if order == 0:
        reader.golomb()
    elif order == 1:
        reader.take(1), reader.golomb(), reader.golomb()
        for _ in range(reader.golomb()):
            reader.golomb()
    reader.golomb()
    return name, 0 if reader.take(1) else bits


def _pass_scaling(reader: _Bits, size: int) -> None:
    """Read over a scaling list (H.264, 7.3.2.1.1.1)."""
    last = scale = 8
    for _ in range(size * reader.take(1)):
        if scale:
            scale = (last + reader.signed()) % 256
        last = scale or last


def _begun(data: bytes) -> Iterator[bytes]:
    """The beginnings of units, of what follows each start code."""
    at = data.find(b"\0\0\1") + 3
    while 3 <= at < len(data):
        yield data[at : at + HEAD]
        at = data.find(b"\0\0\1", at) + 3


def _prefixed(data: bytes, length: int) -> Iterator[bytes]:
    """The beginnings of units, each after its size, a number of so many bytes."""
    at = length
    while at < len(data):
        size = int.from_bytes(data[at - length : at], "big")
        yield data[at : at + HEAD]
        at += size + length


def _listed(record: bytes) -> Iterator[bytes]:
    """Parameter sets of an ``avcC`` record: of sequences, then of pictures."""
    at = 5
    for mask in (31, 255):
        count = record[at] & mask if at < len(record) else 0
        at += 1
        for _ in range(count):
            if at + 2 < len(record):
                yield record[at + 2 : at + 2 + HEAD]
                at += 2 + int.from_bytes(record[at : at + 2], "big")

"""Captions to be put into coded pictures, and their loss."""

from __future__ import annotations

from typing import ClassVar, Literal

from actors.inject.defects import Defect, VideoTrack

TEXT = "CAPTIONS ARE HERE "
PADDING = b"\x80\x80"


class CaptionsLost(Defect):
    """Every picture carries captions (CEA-608), but for the window: there ``left`` is, padding or nothing."""

    detector: ClassVar[str] = "captions"
    kind: Literal["captions_lost"] = "captions_lost"
    track: VideoTrack = "v:0"
    left: Literal["nothing", "padding"] = "nothing"

    def carried(self, picture: int, *, active: bool) -> bytes:
        """The byte pair that a picture carries."""
        if active:
            return PADDING if self.left == "padding" else b""
        place = 2 * picture % len(TEXT)
        return bytes(map(_odd, TEXT[place : place + 2].encode()))


def _odd(letter: int) -> int:
    """With the bit that makes the number of ones odd."""
    return letter | (0 if letter.bit_count() % 2 else 0x80)


def caption_unit(pairs: bytes) -> bytes:
    """An SEI unit of H.264 with captions for field 1 (ATSC A/53 part 4, 6.2; H.264 7.3.2.3.1, 7.4.1.1)."""
    triplets = b"".join(b"\xfc" + pairs[at : at + 2] for at in range(0, len(pairs), 2))
    payload = b"\xb5\x00\x31GA94\x03" + bytes([0x40 | len(triplets) // 3, 0xFF]) + triplets + b"\xff"
    unit, zeros = bytearray(b"\0\0\0\1\x06"), 0
    for byte in bytes([4, len(payload)]) + payload + b"\x80":
        if zeros == 2 and byte <= 3:
            unit.append(3)
            zeros = 0
        unit.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return bytes(unit)

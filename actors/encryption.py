"""Packets that are encrypted one by one: Common Encryption (ISO/IEC 23001-7) in MP4 and its fragments."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import av

_HEAD = struct.Struct(">4s5I")
_CLEAR = struct.Struct(">II")


def is_encrypted(packet: av.Packet[Any]) -> bool:
    """Whether bytes of a packet are encrypted, by what its container says; FFmpeg was given no key."""
    return packet.has_sidedata("encryption_info") and _protects(bytes(packet.get_sidedata("encryption_info")))


def _protects(info: bytes) -> bool:
    """Whether anything is, by FFmpeg's text of ``AVEncryptionInfo``: a sample without parts is, from end to end."""
    _, _, _, key, vector, parts = _HEAD.unpack_from(info)
    at = _HEAD.size + key + vector
    pairs = (_CLEAR.unpack_from(info, at + number * _CLEAR.size) for number in range(parts))
    return parts == 0 or any(protected for _, protected in pairs)

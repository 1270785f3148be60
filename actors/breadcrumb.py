"""Where a decoder is, kept outside of its process: what a crash leaves behind.

A file in the machine's temporary folder is mapped into memory; the packet that is decoded next is written there, which
costs less than a microsecond and outlives the process. A stream whose decoder dies again and again of one packet is
known by it.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import struct
import tempfile
from pathlib import Path

from actors.clock import Stamp, TimeBase
from actors.detectors.stalled import Position

_RECORD = struct.Struct("<q8s6q")
_SIZE = 2 * _RECORD.size


class Breadcrumb:
    """The trace of one stream on this machine. ``crashes``: how often its decoder has died where it died last."""

    def __init__(self, uri: str, stream: str, folder: Path | None = None) -> None:
        """Take up the trace that an earlier process left, if one did.

        Args:
            uri: The results; streams of two results folders are told apart.
            stream: Its name.
            folder: Where traces are kept; by default one of this user in the temporary folder.
        """
        folder = folder or Path(tempfile.gettempdir()) / f"sightline-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        self._path = folder / hashlib.sha256(f"{uri}\0{stream}".encode()).hexdigest()[:32]
        with self._path.open("a+b") as file:
            file.truncate(_SIZE)
            self._map = mmap.mmap(file.fileno(), _SIZE)
        now, before = self._map[: _RECORD.size], self._map[_RECORD.size :]
        self.crashes, self.place = 0, Position()
        if any(now):
            times = _RECORD.unpack(before)[0] if before[8:] == now[8:] else 0
            self.crashes, self.place = times + 1, _position(now)
            self._map[_RECORD.size :] = struct.pack("<q", self.crashes) + now[8:]
            self._map[: _RECORD.size] = bytes(_RECORD.size)

    def leave(self, track: str, base: TimeBase, stamp: Stamp) -> None:
        """Say which packet is decoded next."""
        _RECORD.pack_into(
            self._map, 0, 1, track.encode()[:8], base.num, base.den, stamp.epoch, stamp.wrap, stamp.pts, stamp.time
        )  # fmt: skip

    def wipe(self) -> None:
        """The work has ended in order: leave no trace."""
        self._path.unlink(missing_ok=True)
        self._map.close()


def _position(record: bytes) -> Position:
    _, track, num, den, epoch, wrap, pts, time = _RECORD.unpack(record)
    return Position(track.rstrip(b"\0").decode(), TimeBase(num, den), Stamp(epoch, wrap, pts, time), time)

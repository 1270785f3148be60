"""Where a decoder is, kept outside of its process: what a crash leaves behind.

A file in the machine's temporary folder is mapped into memory; the packet that is decoded next is written there, which
costs less than a microsecond and outlives the process. A stream whose decoder dies again and again of one packet is
known by it. Streams that share a process die together, and each leaves a trace; only a death with nobody beside makes
the last count full, so that a neighbour's is never taken for its own.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import struct
import tempfile
import time
from pathlib import Path

from actors.clock import Stamp, TimeBase
from actors.detectors.stalled import Position

CRASHES = 3
"""So often may a decoder die of one packet; then its stream is put aside."""

APART_SECONDS = 600.0
"""A stream whose process dies twice within this is suspect; one that lives so long is not."""

_RECORD = struct.Struct("<q8s6q")
_LIFE = struct.Struct("<2qd")
_SIZE = 2 * _RECORD.size + _LIFE.size
_ALONE, _BESIDE_OTHERS = 1, 2


class Breadcrumb:
    """The trace of one stream on this machine. ``crashes``: how often its decoder has died where it died last.

    ``deaths``: how often its process has died in a row, wherever it was, and whosesoever fault it was.
    """

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
        self._mark = _ALONE
        self.crashes, self.place = self._crashed()
        self.deaths = self._died()

    @property
    def suspect(self) -> bool:
        """Whether it is to be decoded with nobody beside it, until it is clear whether its process dies of it."""
        return max(self.crashes, self.deaths) >= CRASHES - 1

    def beside(self, others: bool) -> None:
        """Say whether other streams are decoded in this process."""
        self._mark = _BESIDE_OTHERS if others else _ALONE
        if not self._map.closed and any(self._map[: _RECORD.size]):
            struct.pack_into("<q", self._map, 0, self._mark)

    def _crashed(self) -> tuple[int, Position]:
        now, before = self._map[: _RECORD.size], self._map[_RECORD.size : 2 * _RECORD.size]
        if not any(now):
            return 0, Position()
        mark = _RECORD.unpack(now)[0]
        times = _RECORD.unpack(before)[0] if before[8:] == now[8:] else 0
        crashes = times + 1 if mark == _ALONE else max(times, min(times + 1, CRASHES - 1))
        self._map[_RECORD.size : 2 * _RECORD.size] = struct.pack("<q", crashes) + now[8:]
        self._map[: _RECORD.size] = bytes(_RECORD.size)
        return crashes, _position(now)

    def _died(self) -> int:
        running, deaths, last = _LIFE.unpack_from(self._map, 2 * _RECORD.size)
        recent, now = time.time() - last < APART_SECONDS, time.time()
        deaths = (deaths if recent else 0) + running
        _LIFE.pack_into(self._map, 2 * _RECORD.size, 1, deaths, now if running else last)
        return int(deaths)

    def leave(self, track: str, base: TimeBase, stamp: Stamp) -> None:
        """Say which packet is decoded next."""
        _RECORD.pack_into(
            self._map, 0, self._mark, track.encode()[:8], base.num, base.den, stamp.epoch, stamp.wrap, stamp.pts,
            stamp.time,
        )  # fmt: skip

    def close(self) -> None:
        """Nothing is decoded after all: keep what was known before."""
        struct.pack_into("<q", self._map, 2 * _RECORD.size, 0)
        self._map.close()

    def wipe(self) -> None:
        """The work has ended in order: leave no trace."""
        self._path.unlink(missing_ok=True)
        self._map.close()


def _position(record: bytes) -> Position:
    _, track, num, den, epoch, wrap, pts, time = _RECORD.unpack(record)
    return Position(track.rstrip(b"\0").decode(), TimeBase(num, den), Stamp(epoch, wrap, pts, time), time)

"""Which picture a model is at, and since when, kept outside of its process: what a hang or a crash leaves behind."""

from __future__ import annotations

import mmap
import struct
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_RECORD = struct.Struct("<dqqq")
_BUSY = struct.Struct("<q")
_VALUES = 1 << 17
_SIZE = 64 + 8 * _VALUES
_STATUS = "RssAnon:"


@dataclass(frozen=True, slots=True)
class At:
    """Where a model is: the number of the picture in its track, how many it has done of the batch, and since when."""

    row: int
    done: int
    since: float


class Mark:
    """A file that two processes map. The model writes to it before each call, which costs a few microseconds."""

    def __init__(self, path: Path, *, new: bool = False) -> None:
        """Map it.

        Args:
            path: Where it lies.
            new: Make it; otherwise another process has.
        """
        self._path = path
        with path.open("w+b" if new else "r+b") as file:
            if new:
                file.truncate(_SIZE)
            self._map = mmap.mmap(file.fileno(), _SIZE)
        self._values = np.frombuffer(self._map, np.float64, _VALUES, 64)

    @classmethod
    def make(cls) -> Mark:
        """A new one, in the machine's temporary folder; who reads it unlinks it."""
        with tempfile.NamedTemporaryFile(prefix="sightline-model-", delete=False) as file:
            return cls(Path(file.name), new=True)

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self._path

    def enter(self, row: int, done: int) -> None:
        """A call begins, on the picture of that number; so many of its batch are done."""
        _RECORD.pack_into(self._map, 0, time.monotonic(), row, done, 0)
        _BUSY.pack_into(self._map, 24, 1)

    def note(self, done: int, values: NDArray[np.float64]) -> None:
        """Keep what a call gave, (n, metrics), for the case that the answer never comes."""
        start = done * values.shape[1]
        if start + values.size <= _VALUES:
            self._values[start : start + values.size] = values.reshape(-1)

    def leave(self) -> None:
        """The batch is done."""
        _BUSY.pack_into(self._map, 24, 0)

    def read(self) -> At | None:
        """Where the model is; None: it waits."""
        since, row, done, busy = _RECORD.unpack_from(self._map, 0)
        return At(row, done, since) if busy else None

    def values(self, done: int, metrics: int) -> NDArray[np.float64]:
        """What was kept of the first pictures of a batch, (m, metrics)."""
        count = min(done, _VALUES // max(metrics, 1))
        return self._values[: count * metrics].reshape(count, metrics).copy()

    def unlink(self) -> None:
        """Delete the file; those who map it keep it."""
        with suppress(FileNotFoundError):
            self._path.unlink()


def own_bytes(pid: int) -> int:
    """What a process holds in memory for itself, without what it shares with others; 0 where that is not told."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(_STATUS)), 0)

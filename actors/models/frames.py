"""Pictures of batches in memory that processes share, where there is no object store: one copy in, read in place."""

from __future__ import annotations

import mmap
import os
import tempfile
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from actors.media import Batch, Pixels, Plane, VideoFormat

_ALIGN = 64
Planes = tuple[Plane, ...]
"""One picture."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """Where the pictures of a batch lie: from ``start`` to ``end``.

    It begins with a table (pictures, planes, 4) int64: where the lines of each plane begin, how many there are, how
    long they are in memory and how long in the picture.
    """

    format: VideoFormat
    first_row: int
    count: int
    start: int
    end: int


class Memory:
    """Grows as batches need it. It has no name: nothing is left of it when the processes end, however they do."""

    def __init__(self) -> None:
        self.file = _file()
        self._map: mmap.mmap | None = None
        self._size = 0
        self._taken: list[tuple[int, int]] = []

    def put(self, batch: Batch) -> Parcel:
        """Copy the pictures of a batch in.

        Raises:
            OSError: The machine has no memory left for it.
        """
        shape = (len(batch.frames), batch.format.planes, 4)
        lengths = [_padded(plane.nbytes) for frame in batch.frames for plane in frame.planes]
        head = _padded(8 * shape[0] * shape[1] * shape[2])
        start = self._room(head + sum(lengths))
        assert self._map is not None
        table = np.frombuffer(self._map, np.int64, shape[0] * shape[1] * shape[2], start).reshape(shape)
        offset = start + head
        for index, frame in enumerate(batch.frames):
            for number, plane in enumerate(frame.planes):
                table[index, number] = (offset, *plane.lines.shape, plane.width)
                np.copyto(_lines(self._map, table[index, number], batch.format), plane.lines)
                offset += _padded(plane.nbytes)
        self._taken.append((start, offset))
        return Parcel(batch.format, batch.first_row, len(batch.frames), start, offset)

    def free(self, parcel: Parcel) -> None:
        """Nobody reads it any more."""
        self._taken.remove((parcel.start, parcel.end))

    def close(self) -> None:
        """Give it back."""
        os.close(self.file)

    def _room(self, length: int) -> int:
        """The first place that is free."""
        start = 0
        for begin, end in sorted(self._taken):
            if begin - start >= length:
                break
            start = end
        if start + length > self._size:
            self._size = start + length
            _lengthen(self.file, self._size)
            self._map = mmap.mmap(self.file, self._size)
        return start


class Mapped:
    """The same memory, as another process sees it."""

    def __init__(self, file: int) -> None:
        self._file, self._size = file, 0
        self._map: mmap.mmap | None = None

    def pictures(self, parcel: Parcel) -> list[Planes]:
        """The pictures, where they lie."""
        if self._map is None or parcel.end > self._size:
            self._size = os.fstat(self._file).st_size
            self._map = mmap.mmap(self._file, self._size, prot=mmap.PROT_READ)
        shape = (parcel.count, parcel.format.planes, 4)
        table = np.frombuffer(self._map, np.int64, shape[0] * shape[1] * shape[2], parcel.start).reshape(shape)
        return [
            tuple(Plane(_lines(self._map, place, parcel.format), int(place[3])) for place in places) for places in table
        ]


def _lines(memory: mmap.mmap, place: NDArray[np.int64], fmt: VideoFormat) -> Pixels:
    offset, height, stride, _ = (int(number) for number in place)
    count = height * stride
    flat: Pixels = (
        np.frombuffer(memory, np.uint8, count, offset) if fmt.depth <= 8
        else np.frombuffer(memory, np.uint16, count, offset)
    )  # fmt: skip
    return flat.reshape(height, stride)


def _padded(length: int) -> int:
    return -(-length // _ALIGN) * _ALIGN


def _lengthen(file: int, size: int) -> None:
    """Make a file so long, with memory behind all of it: writing to what is not there would kill this process."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, size)
    else:
        os.ftruncate(file, size)


def _file() -> int:
    """A file without a name; in memory, where the system has such."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("sightline-pictures")
    with tempfile.TemporaryFile(prefix="sightline-pictures-") as file:
        return os.dup(file.fileno())

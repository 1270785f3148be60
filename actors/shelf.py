"""The files of evidence under a results URI: written whole or not at all, never twice, and bounded in their sum."""

from __future__ import annotations

import uuid
from contextlib import suppress
from functools import cached_property

import pyarrow.fs as pafs

from actors import foreign
from actors.storage import FAILURES, filesystem, located

FOLDER = "evidence"

SHELF_BYTES = 1 << 30
"""How much all evidence of a results URI may take by default."""

_PIECE = 1 << 16


class Shelf:
    """The folder ``evidence`` of a results URI. Several processes may write to it."""

    def __init__(self, uri: str, most_bytes: int = SHELF_BYTES) -> None:
        """Nothing is opened or made yet.

        Args:
            uri: A local folder or ``s3://bucket/prefix``.
            most_bytes: What all its files may take; the oldest are removed for new ones.
        """
        self.uri, self._most = located(uri), most_bytes

    def has(self, name: str) -> bool:
        """Whether there is a file of that name.

        Raises:
            OSError: The storage fails.
        """
        return bool(self._files.get_file_info(f"{FOLDER}/{name}").type == pafs.FileType.File)

    def names(self) -> frozenset[str]:
        """The names of all files of evidence, in one listing.

        Raises:
            OSError: The storage fails.
        """
        found = self._files.get_file_info(pafs.FileSelector(FOLDER, allow_not_found=True))
        return frozenset(file.base_name for file in found if file.type == pafs.FileType.File)

    def get(self, name: str) -> bytes | None:
        """What is in a file; None where there is none of that name.

        Raises:
            OSError: The storage fails.
        """
        if not self.has(name):
            return None
        with self._files.open_input_stream(f"{FOLDER}/{name}") as stream:
            return bytes(stream.readall())

    def put(self, name: str, data: bytes | memoryview) -> None:
        """Write a file, under another name until it is whole. One that is there is left as it is.

        Raises:
            OSError: It cannot be written. Nothing of it is left.
            ValueError: It is larger than all files together may be.
        """
        if len(data) > self._most:
            raise ValueError(f"{len(data)} bytes are more than the {self._most} that may be kept")
        self._files.create_dir(FOLDER, recursive=True)
        self._make_room(len(data))
        path = f"{FOLDER}/.{uuid.uuid4()}"
        try:
            # The stream of an object store takes bytes from a buffer alone, and what fits into it.
            with self._files.open_output_stream(path, buffer_size=2 * _PIECE) as out:
                for first in range(0, len(data), _PIECE):
                    out.write(data[first : first + _PIECE])
            if self.has(name):
                self._files.delete_file(path)
            else:
                self._files.move(path, f"{FOLDER}/{name}")
        except FAILURES:
            with suppress(*FAILURES):
                self._files.delete_file(path)
            raise

    def _make_room(self, incoming: int) -> None:
        """Remove the oldest of our files until so many bytes more may be kept."""
        found = self._files.get_file_info(pafs.FileSelector(FOLDER))
        ours = [file for file in found if file.type == pafs.FileType.File and foreign.evidence(file.base_name)]
        files = sorted(ours, key=lambda file: file.mtime_ns)
        over = sum(file.size for file in files) + incoming - self._most
        for file in files:
            if over <= 0:
                return
            over -= file.size
            with suppress(FileNotFoundError):  # another process has just done the same
                self._files.delete_file(file.path)

    @cached_property
    def _files(self) -> pafs.FileSystem:
        return filesystem(self.uri)

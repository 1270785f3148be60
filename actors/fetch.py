"""Reading files and http(s): the one place through which everything but live datagrams comes in."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Self

from actors.limits import Limits
from actors.live import Halt
from actors.localfile import LocalFile, open_file
from actors.trust import Gate
from actors.url import SourceError, local_path

if TYPE_CHECKING:
    from actors.web import Web

CHUNK = 1 << 18


class Body:
    """The bytes of one file or answer, read once.

    ``url`` is where redirects led; ``length`` None where unknown; ``file`` what is read, where that is a file.
    """

    def __init__(
        self, url: str, length: int | None, chunks: Iterator[bytes], close: Callable[[], None],
        file: LocalFile | None = None,
    ) -> None:  # fmt: skip
        self.url = url
        self.length = length
        self._chunks = chunks
        self.close = close
        self.file = file

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class Fetcher:
    """What one source reads, as far as its gate lets it. :meth:`close`, from any thread, ends it."""

    def __init__(self, limits: Limits, halt: Halt, gate: Gate) -> None:
        self.limits = limits
        self.gate = gate
        self._halt = halt
        self._web: Web | None = None

    @property
    def web(self) -> Web:
        """Connections to servers; made, and its library imported, when first needed."""
        if self._web is None:
            from actors.web import Web

            self._web = Web(self.limits, self._halt, self.gate)
        return self._web

    def open(self, url: str, *, parent: str | None = None, first: int = 0, length: int | None = None) -> Body:
        """Open a file or http(s) URL at byte ``first``.

        Args:
            url: What to read.
            parent: The playlist that names it.
            first: Bytes to skip.
            length: Bytes wanted, or None for all.

        Raises:
            SourceError: It cannot be had, or may not.
        """
        if parent is not None:
            self.gate.follow(url, parent)
        path = local_path(url)
        if path is not None:
            return self._file(path, first, length)
        wanted = {"range": f"bytes={first}-{'' if length is None else first + length - 1}"} if first or length else {}
        response, url = self.web.request("GET", url, wanted, parent)
        given = response.headers.get("content-length", "")
        skip = first if response.status_code != 206 else 0
        chunks = _part(self.web.chunks(response, url), skip, length)
        return Body(url, max(int(given) - skip, 0) if given.isdigit() else None, chunks, response.close)

    def text(self, url: str, *, parent: str | None = None) -> tuple[str, str]:
        """A playlist, and the URL it came from in the end.

        Raises:
            SourceError: It cannot be had, or is larger than ``playlist_bytes``.
        """
        with self.open(url, parent=parent) as body:
            return self.rest_of_text(body, b""), body.url

    def rest_of_text(self, body: Body, data: bytes) -> str:
        """A playlist of which ``data`` has been read already."""
        while len(data) <= self.limits.playlist_bytes:
            chunk = next(iter(body), b"")
            if not chunk:
                return data.decode("utf-8-sig", "replace")
            data += chunk
        raise SourceError(f"{body.url}: the playlist is over {self.limits.playlist_bytes} bytes", "too_large")

    def validators(self, url: str) -> str | None:
        """What a server says of the state of a file, without reading it: ETag or date, and length; None if nothing.

        Raises:
            SourceError: It may not be asked.
        """
        try:
            response, _ = self.web.request("HEAD", url, {})
        except SourceError as error:
            if error.kind == "denied":
                raise
            return None
        response.close()
        marks = [response.headers.get(name, "") for name in ("etag", "last-modified", "content-length")]
        return " ".join(marks) if any(marks[:2]) else None

    def close(self) -> None:
        """End what is being read, and the connections."""
        if self._web is not None:
            self._web.close()

    def _file(self, path: Path, first: int, length: int | None) -> Body:
        file = open_file(path, self.gate)
        size = file.seek(0, os.SEEK_END)
        file.seek(first)
        chunks = _part(iter(lambda: file.read(CHUNK), b""), 0, length)
        return Body(str(path), size - first, chunks, file.close, file)


def _part(chunks: Iterator[bytes], skip: int, length: int | None) -> Iterator[bytes]:
    left = length
    for chunk in chunks:
        piece = chunk[skip:]
        skip -= len(chunk) - len(piece)
        if left is not None:
            piece, left = piece[:left], left - len(piece[:left])
        if piece:
            yield piece
        if left == 0:
            return


class HttpFile:
    """A file on a server, as the file object that PyAV reads: a seek is a new request for a range."""

    def __init__(self, fetcher: Fetcher, url: str, length: int) -> None:
        self._fetcher = fetcher
        self._url = url
        self._length = length
        self._position = 0
        self._body: Body | None = None
        self._rest = b""
        self.error: SourceError | None = None

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes; none at the end or after an error, which is kept in ``error``."""
        if self._position >= self._length or self.error is not None:
            return b""
        try:
            if self._body is None:
                self._body = self._fetcher.open(self._url, first=self._position)
            self._rest = self._rest or next(iter(self._body), b"")
        except SourceError as error:
            self.error = error
        if not self._rest:
            what = f"{self._url}: ended after {self._position} of {self._length} bytes; run the command again"
            self.error = self.error or SourceError(what, "truncated")
        data, self._rest = self._rest[:size], self._rest[size:]
        self._position += len(data)
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a byte; the request is made by the next read."""
        target = offset + (0, self._position, self._length)[whence]
        if target != self._position:
            self.close()
            self._position = target
        return target

    def tell(self) -> int:
        """The byte that is read next."""
        return self._position

    def close(self) -> None:
        """End the request that is open."""
        if self._body is not None:
            self._body.close()
        self._body, self._rest = None, b""

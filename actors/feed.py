"""Bytes on their way to the demuxer, in order, with marks between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from actors.url import SourceError

if TYPE_CHECKING:
    from actors.multiplex import Multiplex

CutReason = Literal["discontinuity", "program", "reopened", "stalled"]


@dataclass(frozen=True, slots=True)
class Cut:
    """Bytes after it do not go on from those before: the demuxer starts anew."""

    reason: CutReason


@dataclass(frozen=True, slots=True)
class Missing:
    """Bytes that could not be had, ``seconds`` of media by what the playlist said (0 where unknown)."""

    seconds: float
    reason: str


Feed = Iterator[bytes | Cut | Missing]


class Pipe:
    """A feed up to its next cut, as the file object that PyAV reads.

    An error of the feed ends the bytes and is kept in ``error``: an exception in a callback of FFmpeg may be lost.
    Until :meth:`settle` what was read can be read again, as the probe of MPEG-TS needs. ``multiplex`` sees what is
    read, each byte once.
    """

    def __init__(self, feed: Feed, *, rewinds: bool, multiplex: Multiplex | None = None) -> None:
        self.multiplex = multiplex
        self._feed = feed
        self._rewinds = rewinds
        self._chunk = b""
        self._head = bytearray()
        self._position = 0
        self._opening = rewinds
        self.cut: Cut | None = None
        self.ended = False
        self.error: SourceError | None = None
        self.missing: list[Missing] = []

    def ready(self) -> bool:
        """Wait for the first bytes. False: there are none before the next cut, or none at all."""
        self._chunk = self._chunk or self._next()
        return bool(self._chunk)

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes; none at the cut, the end, or an error."""
        if self._position < len(self._head):
            data = bytes(self._head[self._position : self._position + size])
        else:
            chunk = self._chunk or self._next()
            data, self._chunk = chunk[:size], chunk[size:]
            if self._opening:
                self._head += data
            elif self._head:
                self._head.clear()
        self._position += len(data)
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go back to a position that is still held; -1 where it is not."""
        if whence != 0 or not self._opening or not 0 <= offset <= len(self._head):
            return -1
        self._position = offset
        return offset

    def tell(self) -> int:
        """Bytes from the start of the part."""
        return self._position

    def seekable(self) -> bool:
        """Whether the demuxer may go back while it opens."""
        return self._rewinds

    def settle(self) -> None:
        """Hold nothing any more: the demuxer has opened."""
        self._opening = False

    def _next(self) -> bytes:
        while self.cut is None and not self.ended:
            try:
                item = next(self._feed, None)
            except SourceError as error:
                self.error, item = error, None
            match item:
                case None:
                    self.ended = True
                case Cut():
                    self.cut = item
                case Missing():
                    self.missing.append(item)
                    if self.multiplex is not None:
                        self.multiplex.forget()
                case bytes() if item:
                    if self.multiplex is not None:
                        self.multiplex.feed(item)
                    return item
        return b""

"""What a URL is: one file that the demuxer reads itself, or a feed of bytes in parts; and how to know it again."""

from __future__ import annotations

import hashlib
import io
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from actors.feed import Cut, Feed
from actors.limits import Limits
from actors.live import Background, Backoff, Clock, Halt, reconnecting, udp_feed, udp_socket
from actors.transport import PACKET, STAMPED, cut_programs, is_stamped, is_transport, without_stamps
from actors.trust import Gate, Trust
from actors.url import SourceError, is_url, local_path

if TYPE_CHECKING:
    from actors.fetch import Body, Fetcher, HttpFile
    from actors.localfile import LocalFile
    from actors.playlist import Hls

HEAD = 1 << 20
_SNIFF = 3 * PACKET


@dataclass(slots=True)
class Origin:
    """Where the bytes come from: ``file`` (a path for FFmpeg, or a file object) or ``feed``.

    ``rewinds``: the demuxer may read the start of a part twice. ``transport``: it is a transport stream that was made
    in one piece, not in segments, each of which begins its counters anew. ``short``: why it is known to be cut short.
    """

    close: Callable[[], None]
    live: bool = False
    file: str | HttpFile | LocalFile | None = None
    feed: Feed = field(default_factory=lambda: iter(()))
    background: Background | None = None
    rewinds: bool = False
    transport: bool = False
    short: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Setting:
    """What every kind of origin is made with."""

    limits: Limits
    live: bool | None
    halt: Halt
    clock: Clock
    rng: random.Random
    gate: Gate

    def backoff(self) -> Backoff:
        """A fresh one."""
        return Backoff(self.limits.backoff_seconds, self.rng)

    def background(self, feed: Feed, *, lossy: bool) -> Background:
        """Let a thread read the feed."""
        return Background(feed, self.halt, self.limits, lossy=lossy, clock=self.clock)


def connect(url: str, setting: Setting) -> Origin:
    """Find out what a URL is, and connect.

    Raises:
        SourceError: It cannot be read, or may not.
    """
    if url.lower().startswith("udp://"):
        udp_socket(url, setting.limits).close()
        background = setting.background(udp_feed(url, setting.limits, setting.halt, setting.backoff()), lossy=True)
        return Origin(
            background.close, True, feed=cut_programs(background), background=background, rewinds=True, transport=True
        )
    if is_url(url) and not url.lower().startswith(("http://", "https://", "file://")):
        raise SourceError(f"{url}: what can be read is a path, file://, http://, https:// or udp://", "unsupported")
    from actors.fetch import Fetcher

    fetcher = Fetcher(setting.limits, setting.halt, setting.gate)
    try:
        body = fetcher.open(url)
        chunks = iter(body)
        head = b""
        while len(head) <= _SNIFF and (chunk := next(chunks, b"")):
            head += chunk
        if head.lstrip(b"\xef\xbb\xbf \r\n").startswith(b"#EXTM3U"):
            return _hls(url, fetcher, body, head, setting)
        path = local_path(url)
        return _server(fetcher, body, head, setting) if path is None else _file(path, fetcher, body, head)
    except SourceError:
        fetcher.close()
        raise


def _file(path: Path, fetcher: Fetcher, body: Body, head: bytes) -> Origin:
    def close() -> None:
        body.close()
        fetcher.close()

    assert body.file is not None
    size = body.length or 0
    packet = STAMPED if is_stamped(head) else PACKET
    if packet == PACKET and not is_transport(head):
        short = _cut_box(body.file, size) if head[4:8] == b"ftyp" else None
        body.file.seek(0)
        by_name = fetcher.gate.trust is None
        return Origin(close, file=f"file:{path.absolute()}" if by_name else body.file, short=short)
    short = f"its last transport packet has {size % packet} of {packet} bytes" if size % packet else None
    feed: Feed = _from(head, body)
    feed = without_stamps(feed) if packet == STAMPED else feed
    return Origin(close, feed=cut_programs(feed), rewinds=True, transport=True, short=short)


def _from(head: bytes, body: Body) -> Iterator[bytes]:
    yield head
    yield from body


def _server(fetcher: Fetcher, body: Body, head: bytes, setting: Setting) -> Origin:
    transport = is_transport(head)

    def attempt(number: int) -> Feed:
        if number == 0:
            yield from _from(head, body)
            return
        yield Cut("reopened")
        with fetcher.open(body.url) as again:
            yield from again

    def close() -> None:
        fetcher.close()
        if background is not None:
            background.close()

    background = None
    live = body.length is None if setting.live is None else setting.live
    if not live and not transport and body.length is not None:
        from actors.fetch import HttpFile

        body.close()
        return Origin(close, file=HttpFile(fetcher, body.url, body.length))
    if not live:
        feed: Feed = _from(head, body)
    else:
        endless = setting.live is True
        feed = background = setting.background(
            reconnecting(attempt, setting.backoff(), setting.halt, endless=endless), lossy=False
        )
    feed = cut_programs(feed) if transport else feed
    return Origin(close, live, None, feed, background, transport, transport)


def _hls(url: str, fetcher: Fetcher, body: Body, head: bytes, setting: Setting) -> Origin:
    from actors.playlist import Hls

    text = fetcher.rest_of_text(body, head)
    body.close()
    hls = Hls(fetcher, setting.halt, text, body.url, setting.live)
    background = None

    def close() -> None:
        fetcher.close()
        if background is not None:
            background.close()

    feed = hls.feed()
    if hls.live:
        feed = background = _in_background(hls, setting)
    if not hls.mapped:
        feed = cut_programs(feed)
    return Origin(close, hls.live, None, feed, background, not hls.mapped, notes=hls.notes)


def _in_background(hls: Hls, setting: Setting) -> Background:
    attempts = reconnecting(lambda _: hls.feed(), setting.backoff(), setting.halt, endless=False)
    background = setting.background(attempts, lossy=False)
    background.patience += hls.target_seconds
    return background


def _cut_box(file: LocalFile, size: int) -> str | None:
    """Why an ISO media file (ISO/IEC 14496-12, 4.2) is known to be cut short: a box at its top ends after the file."""
    at = 0
    while at < size:
        file.seek(at)
        header = file.read(16)
        length = int.from_bytes(header[:4], "big")
        if length == 1:
            length = int.from_bytes(header[8:16], "big")
        if length == 0:
            return None
        if length < 8 or at + length > size:
            name = header[4:8].decode("latin-1")
            return f"its {name!r} box should go on to byte {at + length}, but the file ends at {size}"
        at += length
    return None


def fingerprint(url: str, limits: Limits, trust: Trust | None = None) -> str | None:
    """A text that changes when the content behind a URL does; None where nothing is known (live, or no validators).

    A file: its size, time of change in ns, and the SHA-256 of its first and last MiB. A server: ETag, date, length.

    Raises:
        SourceError: A file that cannot be read, or what ``trust`` does not allow.
    """
    path = local_path(url)
    if path is not None:
        from actors.localfile import open_file

        with io.BufferedReader(open_file(path, Gate(trust))) as handle:
            facts = os.fstat(handle.fileno())
            digest = hashlib.sha256(handle.read(HEAD))
            handle.seek(max(facts.st_size - HEAD, 0))
            digest.update(handle.read(HEAD))
        return f"{facts.st_size} {facts.st_mtime_ns} {digest.hexdigest()}"
    if not url.lower().startswith(("http://", "https://")):
        return None
    from actors.fetch import Fetcher

    fetcher = Fetcher(limits, Halt(), Gate(trust))
    try:
        return fetcher.validators(url)
    finally:
        fetcher.close()

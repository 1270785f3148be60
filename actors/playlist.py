"""HLS (RFC 8216): what a playlist says, and the bytes of its segments in order.

FFmpeg's own demuxer is not used: it opens every variant, follows any redirect, passes over a segment that cannot be
had, does not mark discontinuities, and keeps its streams when an advertisement brings others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from actors.feed import Cut, Feed, Missing
from actors.fetch import Fetcher
from actors.live import Halt
from actors.url import SourceError, join

_ATTRIBUTE = re.compile(r'([A-Z0-9-]+)=("[^"]*"|[^,]*)')
_EDGE_TARGETS = 3
"""A live playlist is joined this many target durations before its end (RFC 8216, 6.3.3)."""
_FAILURES = 3
"""Segments in a row that cannot be had, after which the source is given up or reopened."""


@dataclass(frozen=True, slots=True)
class Slice:
    """A URL, or ``length`` bytes of it from ``first``."""

    url: str
    first: int = 0
    length: int | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment. ``period`` counts the discontinuities before it; ``init`` is the map that goes before its bytes."""

    number: int
    period: int
    seconds: float
    body: Slice
    init: Slice | None
    gap: bool


@dataclass(frozen=True, slots=True)
class Playlist:
    """Segments, or in a master playlist the variants (bandwidth, URL, group of separate audio)."""

    segments: tuple[Segment, ...]
    target_seconds: float
    ended: bool
    variants: tuple[tuple[int, str, str], ...] = ()
    audio_groups: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Reader:
    """The state of reading a media playlist from top to bottom."""

    url: str
    number: int = 0
    period: int = 0
    target: float = 10.0
    seconds: float = 0.0
    gap: bool = False
    ended: bool = False
    span: tuple[int, int] | None = None
    init: Slice | None = None
    last: tuple[str, int] = ("", 0)
    segments: list[Segment] = field(default_factory=list)

    def tag(self, name: str, value: str) -> None:
        match name:
            case "EXT-X-TARGETDURATION" | "EXT-X-MEDIA-SEQUENCE" | "EXT-X-DISCONTINUITY-SEQUENCE":
                self._header(name, _number(value))
            case "EXT-X-DISCONTINUITY":
                self.period += 1
            case "EXT-X-GAP":
                self.gap = True
            case "EXT-X-ENDLIST":
                self.ended = True
            case "EXTINF":
                self.seconds = _number(value.partition(",")[0])
            case "EXT-X-BYTERANGE":
                self.span = _span(value)
            case "EXT-X-MAP":
                self._map(_attributes(value))
            case "EXT-X-KEY" if _attributes(value).get("METHOD", "NONE") != "NONE":
                raise SourceError(f"{self.url}: its segments are encrypted, which is not supported", "encrypted")

    def _header(self, name: str, value: float) -> None:
        match name:
            case "EXT-X-TARGETDURATION":
                self.target = max(value, 1.0)
            case "EXT-X-MEDIA-SEQUENCE" if not self.segments:
                self.number = int(value)
            case "EXT-X-DISCONTINUITY-SEQUENCE" if not self.segments:
                self.period = int(value)

    def segment(self, name: str) -> None:
        body = Slice(join(self.url, name))
        if self.span is not None:
            length, first = self.span
            url, end = self.last
            first = first if first >= 0 else (end if url == body.url else 0)
            body = Slice(body.url, first, length)
            self.last = (body.url, first + length)
        self.segments.append(Segment(self.number, self.period, self.seconds, body, self.init, self.gap))
        self.number, self.seconds, self.gap, self.span = self.number + 1, 0.0, False, None

    def _map(self, attributes: dict[str, str]) -> None:
        url = join(self.url, attributes.get("URI", ""))
        length, first = _span(attributes.get("BYTERANGE", "")) or (None, 0)
        self.init = Slice(url, max(first, 0), length)


def parse(text: str, url: str) -> Playlist:
    """Read a playlist.

    Args:
        text: Its content.
        url: Where it came from; what it names is resolved against it.

    Raises:
        SourceError: It is none, or its segments are encrypted.
    """
    lines = [line.strip() for line in text.splitlines()]
    if not lines or not lines[0].startswith("#EXTM3U"):
        raise SourceError(f"{url}: is no HLS playlist (its first line is not #EXTM3U)", "not_media")
    reader, variants, groups, stream = _Reader(url), [], set(), None
    for line in lines[1:]:
        name, _, value = line[1:].partition(":")
        if line.startswith("#EXT-X-STREAM-INF"):
            stream = _attributes(value)
        elif line.startswith("#EXT-X-MEDIA:"):
            media = _attributes(value)
            if media.get("TYPE") == "AUDIO" and "URI" in media:
                groups.add(media.get("GROUP-ID", ""))
        elif line.startswith("#"):
            reader.tag(name, value)
        elif line and stream is not None:
            variants.append((int(_number(stream.get("BANDWIDTH", "0"))), join(url, line), stream.get("AUDIO", "")))
            stream = None
        elif line:
            reader.segment(line)
    return Playlist(tuple(reader.segments), reader.target, reader.ended, tuple(variants), frozenset(groups))


def _attributes(value: str) -> dict[str, str]:
    return {name: text.strip('"') for name, text in _ATTRIBUTE.findall(value)}


def _number(text: str) -> float:
    found = re.match(r"\d{1,15}(\.\d{1,9})?", text.strip())
    return float(found.group()) if found else 0.0


def _span(text: str) -> tuple[int, int] | None:
    """``LENGTH[@FIRST]`` as (length, first), first -1 where it is not said."""
    found = re.fullmatch(r"(\d{1,15})(?:@(\d{1,15}))?", text.strip())
    return (int(found[1]), int(found[2]) if found[2] else -1) if found else None


class Hls:
    """A playlist under way: what was read of it so far. :meth:`feed` may be called again after an error."""

    def __init__(self, fetcher: Fetcher, halt: Halt, text: str, url: str, live: bool | None) -> None:
        self._fetcher = fetcher
        self._halt = halt
        self._url = url
        self.notes: tuple[str, ...] = ()
        self._playlist = self._media(parse(text, url))
        self.live = not self._playlist.ended if live is None else live
        self.target_seconds = self._playlist.target_seconds
        self.mapped = any(segment.init is not None for segment in self._playlist.segments)
        self._next = self._joining()
        self._before: Segment | None = None
        self._failures = 0

    def feed(self) -> Feed:
        """The bytes of the segments, a cut at each discontinuity, and what could not be had.

        Raises:
            SourceError: The playlist, or several segments in a row, cannot be had; or one may not.
        """
        while not self._halt.is_set():
            before = self._next
            yield from self._segments()
            if not self.live or self._playlist.ended:
                return
            pause = self._playlist.target_seconds / (2 if self._next == before else 1)
            if self._halt.wait(pause):
                return
            text, _ = self._fetcher.text(self._url)
            self._playlist = parse(text, self._url)

    def _media(self, playlist: Playlist) -> Playlist:
        """The playlist itself, or that of the variant with the most bits, sound included where there is such."""
        if not playlist.variants:
            return playlist
        apart = playlist.audio_groups
        _, url, group = max(playlist.variants, key=lambda variant: (variant[2] not in apart, variant[0]))
        if group in apart:
            self.notes = ("the sound is in a playlist of its own, which is not read",)
        text, self._url = self._fetcher.text(url, parent=self._url)
        chosen = parse(text, self._url)
        if chosen.variants:
            raise SourceError(f"{self._url}: a list of playlists may not name another such list", "unsupported")
        return chosen

    def _joining(self) -> int:
        """Number of the first segment to read."""
        segments = self._playlist.segments
        if not segments:
            return 0
        left = _EDGE_TARGETS * self.target_seconds if self.live else float("inf")
        for segment in reversed(segments):
            left -= segment.seconds
            if left <= 0:
                return segment.number
        return segments[0].number

    def _segments(self) -> Feed:
        segments = self._playlist.segments
        if segments and segments[-1].number + 1 < self._next:
            self._next, self._before = self._joining(), None
            yield Cut("discontinuity")
        for segment in segments:
            if segment.number < self._next or self._halt.is_set():
                continue
            if segment.number > self._next:
                yield Missing(0.0, f"{segment.number - self._next} segments left the playlist before they were read")
            yield from self._one(segment)

    def _one(self, segment: Segment) -> Feed:
        self._next = segment.number + 1
        before = self._before
        if before is not None and (before.period, before.init) != (segment.period, segment.init):
            yield Cut("discontinuity")
            before = None
        try:
            if segment.gap:
                raise SourceError(f"{segment.body.url}: marked as a gap", "missing")
            if before is None and segment.init is not None:
                yield from self._bytes(segment.init)
            self._before = segment
            yield from self._bytes(segment.body)
            self._failures = 0
        except SourceError as error:
            self._failures += not segment.gap
            if self._failures >= _FAILURES or error.kind == "denied":
                raise
            yield Missing(segment.seconds, str(error))

    def _bytes(self, what: Slice) -> Iterator[bytes]:
        with self._fetcher.open(what.url, parent=self._url, first=what.first, length=what.length) as body:
            yield from body

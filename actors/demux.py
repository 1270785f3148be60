"""One demuxer over one run of bytes: its tracks, its packets, and its errors in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import av
from av import AudioCodecContext, VideoCodecContext
from av.video.stream import VideoStream

from actors import hardware
from actors.clock import TimeBase
from actors.feed import Pipe
from actors.limits import Limits
from actors.media import Kind
from actors.url import ErrorKind, SourceError

if TYPE_CHECKING:
    from av.stream import Stream

    from actors.fetch import HttpFile
    from actors.localfile import LocalFile

PYAV_ERRORS = (
    av.FFmpegError, OSError, ValueError, AttributeError, LookupError, MemoryError, ArithmeticError, AssertionError,
    RuntimeError, TypeError,
)  # fmt: skip
"""What PyAV is known to raise on bad input; UnicodeDecodeError is a ValueError, IndexError a LookupError."""

DECLARING = frozenset({"mov", "matroska", "flv", "avi"})
"""Containers whose duration is written in them, and not a guess."""

SIZED = frozenset({"mov", "matroska", "avi"})
"""Containers in which the size of pictures is written."""


@dataclass(frozen=True, slots=True)
class Track:
    """One track of a part. ``id`` is ``v:0``, ``a:1``: numbered by kind in the order of the container.

    ``wraps``: timestamps are 33 bits wide. ``start``: first PTS by the container in ticks of ``base``, or None.
    ``stream`` may be used until the item after the next ``Break`` is asked for, or the source is closed.
    """

    id: str
    kind: Kind
    base: TimeBase
    codec: str
    language: str | None
    wraps: bool
    start: int | None
    stream: Stream


class Part:
    """An open demuxer.

    ``declared_seconds``: the duration written in the container; 0 where none is, or other kinds of streams share it.
    ``notes``: what is not read of it.
    """

    def __init__(
        self, url: str, reader: str | HttpFile | LocalFile | Pipe, limits: Limits, *, live: bool, short: str | None
    ) -> None:
        """Open it; ``short`` is why the file is known to be cut short, if it is.

        Raises:
            SourceError: It is no media, has no tracks, or passes the limits.
        """
        self._url = url
        self._limits = limits
        self._short = short
        self.pipe = reader if isinstance(reader, Pipe) else None
        self._file = None if isinstance(reader, str) else reader
        self.notes: list[str] = []
        options = limits.container_options(live=live)
        try:
            self.container = av.open(
                reader, "r", options=options, metadata_errors="replace", hwaccel=hardware.accelerator(limits.device)
            )
        except PYAV_ERRORS as error:
            raise self._explained(error) from error
        if self.pipe is not None:
            self.pipe.settle()
        self.format: str = self.container.format.name
        try:
            self.tracks = self._tracks()
        except SourceError:
            self.container.close()
            raise
        alone = all(stream.type in ("video", "audio") for stream in self.container.streams)
        declares = alone and self.format.split(",")[0] in DECLARING
        self.declared_seconds = (self.container.duration or 0) / 1e6 if declares else 0.0

    def packets(self) -> Iterator[tuple[Track, av.Packet[Stream]]]:
        """Packets with data, in the order of the source.

        Raises:
            SourceError: The bytes could not be read or understood from here on.
        """
        tracks = {track.stream.index: track for track in self.tracks}
        demuxed = self.container.demux(*[track.stream for track in self.tracks])
        while True:
            try:
                packet = next(demuxed, None)
            except PYAV_ERRORS as error:
                raise self._explained(error) from error
            if packet is None:
                break
            if packet.size:
                yield tracks[packet.stream_index], packet
        if self._file is not None and self._file.error is not None:
            raise self._file.error

    def close(self) -> None:
        """Free the demuxer: its streams must not be used any more."""
        self.container.close()

    def _tracks(self) -> tuple[Track, ...]:
        counts: dict[Kind, int] = {"video": 0, "audio": 0}
        tracks = []
        if len(self.container.streams) >= self._limits.max_streams:
            self.notes.append(f"of its streams only the first {self._limits.max_streams} are read")
        for stream in self.container.streams:
            kind = stream.type
            if kind not in ("video", "audio") or stream.disposition & av.stream.Disposition.attached_pic:
                continue
            name = f"{kind[0]}:{counts[kind]}"
            counts[kind] += 1
            if stream.codec_context is None or not stream.time_base:
                self.notes.append(f"{name} cannot be decoded: its codec is not known")
                continue
            if isinstance(stream, VideoStream):
                self._check_size(stream)
            base, codec = TimeBase.of(stream.time_base), stream.codec_context.codec.canonical_name
            language = None if stream.language == "und" else stream.language
            wraps = self.format == "mpegts"
            tracks.append(Track(name, kind, base, codec, language, wraps, stream.start_time, stream))
        if not tracks:
            unknown = f" ({'; '.join(self.notes)})" if self.notes else ""
            raise self._error(f"has no sound or picture to decode{unknown}; is it the right file?", "no_tracks")
        return tuple(tracks)

    def _check_size(self, stream: VideoStream) -> None:
        """Refuse too large a picture; the probe, where it refuses one, often leaves no size at all."""
        if stream.width * stream.height > self._limits.max_pixels:
            size = f"{stream.width}x{stream.height}"
            raise self._error(f"its pictures are {size}, over {self._limits.max_pixels} pixels", "too_large")
        if stream.width == 0 and self.format.split(",")[0] in SIZED:
            raise self._error(f"its pictures are over {self._limits.max_pixels} pixels, or damaged", "too_large")

    def _explained(self, error: Exception) -> SourceError:
        if self._file is not None and self._file.error is not None:
            return self._file.error
        if self._short is not None:
            return self._error(f"cut short: {self._short}; copy it again", "truncated")
        if isinstance(error, MemoryError):
            return self._error(f"has over {self._limits.max_streams} streams, or is too large", "too_large")
        if isinstance(error, PermissionError):
            return self._error("may not be read; check its permissions", "permission")
        text = getattr(error, "strerror", None) or str(error)
        return self._error(f"is no media that can be read, or damaged ({text})", "not_media")

    def _error(self, what: str, kind: ErrorKind) -> SourceError:
        return SourceError(f"{self._url}: {what}", kind)


def declared(track: Track) -> str:
    """What a container says of a track's format, as rows of its packets carry it."""
    context = track.stream.codec_context
    if isinstance(context, VideoCodecContext):
        return f"{track.codec} {context.width}x{context.height}"
    if isinstance(context, AudioCodecContext):
        return f"{track.codec} {context.sample_rate} {context.layout.nb_channels}"
    return track.codec

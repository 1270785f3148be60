"""What a source's pictures are like, as its container says, without decoding any."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from av import VideoCodecContext
from av.video.stream import VideoStream

from actors.source import Break, SourceError, Track, open_source

PATIENCE_SECONDS = 5.0
"""How long a source may take to say so."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """Pictures of one track: ``bytes_each`` in memory, in their native format, and how many come in a second."""

    width: int
    height: int
    pixel_format: str
    bytes_each: int
    per_second: float

    @property
    def bytes_per_second(self) -> float:
        """Of decoded pictures."""
        return self.bytes_each * self.per_second


def pictures(source: str) -> tuple[Pictures, ...]:
    """Those of every video track; a live source is listened to until it says so.

    Raises:
        SourceError: It cannot be read, or does not say so in time.
    """
    enough = threading.Event()
    clock = threading.Timer(PATIENCE_SECONDS, enough.set)
    clock.daemon = True
    clock.start()
    try:
        with open_source(source, stop=enough) as opened:
            tracks = opened.tracks or next((item.tracks for item in opened if isinstance(item, Break)), ())
            if not tracks:
                raise SourceError(f"{opened.url}: has not said what it holds in {PATIENCE_SECONDS:g} s", "missing")
            return tuple(found for track in tracks if (found := _of(track)) is not None)
    finally:
        clock.cancel()


def _of(track: Track) -> Pictures | None:
    stream = track.stream
    if not isinstance(stream, VideoStream):
        return None
    context, rate = stream.codec_context, stream.average_rate or stream.guessed_rate
    if not isinstance(context, VideoCodecContext) or context.format is None or not rate or not context.width:
        return None
    planes = (part.width * part.height * ((part.bits + 7) // 8) for part in context.format.components)
    return Pictures(context.width, context.height, context.format.name, sum(planes), float(rate))

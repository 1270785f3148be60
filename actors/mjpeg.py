"""How large the pictures of a source are as JPEGs: what the bytes would be of a system that stores them so."""

from __future__ import annotations

import time
from dataclasses import dataclass
from fractions import Fraction

import av
from av.codec.context import CodecContext
from av.video.codeccontext import VideoCodecContext

QUALITY = 3
"""On FFmpeg's scale from 2 (best) to 31."""
EVERY = 25


@dataclass(frozen=True, slots=True)
class Sample:
    """JPEGs of some pictures of a source. ``cpu_seconds``: of coding them; decoding is not counted."""

    pictures: int
    bytes: int
    cpu_seconds: float
    quality: int

    @property
    def mean_bytes(self) -> float:
        """Of one picture; 0 where there is none."""
        return self.bytes / self.pictures if self.pictures else 0.0


def sample(source: str, every: int = EVERY, quality: int = QUALITY) -> Sample:
    """Code every so many-th picture of a file's first video track, in its own size, as a JPEG with 4:2:0 chroma.

    Args:
        source: A path or URL; of a person who is trusted.
        every: Pictures from one that is coded to the next.
        quality: See :data:`QUALITY`.

    Raises:
        av.FFmpegError: It cannot be read, or its pictures cannot be converted.
    """
    count, total, burnt = 0, 0, 0.0
    with av.open(source) as container:
        if not container.streams.video:
            return Sample(0, 0, 0.0, quality)
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        for number, frame in enumerate(container.decode(stream)):
            if number % every:
                continue
            began = time.process_time()
            total += len(coded(frame, quality))
            burnt += time.process_time() - began
            count += 1
    return Sample(count, total, burnt, quality)


def coded(frame: av.VideoFrame, quality: int) -> bytes:
    """A picture as a JPEG of its own size.

    Raises:
        av.FFmpegError: Its format cannot be converted.
    """
    converted = frame.reformat(format="yuvj420p", threads=1)
    context = CodecContext.create("mjpeg", "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height, context.pix_fmt = converted.width, converted.height, "yuvj420p"
    context.time_base, context.thread_count = Fraction(1, 25), 1
    context.options = {"qmin": str(quality), "qmax": str(quality)}
    converted.pts = 0
    return b"".join(bytes(packet) for packet in [*context.encode(converted), *context.encode(None)])

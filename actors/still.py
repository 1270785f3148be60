"""One picture of a Matroska file in memory, as a JPEG."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from typing import BinaryIO

import av
from av.codec.context import CodecContext
from av.video.codeccontext import VideoCodecContext
from av.video.reformatter import ColorRange, Colorspace, Interpolation
from av.video.stream import VideoStream

from actors.limits import Limits, guard
from actors.track_decoder import FAULTS

WIDEST = 1280
"""Pixels across a JPEG at most."""

QUALITY = 3
"""Of the JPEG, on FFmpeg's scale from 2 (best) to 31."""

_MATRICES = {
    1: Colorspace.ITU709, 4: Colorspace.FCC, 5: Colorspace.ITU601, 6: Colorspace.ITU601, 7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020, 10: Colorspace.BT2020,
}  # fmt: skip
"""By AVColorSpace. What a stream does not say is BT.709 from 720 lines on, else BT.601."""


def still(file: BinaryIO, at: Fraction, video: int, limits: Limits) -> bytes | None:
    """The picture that is shown at a time, as a JPEG; the nearest where that one is missing or cannot be decoded.

    Args:
        file: The Matroska file.
        at: Seconds; times before the first picture give the first, those after the last the last.
        video: Which of its video tracks.
        limits: Bounds of the decoder.

    Returns:
        The JPEG, or None if nothing of the track can be decoded.

    Raises:
        av.FFmpegError: It is no media, or its pictures cannot be converted.
    """
    file.seek(0)
    with av.open(file, "r", options=limits.container_options()) as container:
        stream = container.streams.video[video]
        guard(stream.codec_context, limits)
        base = stream.time_base or Fraction(1, 1000)
        last = round(at / base) + 1  # Matroska rounds times to its ticks
        with suppress(*FAULTS):
            container.seek(max(last, 0), stream=stream)
        shown = None
        for frame in _pictures(container, stream):
            if shown is not None and frame.pts is not None and frame.pts > last:
                break
            shown = frame
        return None if shown is None else jpeg(shown, stream.sample_aspect_ratio or Fraction(1))


def jpeg(frame: av.VideoFrame, aspect: Fraction = Fraction(1)) -> bytes:
    """A picture as a JPEG: full range, BT.601, square pixels, at most ``WIDEST`` of them across.

    Args:
        frame: The picture.
        aspect: Width of one of its pixels by height.

    Raises:
        av.FFmpegError: Its format cannot be converted.
    """
    width, height = _size(frame, aspect)
    full = frame.format.name.startswith("yuvj") or frame.format.is_rgb or frame.color_range == ColorRange.JPEG
    unsaid = Colorspace.ITU709 if frame.height >= 720 else Colorspace.ITU601
    converted = frame.reformat(
        width, height, "yuvj420p", interpolation=Interpolation.AREA, threads=1,
        src_colorspace=_MATRICES.get(int(frame.colorspace), unsaid), dst_colorspace=Colorspace.ITU601,
        src_color_range=ColorRange.JPEG if full else ColorRange.MPEG, dst_color_range=ColorRange.JPEG,
    )  # fmt: skip
    context = CodecContext.create("mjpeg", "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height, context.pix_fmt = width, height, "yuvj420p"
    context.time_base, context.thread_count = Fraction(1, 25), 1
    context.options = {"qmin": str(QUALITY), "qmax": str(QUALITY)}
    converted.pts = 0
    return b"".join(bytes(packet) for packet in [*context.encode(converted), *context.encode(None)])


def _pictures(container: av.container.InputContainer, stream: VideoStream) -> Iterator[av.VideoFrame]:
    """Pictures from where the container stands; packets that cannot be decoded are passed over."""
    for packet in container.demux(stream):
        try:
            frames = stream.codec_context.decode(packet)
        except (EOFError, *FAULTS):
            continue
        yield from frames


def _size(frame: av.VideoFrame, aspect: Fraction) -> tuple[int, int]:
    """Width and height of the JPEG: even numbers, at least 2. No picture has pixels longer than 4 times their width."""
    wide = frame.width * (aspect if Fraction(1, 4) <= aspect <= 4 else 1)
    scale = min(Fraction(1), WIDEST / Fraction(wide))
    width, height = (max(round(length * scale / 2) * 2, 2) for length in (wide, frame.height))
    return width, height

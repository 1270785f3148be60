"""Reading a source: one thread, native planes, float samples."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
import numpy as np
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.stream import Disposition
from av.video.stream import VideoStream

from actors.inject.defects import DefectError, Picture, Samples
from actors.inject.encode import PictureSpec, SoundSpec
from actors.media import Pixels

_FULL_RANGE = 2


class Reader:
    """A source opened for reading: what its tracks are, and all they hold, as seconds from its first PTS.

    Raises:
        DefectError: If it cannot be opened, or holds neither pictures nor sound.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._container = av.open(str(path), metadata_errors="replace")
        except (OSError, av.FFmpegError) as error:
            raise DefectError(f"{path}: {error.strerror or error}") from error
        pictures = [s for s in self._container.streams.video if not s.disposition & Disposition.attached_pic]
        self._streams: dict[str, VideoStream | AudioStream] = {
            **{f"v:{number}": stream for number, stream in enumerate(pictures[:1])},
            **{f"a:{number}": stream for number, stream in enumerate(self._container.streams.audio)},
        }
        if not self._streams:
            raise DefectError(f"{path}: neither pictures nor sound in it")
        for stream in self._streams.values():
            stream.codec_context.thread_count = 1
        starts = [(s.start_time, s.time_base) for s in self._streams.values()]
        self._origin = min((start * base for start, base in starts if start is not None and base), default=Fraction(0))
        self.specs = {name: _spec(path, name, stream) for name, stream in self._streams.items()}

    def __enter__(self) -> Reader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._container.close()

    def __iter__(self) -> Iterator[tuple[str, av.VideoFrame | Samples, Fraction]]:
        """Every picture, and all sound as (channels, n) float32, with its time in seconds."""
        names = {stream.index: name for name, stream in self._streams.items()}
        sounds = {
            name: AudioResampler("fltp", spec.layout, spec.rate)
            for name, spec in self.specs.items() if isinstance(spec, SoundSpec)
        }  # fmt: skip
        for packet in self._container.demux(list(self._streams.values())):
            name = names[packet.stream.index]
            for frame in packet.decode():
                if isinstance(frame, av.VideoFrame):
                    yield name, frame, self._time(frame)
                elif isinstance(frame, av.AudioFrame):
                    at = self._time(frame)
                    for plain in sounds[name].resample(frame):
                        yield name, plain.to_ndarray().astype(np.float32, copy=False), at

    def _time(self, frame: av.VideoFrame | av.AudioFrame) -> Fraction:
        if frame.pts is None or frame.time_base is None:
            raise DefectError("a frame of the source has no timestamp: put it into another container first")
        return frame.pts * frame.time_base - self._origin


def _spec(path: Path, name: str, stream: VideoStream | AudioStream) -> PictureSpec | SoundSpec:
    if isinstance(stream, AudioStream):
        named = stream.layout.name
        usual = av.AudioLayout(f"{stream.channels}c").name
        return SoundSpec(stream.rate, usual if "channels" in named else named)
    context = stream.codec_context
    layout = context.format
    if layout is None or layout.is_rgb or not 8 <= layout.components[0].bits <= 16:
        raise DefectError(f"{path}: {name} is {context.pix_fmt}; pictures must be YUV or grey")
    return PictureSpec(
        stream.width, stream.height, layout.name, stream.average_rate or Fraction(25),
        stream.time_base or Fraction(1, 90_000), stream.sample_aspect_ratio or Fraction(1), context.color_range,
        context.color_primaries, context.color_trc, context.colorspace,
    )  # fmt: skip


def planes_of(frame: av.VideoFrame) -> Picture:
    """Copy the planes out of a frame.

    Raises:
        DefectError: If they are not planar YUV or grey.
    """
    if len(frame.planes) not in (1, 3) or frame.format.is_rgb:
        raise DefectError(f"pictures are {frame.format.name}; only planar YUV and grey can be changed")
    depth = frame.format.components[0].bits
    full = frame.color_range == _FULL_RANGE or frame.format.name.startswith("yuvj")
    return Picture(tuple(view(frame, index, depth).copy() for index in range(len(frame.planes))), depth, full)


def frame_of(picture: Picture, like: av.VideoFrame) -> av.VideoFrame:
    """A frame that holds a picture, of the size, format and colours of another."""
    frame = av.VideoFrame(like.width, like.height, like.format.name)
    frame.color_range, frame.colorspace = like.color_range, like.colorspace
    for index, plane in enumerate(picture.planes):
        view(frame, index, picture.depth)[:] = plane
    return frame


def view(frame: av.VideoFrame, index: int, depth: int) -> Pixels:
    """The (height, width) codes of a plane, as they lie in the frame: writing to them changes it."""
    plane = frame.planes[index]
    data = memoryview(plane)
    lines: Pixels = np.frombuffer(data, np.uint8) if depth == 8 else np.frombuffer(data, np.uint16)
    return lines.reshape(-1, plane.line_size // lines.itemsize)[: plane.height, : plane.width]

"""Coding pictures and sound into a clip, with timestamps that are ours to choose.

Encoders are handed ordinals (of pictures, of samples); packets get their times after coding. So coding depends on
content alone, and a gap or jump of timestamps needs no encoder's consent.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import av
import av.filter
from av.audio.codeccontext import AudioCodecContext
from av.audio.stream import AudioStream
from av.codec.context import Flags
from av.container import OutputContainer
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream
from pydantic import BaseModel, ConfigDict, Field

from actors.inject.captions import caption_unit
from actors.inject.defects import DefectError, Samples

VideoCodec = Literal["libx264", "libx265", "mpeg2video"]
Priming = Literal["all", "sounding", "none"]
AudioCodec = Literal["aac", "mp2", "pcm_s16le"]
CONTAINERS = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska", ".ts": "mpegts"}
BLOCK = {"aac": 1024, "mp2": 1152, "pcm_s16le": 1}
"""Samples of a coded sound frame."""
_SAME_BYTES = "mbtree=0"
"""libx264's macroblock tree depends on what memory held before where the machine has AVX-512."""


class Encode(BaseModel):
    """How clips are coded. Key frames stand every ``gop`` frames and nowhere else."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    codec: VideoCodec = "libx264"
    audio_codec: AudioCodec = "aac"
    crf: int = Field(20, ge=0, le=51, description="quality of libx264 and libx265, where no bitrate is given")
    bitrate: int | None = Field(None, gt=0, description="bits per second of the picture")
    gop: int = Field(50, ge=1, description="frames from key frame to key frame")
    slices: int = Field(1, ge=1, le=64, description="slices per picture (mpeg2video: one per 16 lines at least)")
    preset: str = "veryfast"
    lossless: bool = Field(False, description="libx264 and libx265 only")
    fields: Literal["none", "top", "bottom"] = Field("none", description="the first of two fields, if it is interlaced")

    def options(self) -> dict[str, str]:
        """The encoder's own options."""
        if self.codec == "mpeg2video":
            if self.lossless:
                raise DefectError("lossless: mpeg2video cannot; libx264 and libx265 can")
            return {"flags": "+cgop+bitexact", "sc_threshold": "1000000000", "bt": str(self.bitrate or 6_000_000)}
        rate = {} if self.bitrate else {"crf": str(self.crf)}
        if self.codec == "libx264":
            extra = f"scenecut=0:slices={self.slices}:{_SAME_BYTES}"
            return {"preset": self.preset, "x264-params": extra, **({"qp": "0"} if self.lossless else rate)}
        extra = f"scenecut=0:slices={self.slices}:pools=1:frame-threads=1:open-gop=0:log-level=none"
        return {"preset": self.preset, "x265-params": extra + ":lossless=1" * self.lossless, **rate}


@dataclass(frozen=True, slots=True)
class PictureSpec:
    """What pictures of a track are. ``base``: seconds per tick of the source. Colours are FFmpeg's codes.

    ``codec`` instead of the setting's; ``pid`` in a transport stream instead of the muxer's choice.
    """

    width: int
    height: int
    pixel_format: str
    rate: Fraction
    base: Fraction
    aspect: Fraction = Fraction(1)
    range: int = 0
    primaries: int = 2
    transfer: int = 2
    matrix: int = 2
    codec: VideoCodec | None = None
    pid: int = 0


@dataclass(frozen=True, slots=True)
class SoundSpec:
    """What sound of a track is. ``codec`` and ``pid`` as in :class:`PictureSpec`."""

    rate: int
    layout: str
    codec: AudioCodec | None = None
    pid: int = 0


class PictureOut:
    """Codes the pictures of one track into a container."""

    def __init__(self, container: OutputContainer, spec: PictureSpec, encode: Encode, base: Fraction) -> None:
        encode = encode.model_copy(update={"codec": spec.codec}) if spec.codec else encode
        self.base = base
        self._container = container
        self._stream: VideoStream = container.add_stream(encode.codec, rate=spec.rate, options=encode.options())
        self._stream.time_base, self._stream.id = base, spec.pid
        context: VideoCodecContext = self._stream.codec_context
        context.thread_count = 1
        context.time_base = 1 / spec.rate
        context.width, context.height, context.pix_fmt = spec.width, spec.height, spec.pixel_format
        context.sample_aspect_ratio = spec.aspect
        context.color_range, context.colorspace = spec.range, spec.matrix
        context.color_primaries, context.color_trc = spec.primaries, spec.transfer
        context.gop_size = encode.gop
        if encode.fields != "none":
            context.flags |= Flags.interlaced_dct | Flags.interlaced_me
        self._fields = encode.fields
        self._said: av.filter.Graph | None = None
        if encode.bitrate or encode.codec == "mpeg2video":
            context.bit_rate = encode.bitrate or 6_000_000
        self._length = round(1 / spec.rate / base)
        self._ticks: list[int] = []
        self._captions: dict[int, bytes] = {}

    def write(self, frame: av.VideoFrame, ticks: int, captions: bytes) -> None:
        """Code the next picture, to be shown at ``ticks``, with byte pairs of captions."""
        if captions:
            if self._stream.codec_context.name != "libx264":
                raise DefectError("captions_lost: captions can be put into pictures of libx264 only")
            self._captions[len(self._ticks)] = caption_unit(captions)
        frame.pts, frame.time_base = len(self._ticks), self._stream.codec_context.time_base
        self._ticks.append(ticks)
        self._mux(self._stream.encode(frame if self._fields == "none" else self._interlaced(frame)))

    def close(self) -> None:
        """Code what is still held."""
        self._mux(self._stream.encode(None))

    def _interlaced(self, frame: av.VideoFrame) -> av.VideoFrame:
        """The frame, marked as two fields: PyAV has no other way to say which is first."""
        if self._said is None:
            self._said = av.filter.Graph()
            begin = self._said.add_buffer(
                width=frame.width, height=frame.height, format=frame.format,
                time_base=self._stream.codec_context.time_base,
            )  # fmt: skip
            mark = self._said.add("setfield", {"top": "tff", "bottom": "bff"}[self._fields])
            self._said.link_nodes(begin, mark, self._said.add("buffersink")).configure()
        self._said.push(frame)
        marked = self._said.pull()
        assert isinstance(marked, av.VideoFrame)
        return marked

    def _mux(self, packets: list[Packet[Any]]) -> None:
        for coded in packets:
            packet = self._captioned(coded)
            assert packet.pts is not None
            assert packet.dts is not None
            packet.pts, packet.dts = self._place(packet.pts), self._place(packet.dts)
            packet.duration, packet.time_base = self._length, self.base
            self._container.mux(packet)

    def _captioned(self, packet: Packet[Any]) -> Packet[Any]:
        """The packet, with captions before its own units if it has any."""
        unit = self._captions.pop(packet.pts or 0, None)
        if unit is None:
            return packet
        made: Packet[Any] = Packet(unit + bytes(packet))
        made.pts, made.dts, made.is_keyframe, made.stream = packet.pts, packet.dts, packet.is_keyframe, self._stream
        return made

    def _place(self, ordinal: int) -> int:
        return self._ticks[ordinal] if ordinal >= 0 else self._ticks[0] + ordinal * self._length


class SoundOut:
    """Codes the sound of one track into a container. ``priming``: which packets before the first sample stay."""

    def __init__(
        self, container: OutputContainer, spec: SoundSpec, encode: Encode, base: Fraction, priming: Priming
    ) -> None:
        self._container = container
        self._priming, self._rate = priming, spec.rate
        self._base = base
        codec = spec.codec or encode.audio_codec
        if codec == "pcm_s16le" and container.format.name == "mpegts":
            raise DefectError("audio_codec: pcm_s16le has no place in .ts; aac and mp2 have")
        self._stream: AudioStream = container.add_stream(codec, rate=spec.rate, layout=spec.layout)
        self._stream.id = spec.pid
        context: AudioCodecContext = self._stream.codec_context
        context.thread_count = 1
        context.bit_rate = 96_000 * context.layout.nb_channels
        context.options = {"flags": "+bitexact"}
        self._fed = Fraction(0)
        self._starts: list[Fraction] = []
        self._times: list[Fraction] = []

    def write(self, samples: Samples, rate: int, layout: str, at: Fraction) -> None:
        """Code the next samples, the first of which is heard ``at`` seconds. A step in time begins anew there."""
        if not self._times or at != self._times[-1] + self._fed - self._starts[-1]:
            self._starts.append(self._fed)
            self._times.append(at)
        frame = av.AudioFrame.from_ndarray(samples, "fltp", layout)
        frame.sample_rate = rate
        frame.pts, frame.time_base = int(self._fed * rate), Fraction(1, rate)
        self._fed += Fraction(samples.shape[1], rate)
        self._mux(self._stream.encode(frame))

    def close(self) -> None:
        """Code what is still held."""
        self._mux(self._stream.encode(None))

    def _mux(self, packets: list[Packet[Any]]) -> None:
        for packet in packets:
            assert packet.pts is not None
            samples = packet.duration or 0
            if packet.pts < {"all": packet.pts, "sounding": 1 - samples, "none": 0}[self._priming]:
                continue
            fed = Fraction(packet.pts, self._rate)
            run = max(0, bisect_right(self._starts, fed) - 1)
            packet.pts = packet.dts = round((self._times[run] + fed - self._starts[run]) / self._base)
            packet.duration = round(Fraction(samples, self._rate) / self._base)
            packet.time_base = self._base
            self._container.mux(packet)


class ClipWriter:
    """A clip being written: every track coded, muxed by the suffix of its path.

    A transport stream's sound starts with its first sample: encoder priming, which other containers mark, is left out.
    In a part that joins another, ``version`` > 0, a packet that holds any sample stays.

    Args:
        path: The file; its suffix names the container.
        specs: What each track, ``v:0``, ``a:0``..., is.
        encode: How to code.
        shift: Seconds added to every timestamp.
        version: Of the tables of a transport stream.

    Raises:
        DefectError: If the suffix names no container, or a codec refuses its track.
    """

    def __init__(
        self, path: Path, specs: Mapping[str, PictureSpec | SoundSpec], encode: Encode,
        *, shift: Fraction = Fraction(0), version: int = 0,
    ) -> None:  # fmt: skip
        container = container_of(path)
        own = {"mpegts": {"tables_version": str(version)}, "matroska": {}}.get(container, {"movflags": "+faststart"})
        priming: Priming = "all" if container != "mpegts" else "sounding" if version else "none"
        self.shift = shift
        self._container = av.open(str(path), "w", format=container, options={"fflags": "+bitexact", **own})
        self._pictures: dict[str, PictureOut] = {}
        self._sounds: dict[str, SoundOut] = {}
        for name, spec in specs.items():
            base = tick(path, spec)
            if isinstance(spec, PictureSpec):
                self._pictures[name] = PictureOut(self._container, spec, encode, base)
            else:
                self._sounds[name] = SoundOut(self._container, spec, encode, base, priming)

    def picture(self, track: str, frame: av.VideoFrame, at: Fraction, captions: bytes = b"") -> None:
        """Code the next picture of a track, shown ``at`` seconds, with byte pairs of captions."""
        out = self._pictures[track]
        out.write(frame, round((at + self.shift) / out.base), captions)

    def sound(self, track: str, samples: Samples, rate: int, layout: str, at: Fraction) -> None:
        """Code the next samples of a track, the first of which is heard ``at`` seconds."""
        self._sounds[track].write(samples, rate, layout, at + self.shift)

    def close(self) -> None:
        """Code what is still held, and end the file."""
        for picture in self._pictures.values():
            picture.close()
        for sound in self._sounds.values():
            sound.close()
        self._container.close()


def container_of(path: Path) -> str:
    """FFmpeg's name of the container that a path's suffix stands for.

    Raises:
        DefectError: If it stands for none.
    """
    if path.suffix not in CONTAINERS:
        raise DefectError(f"{path.name}: ends in none of {', '.join(CONTAINERS)}")
    return CONTAINERS[path.suffix]


def tick(path: Path, spec: PictureSpec | SoundSpec) -> Fraction:
    """Seconds per tick of a track in a container."""
    own = spec.base if isinstance(spec, PictureSpec) else Fraction(1, spec.rate)
    return {"matroska": Fraction(1, 1000), "mpegts": Fraction(1, 90_000)}.get(container_of(path), own)

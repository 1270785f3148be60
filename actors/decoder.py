"""Packets to pictures and sound, on one thread. A bad packet is counted, never fatal."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Protocol

import av
import av.error
import numpy as np
from av.codec.context import Flags
from numpy.typing import NDArray

from actors import decoder_log, pixels
from actors.clock import WRAP, Stamp, StreamClock, TimeBase
from actors.media import AudioFormat, PacketFacts, Plane, VideoFormat

if TYPE_CHECKING:
    AnyPacket = av.Packet[Any]

FAULTS = (av.error.FFmpegError, ValueError, AttributeError, MemoryError, UnicodeDecodeError, NotImplementedError)
"""What decoding hostile bytes has been seen to raise."""


class Track(Protocol):
    """The part of a source's track that decoding needs."""

    @property
    def id(self) -> str:
        """Its name, ``v:0``."""
        ...

    @property
    def base(self) -> TimeBase:
        """Its time base."""
        ...

    @property
    def wraps(self) -> bool:
        """Whether its timestamps are 33 bits wide."""
        ...

    @property
    def codec(self) -> str:
        """Its codec's name."""
        ...

    @property
    def start(self) -> int | None:
        """Its first PTS by the container."""
        ...

    @property
    def stream(self) -> Any:
        """PyAV's stream."""
        ...


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded frame before it is placed in a batch. ``duration``: what the container says, 0 where nothing."""

    stamp: Stamp
    duration: int
    format: VideoFormat
    planes: tuple[Plane, ...]
    key: bool
    corrupt: bool
    packet_bytes: int
    clean: bool


@dataclass(frozen=True, slots=True)
class Sound:
    """A run of decoded samples: (channels, n) float32. ``clean``: nothing was lost before it."""

    stamp: Stamp
    format: AudioFormat
    samples: NDArray[np.float32]
    clean: bool


@dataclass(frozen=True, slots=True)
class Decoded:
    """What one packet gave: facts about it (None for the flush at the end), and pictures or sound."""

    track: str
    facts: PacketFacts | None
    pictures: tuple[Picture, ...] = ()
    sounds: tuple[Sound, ...] = ()


@dataclass(frozen=True, slots=True)
class _Origin:
    """Travels with a packet through the codec to the frames that come of it."""

    stamp: Stamp
    raw: int | None
    bytes: int
    duration: int


class TrackDecoder:
    """Decodes one track of a part, in ticks of ``base``. ``guard`` puts bounds on its codec context."""

    def __init__(self, track: Track, base: TimeBase, guard: Callable[[av.CodecContext], None]) -> None:
        self.track = track
        self._base = base
        self._context = track.stream.codec_context
        guard(self._context)
        self._context.thread_count = 1
        self._context.flags |= Flags.copy_opaque
        self._unstamped: deque[_Origin] = deque()
        self._lost = True
        self._last: tuple[int, VideoFormat | AudioFormat] | None = None
        decoder_log.listen()

    def decode(self, packet: AnyPacket | None, origin: _Origin | None) -> tuple[str, list[Picture], list[Sound]]:
        """Decode one packet, or with None what is still inside. Returns the error's kind, pictures and sounds."""
        if packet is not None and origin is not None:
            packet.opaque = origin
            if origin.raw is None:
                self._unstamped.append(origin)
        decoder_log.start()
        error = ""
        frames: Sequence[object] = ()
        try:
            frames = self._context.decode(packet)
        except EOFError:
            frames = ()
        except FAULTS as fault:
            error = decoder_log.kind(_reason(fault))
            self._lost = True
        said = decoder_log.heard()
        pictures, sounds = self._take(frames)
        return (said[0] if said else error), pictures, sounds

    def ticks(self, value: int | None) -> int | None:
        """A time of the part in ticks of the track's base."""
        return value if value is None or self.track.base == self._base else self.track.base.rescale(value, self._base)

    def _take(self, frames: Sequence[object]) -> tuple[list[Picture], list[Sound]]:
        pictures: list[Picture] = []
        sounds: list[Sound] = []
        for frame in frames:
            if isinstance(frame, av.VideoFrame):
                pictures.append(self._picture(frame))
            elif isinstance(frame, av.AudioFrame) and frame.samples:
                sounds.append(self._sound(frame))
        return pictures, sounds

    def _picture(self, frame: av.VideoFrame) -> Picture:
        origin, stamp = self._place(frame)
        fmt, planes = pixels.picture(self.track.codec, frame)
        clean = self._is_clean(stamp, fmt)
        return Picture(
            stamp, self.ticks(frame.duration) or origin.duration, fmt, planes, bool(frame.key_frame),
            bool(frame.is_corrupt), origin.bytes, clean,
        )  # fmt: skip

    def _sound(self, frame: av.AudioFrame) -> Sound:
        _, stamp = self._place(frame)
        samples = floats(frame)
        layout = frame.layout.name.replace(" ", "_") or f"{len(samples)}_channels"
        fmt = AudioFormat(self.track.codec, frame.sample_rate, len(samples), layout)
        return Sound(stamp, fmt, samples, self._is_clean(stamp, fmt))

    def _is_clean(self, stamp: Stamp, fmt: VideoFormat | AudioFormat) -> bool:
        clean = not self._lost and self._last == (stamp.epoch, fmt)
        self._lost = False
        self._last = (stamp.epoch, fmt)
        return clean

    def _place(self, frame: av.VideoFrame | av.AudioFrame) -> tuple[_Origin, Stamp]:
        """Where a frame stands: as far from its packet as their PTS are apart."""
        origin = frame.opaque
        if not isinstance(origin, _Origin):
            origin = _Origin(Stamp(0, 0, 0, 0), None, 0, 0)
        if frame.pts is None or origin.raw is None:
            if self._unstamped:  # pictures come out in the order in which they are shown
                origin = self._unstamped.popleft()
            return origin, origin.stamp
        shift = frame.pts - origin.raw
        if self.track.wraps:
            shift = signed(shift)
        return origin, shifted(origin.stamp, self.ticks(shift) or 0, wraps=self.track.wraps)


def signed(difference: int) -> int:
    """The difference of two 33-bit timestamps as the shorter way round."""
    return (difference + WRAP // 2) % WRAP - WRAP // 2


def shifted(stamp: Stamp, ticks: int, *, wraps: bool) -> Stamp:
    """A stamp so many ticks later in the same epoch."""
    pts, wrap = stamp.pts + ticks, stamp.wrap
    if wraps:
        turns, pts = divmod(pts, WRAP)
        wrap += turns
    return Stamp(stamp.epoch, wrap, pts, stamp.time + ticks)


def floats(frame: av.AudioFrame) -> NDArray[np.float32]:
    """Samples of a frame as (channels, n) float32 with full scale 1.0, whatever their format and packing."""
    raw = frame.to_ndarray()
    if not frame.format.is_planar:
        raw = raw.reshape(-1, frame.layout.nb_channels).T
    if raw.dtype == np.uint8:
        raw = raw.astype(np.int16) - 128
        return np.ascontiguousarray(raw, np.float32) / np.float32(128)
    if np.issubdtype(raw.dtype, np.integer):
        return (raw * (1.0 / (1 << (raw.dtype.itemsize * 8 - 1)))).astype(np.float32, order="C")
    return np.ascontiguousarray(raw, np.float32)


def _reason(fault: BaseException) -> str:
    return getattr(fault, "strerror", None) or str(fault) or type(fault).__name__


class Decoder:
    """Decodes the tracks of a source, part by part, and keeps their clock."""

    def __init__(self, guard: Callable[[av.CodecContext], None]) -> None:
        self._guard = guard
        self._tracks: dict[str, TrackDecoder] = {}
        self._bases: dict[str, TimeBase] = {}
        self._codecs: dict[str, str] = {}
        self.clock: StreamClock | None = None

    @property
    def epochs(self) -> int:
        """Epochs so far."""
        return len(self.clock.epochs) if self.clock else 0

    def begin(self, tracks: Sequence[Track], *, discontinuous: bool) -> list[Decoded]:
        """Open the decoders of a part, and give what those of the part before still held.

        Tracks keep the time base that they had first. A track whose codec changed, and every track where the source
        says that time does not go on, begins a new epoch.
        """
        held = self.flush()
        if self.clock is None:
            starts = [track.base.exact(track.start) for track in tracks if track.start is not None]
            self.clock = StreamClock.starting(min(starts, default=Fraction(0)))
        for track in tracks:
            if discontinuous or self._codecs.get(track.id, track.codec) != track.codec:
                self.clock = self.clock.cut(track.id)
            self._codecs[track.id] = track.codec
            self._bases.setdefault(track.id, track.base)
        self._tracks = {track.id: TrackDecoder(track, self._bases[track.id], self._guard) for track in tracks}
        return held

    def resume(self, clock: StreamClock) -> None:
        """Go on from the clock of an earlier process: what comes is of a new epoch."""
        for track, known in clock.tracks.items():
            clock = clock.cut(track)
            self._bases[track] = known.base
        self.clock = clock

    def base(self, track: str) -> TimeBase:
        """The time base in which a track's stamps are given."""
        return self._bases[track]

    def feed(self, track: str, packet: AnyPacket) -> Decoded:
        """Decode one packet of a track, in the order of the source."""
        decoder = self._tracks[track]
        pts, dts = decoder.ticks(packet.pts), decoder.ticks(packet.dts)
        duration = max(decoder.ticks(packet.duration) or 0, 0)
        stamp = self._stamp(decoder.track, pts, dts, duration)
        origin = _Origin(stamp, packet.pts, packet.size, duration)
        error, pictures, sounds = decoder.decode(packet, origin)
        dts_time = None
        if dts is not None:
            lead = stamp.pts - dts
            dts_time = stamp.time - (signed(lead) if decoder.track.wraps else lead)
        facts = PacketFacts(
            stamp, dts_time, duration, packet.size, bool(packet.is_keyframe), bool(packet.is_corrupt), error
        )
        return Decoded(track, facts, tuple(pictures), tuple(sounds))

    def flush(self) -> list[Decoded]:
        """What the decoders still hold at the end of the source or of a part."""
        given = []
        for name, decoder in self._tracks.items():
            _, pictures, sounds = decoder.decode(None, None)
            given.append(Decoded(name, None, tuple(pictures), tuple(sounds)))
        self._tracks = {}
        return given

    def _stamp(self, track: Track, pts: int | None, dts: int | None, duration: int) -> Stamp:
        clock = self.clock or StreamClock.starting(Fraction(0))
        shown = pts if pts is not None else dts
        if shown is None:
            known = clock.tracks.get(track.id)
            shown = 0 if known is None or known.last_raw is None else known.last_raw + max(duration, 1)
        order = dts if pts is not None else shown
        self.clock, stamp = clock.step(track.id, self._bases[track.id], shown, order, duration, wraps=track.wraps)
        return stamp

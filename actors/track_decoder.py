"""One track's packets to pictures and sound, on one thread. A bad packet is counted, never fatal."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import av
import av.error
import numpy as np
from av.codec.context import Flags
from numpy.typing import NDArray

from actors import captions, decoder_log, nvdec, pixels
from actors.clock import WRAP, Stamp, TimeBase
from actors.field_order import FieldOrder
from actors.media import AudioFormat, PacketFacts, Plane, VideoFormat
from actors.references import References

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
    """A decoded frame before it is placed in a batch. ``duration``: what the container says, 0 where nothing.

    ``captions``: as :func:`actors.captions.pairs` counts them. ``apart``: pictures right before it were passed over.
    """

    stamp: Stamp
    duration: int
    format: VideoFormat
    planes: tuple[Plane, ...]
    key: bool
    corrupt: bool
    packet_bytes: int
    clean: bool
    suspect: bool
    field_order: int = 0
    captions: int = captions.NONE
    apart: bool = False


@dataclass(frozen=True, slots=True)
class Sound:
    """A run of decoded samples: (channels, n) float32. ``clean``: nothing was lost before it."""

    stamp: Stamp
    format: AudioFormat
    samples: NDArray[np.float32]
    clean: bool


@dataclass(frozen=True, slots=True)
class Decoded:
    """What one packet gave: facts about it (None for the flush at the end), and pictures or sound.

    ``skipped``: it was not decoded, by policy; what it gave was inside the codec before.
    """

    track: str
    facts: PacketFacts | None
    pictures: tuple[Picture, ...] = ()
    sounds: tuple[Sound, ...] = ()
    skipped: bool = False


@dataclass(slots=True)
class Origin:
    """Travels with a packet through the codec to the frames that come of it.

    ``lacking``: a picture that others are made from is missing before it. ``suspect``: known after decoding.
    """

    stamp: Stamp
    raw: int | None
    bytes: int
    duration: int
    suspect: bool = False
    lacking: bool = False


class TrackDecoder:
    """Decodes one track of a part, in ticks of ``base``. ``guard`` puts bounds on its codec context."""

    def __init__(self, track: Track, base: TimeBase, guard: Callable[[av.CodecContext], None]) -> None:
        self.track = track
        self._base = base
        self._context = track.stream.codec_context
        guard(self._context)
        self._context.thread_count = 1
        self._context.flags |= Flags.copy_opaque
        self._field_order = FieldOrder()
        self._references = References(track.codec, self._context.extradata or b"")
        self._unstamped: deque[Origin] = deque()
        self._lost = True
        self._cut: int | None = None
        self._skipping = False
        self._apart = False
        self._began: int | None = None
        self._last: tuple[int, VideoFormat | AudioFormat] | None = None
        decoder_log.listen()

    def decode(self, packet: AnyPacket | None, origin: Origin | None) -> tuple[str, list[Picture], list[Sound]]:
        """Decode one packet, or with None what is still inside. Returns the error's kind, pictures and sounds."""
        if packet is not None and self._skipping:
            self._skipping, self._began = False, packet.pts
        if packet is not None and origin is not None:
            packet.opaque = origin
            origin.lacking = self._references.missing(packet)
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
        if packet is not None and origin is not None:
            origin.suspect = self._cut == origin.stamp.epoch or bool(said or error)
            lost = packet.is_corrupt or error  # a parser gives a packet out when it reads the next one
            self._cut = origin.stamp.epoch if lost else None
        pictures, sounds = self._take(frames)
        return (said[0] if said else error), pictures, sounds

    def skip(self) -> list[Picture]:
        """Pass over a packet: what the codec holds comes out, and the next packet begins anew. Returns that."""
        if self._skipping:
            return []
        _, pictures, _ = self.decode(None, None)
        self._context.flush_buffers()
        self._references.forget()
        self._unstamped.clear()
        self._skipping, self._lost, self._began, self._cut = True, True, None, None
        self._apart = True
        return pictures

    def needs_skipped(self, packet: AnyPacket) -> bool:
        """Whether a packet is shown before the key frame that decoding went on from: it needs what was passed over."""
        if self._began is None or packet.pts is None:
            return False
        ahead = self._began - packet.pts
        if (signed(ahead) if self.track.wraps else ahead) <= 0:
            self._began = None
        return self._began is not None

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
        fmt, planes = (nvdec if nvdec.holds(frame) else pixels).picture(self.track.codec, frame)
        clean = self._is_clean(stamp, fmt)
        apart, self._apart = self._apart, False
        return Picture(
            stamp, self.ticks(frame.duration) or origin.duration, fmt, planes, bool(frame.key_frame),
            bool(frame.is_corrupt) or origin.lacking, origin.bytes, clean, origin.suspect, self._field_order.of(frame),
            captions.pairs(frame), apart,
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

    def _place(self, frame: av.VideoFrame | av.AudioFrame) -> tuple[Origin, Stamp]:
        """Where a frame stands: as far from its packet as their PTS are apart."""
        origin = frame.opaque
        if not isinstance(origin, Origin):
            origin = Origin(Stamp(0, 0, 0, 0), None, 0, 0)
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

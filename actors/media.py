"""The words of the pipeline: formats, frames, audio blocks, packets, and the batches that hold them.

Frozen and slotted; arrays inside are never written to. Times are ticks (see :mod:`actors.clock`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from actors.clock import Stamp, TimeBase

Kind = Literal["video", "audio"]
Table = Literal["video", "audio", "packets", "metrics"]
Pixels = NDArray[np.uint8] | NDArray[np.uint16]
Range = Literal["limited", "full", "assumed"]
"""``assumed``: the stream does not say; it is read as limited, and incidents say so."""
Matrix = Literal["bt601", "bt709", "bt2020", "assumed"]
"""From R'G'B' to Y'CbCr. ``assumed``: the stream does not say; it goes by the size."""

MISSING = -(1 << 63)
"""Stands for a timestamp that the source does not give, in int64 columns; null in the tables."""

CLOCK = 27_000_000
"""Hz of program clocks (ISO/IEC 13818-1, 2.4.2)."""

CONTEXT_FRAMES = 2
"""Frames before its own that a batch carries."""


@dataclass(frozen=True, slots=True)
class VideoFormat:
    """How pictures of a track are coded. A batch has one; a change of it is a ``format_change``.

    ``chroma_x``/``chroma_y``: log2 of horizontal and vertical subsampling. ``planes`` is 1 for grey, else 3.
    ``transfer``: ``pq``, ``hlg`` or ``sdr``.
    """

    codec: str
    width: int
    height: int
    pixel_format: str
    depth: int
    chroma_x: int
    chroma_y: int
    planes: int
    range: Range
    transfer: Literal["sdr", "pq", "hlg"]
    matrix: Matrix = "assumed"

    @property
    def text(self) -> str:
        """One line that :meth:`parse` reads back; the ``format`` column of the tables."""
        return (
            f"{self.codec} {self.width}x{self.height} {self.pixel_format} {self.depth} "
            f"{self.chroma_x}{self.chroma_y}{self.planes} {self.range} {self.transfer}"
            f"{'' if self.matrix == 'assumed' else f' {self.matrix}'}"
        )

    @classmethod
    def parse(cls, text: str) -> VideoFormat:
        """Read a line written by :attr:`text`."""
        codec, size, pixel_format, depth, layout, range_, transfer, *matrix = text.split(" ")
        width, height = size.split("x")
        sub_x, sub_y, planes = (int(digit) for digit in layout)
        return cls(
            codec, int(width), int(height), pixel_format, int(depth), sub_x, sub_y, planes,
            range_, transfer, *matrix,  # type: ignore[arg-type]
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """How sound of a track is coded. ``layout`` is FFmpeg's name of the channel layout, without blanks."""

    codec: str
    rate: int
    channels: int
    layout: str

    @property
    def text(self) -> str:
        """One line that :meth:`parse` reads back."""
        return f"{self.codec} {self.rate} {self.channels} {self.layout}"

    @classmethod
    def parse(cls, text: str) -> AudioFormat:
        """Read a line written by :attr:`text`."""
        codec, rate, channels, layout = text.split(" ")
        return cls(codec, int(rate), int(channels), layout)


@dataclass(frozen=True, slots=True)
class Plane:
    """One plane of a picture as it lies in memory.

    ``lines``: C-contiguous (height, stride) uint8, or uint16 where depth > 8 (low bits used); pixels at and past
    ``width`` are padding and mean nothing.
    """

    lines: Pixels
    width: int

    @property
    def pixels(self) -> Pixels:
        """The (height, width) view without padding."""
        return self.lines[:, : self.width]

    @property
    def height(self) -> int:
        """Lines."""
        return len(self.lines)

    @property
    def nbytes(self) -> int:
        """Bytes of ``lines``."""
        return self.lines.nbytes


@dataclass(frozen=True, slots=True)
class Frame:
    """A decoded picture: Y or Y, U, V.

    ``duration``: ticks it is shown, 0 where unknown; ``coded``: ticks that the container gives it, 0 where nothing.
    ``corrupt``: the decoder flagged it, or a picture that it needs has not come (:mod:`actors.references`).
    ``packet_bytes``: size of the packet that began it, 0 where unknown. ``clean``: False for the first frame after an
    epoch, a format change, a skip or a lost packet: differences to earlier frames mean nothing there. ``suspect``: the
    decoder complained about the packet that began it, or bytes were lost before. ``field_order``: what the stream says
    of its fields, as in :mod:`actors.field_order`.
    """

    stamp: Stamp
    duration: int
    planes: tuple[Plane, ...]
    key: bool
    corrupt: bool
    packet_bytes: int
    clean: bool
    coded: int = 0
    suspect: bool = False
    field_order: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive frames of one track, of one format, epoch and window, and up to two before them.

    ``context`` is oldest first, and shorter at a start, a format change or a break. ``first_row``: ordinal of
    ``frames[0]`` among all frames of the track in this run.
    """

    track: str
    base: TimeBase
    format: VideoFormat
    frames: tuple[Frame, ...]
    context: tuple[Frame, ...]
    first_row: int
    window: int


@dataclass(frozen=True, slots=True)
class AudioBlock:
    """At most 100 ms of sound: ten hops of 10 ms, with edges at ``floor(k * rate / 100)`` from the anchor.

    ``samples``: (channels, n) float32, full scale 1.0. ``hop``: number of its first hop since the anchor; a multiple of
    ten. ``clean``: False for the first block after a break. ``duration`` in ticks.
    """

    stamp: Stamp
    duration: int
    samples: NDArray[np.float32]
    hop: int
    clean: bool


@dataclass(frozen=True, slots=True)
class AudioBatch:
    """Consecutive audio blocks of one track, of one format, epoch and window."""

    track: str
    base: TimeBase
    format: AudioFormat
    blocks: tuple[AudioBlock, ...]
    first_row: int
    window: int


def hop_edges(rate: int, first: int, count: int) -> NDArray[np.int64]:
    """Sample numbers, from the anchor, at which ``count`` 10 ms hops begin, and where the last one ends.

    Returns:
        (count + 1,) int64: ``floor(k * rate / 100)`` for k in first..first+count.
    """
    return (np.arange(first, first + count + 1, dtype=np.int64) * rate) // 100


@dataclass(frozen=True, slots=True)
class Carried:
    """What the transport packets of a track did from one of its packets (excluded) to the next (included).

    ``continuity``: counters that do not go on; ``flagged``: packets flagged as damaged; ``scrambled``: whether any
    was. Of the stream as a whole, said of one track, else None: ``unsynced``, losses of the packets' grid, and how
    long a table or clock had not come, at most, in ticks of 27 MHz: ``association`` (PAT), ``map`` (PMT), ``clock``;
    ``lost_table``: at most, one whose counter did not go on when it came.
    """

    continuity: int = 0
    flagged: int = 0
    scrambled: bool = False
    unsynced: int | None = None
    association: int | None = None
    map: int | None = None
    clock: int | None = None
    lost_table: int | None = None


@dataclass(frozen=True, slots=True)
class Hidden:
    """A stretch of a track that is scrambled, of which no packet comes. Ticks of the stream's own clock, 27 MHz.

    ``origin``: what the clock first said. Since then: ``since``, when it began to be scrambled, and ``start`` and
    ``stop`` of this part of it.
    """

    origin: int
    since: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class PacketFacts:
    """What is known of one packet without its picture. ``error``: what the decoder said of it, or ''.

    ``dts_time`` is its DTS on the timeline, None where the source says none. ``samples``: decoded of it, in each
    channel, at ``rate`` Hz; 0 where it gave no sound. ``carried``: None where no transport packets were seen.
    ``captions``: in its pictures, as :func:`actors.captions.pairs` counts them; None where it gave none.
    ``encrypted``: nothing of it can be decoded; of no bytes it is a stretch of which no packet came (:class:`Hidden`).
    """

    stamp: Stamp
    dts_time: int | None
    duration: int
    bytes: int
    key: bool
    corrupt: bool
    error: str
    samples: int = 0
    rate: int = 0
    carried: Carried | None = None
    captions: int | None = None
    encrypted: bool = False


@dataclass(frozen=True, slots=True)
class PacketBatch:
    """Consecutive packets of one track, of one epoch and window, in the order of the source.

    ``format`` is the text of the track's format as the container declares it at that point. ``times``: where each
    stands on the timeline in the order of decoding, which never steps back: its DTS, moved so that the first packet of
    an epoch stands at its PTS.
    """

    track: str
    base: TimeBase
    format: str
    packets: tuple[PacketFacts, ...]
    times: tuple[int, ...]
    first_row: int
    window: int


AnyBatch = Batch | AudioBatch | PacketBatch

"""Pictures, sounds and packets to batches: of one format, epoch and window, bounded in bytes and in time.

A window is a fixed span of a track's timeline; its number never falls. How a track is cut into windows depends on the
media alone; how a window is cut into batches does not matter to any result.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from actors.clock import Stamp, TimeBase
from actors.media import (
    CONTEXT_FRAMES,
    AudioBatch,
    AudioBlock,
    AudioFormat,
    Batch,
    Frame,
    PacketBatch,
    PacketFacts,
    VideoFormat,
    hop_edges,
)
from actors.track_decoder import Picture, Sound, shifted

HOPS_PER_BLOCK = 10
BREAK_SECONDS = 0.02
"""Sound that is off by more than this from where its samples put it starts a new block."""
LONGEST_PICTURE_SECONDS = 10
"""No picture counts as shown for longer: a longer step is a new epoch (see clock)."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How large batches and windows may grow. A live batch is short; a file's is bounded by memory."""

    window_seconds: int
    batch_seconds: float
    batch_bytes: int = 16 << 20


FILE = Bounds(window_seconds=60, batch_seconds=2.0, batch_bytes=32 << 20)
LIVE = Bounds(window_seconds=10, batch_seconds=0.2)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a track's rows begin: the number of the first one, and of the first window. After a restart not at 0."""

    row: int = 0
    window: int = 0


START = Place()


class _Windows:
    """Numbers rows and windows of one track, and keeps its timeline from stepping back."""

    def __init__(self, base: TimeBase, bounds: Bounds, place: Place) -> None:
        self._length = base.ceil(bounds.window_seconds)
        self.window = place.window
        self.row = place.row
        self._latest: int | None = None

    def forward(self, time: int) -> int:
        """The time, or the newest one given before where a damaged source steps back."""
        self._latest = time if self._latest is None else max(time, self._latest)
        return self._latest

    def of(self, time: int) -> int:
        """The window that a time falls into; never one before the newest."""
        self.window = max(self.window, time // self._length)
        return self.window


class VideoBatcher:
    """Pictures of one track to batches. Holds one picture back, to see how long it is shown."""

    def __init__(self, track: str, base: TimeBase, bounds: Bounds, place: Place = START) -> None:
        self._track, self._base, self._bounds = track, base, bounds
        self._windows = _Windows(base, bounds, place)
        self._longest = base.ceil(LONGEST_PICTURE_SECONDS)
        self._held: Picture | None = None
        self._frames: list[Frame] = []
        self._context: deque[Frame] = deque(maxlen=CONTEXT_FRAMES)
        self._bytes = 0
        self._of: tuple[VideoFormat, int, int] | None = None
        self._interval = 0

    def add(self, picture: Picture) -> Iterator[Batch]:
        """Take the next picture; give the batch that is complete, if one is."""
        time = self._windows.forward(picture.stamp.time)
        if time != picture.stamp.time:
            picture = replace(picture, stamp=replace(picture.stamp, time=time))
        held, self._held = self._held, picture
        if held is not None:
            shown = time - held.stamp.time
            follows = picture.stamp.epoch == held.stamp.epoch and not picture.apart
            if follows and 0 < shown <= self._longest:
                self._interval = shown
                yield from self._place(held, shown)
            else:
                yield from self._place(held, held.duration or self._interval)

    def flush(self) -> Iterator[Batch]:
        """The track has ended, or goes on in another way."""
        if self._held is not None:
            held, self._held = self._held, None
            yield from self._place(held, held.duration or self._interval)
        yield from self.cut()

    def _place(self, picture: Picture, shown: int) -> Iterator[Batch]:
        of = (picture.format, picture.stamp.epoch, self._windows.of(picture.stamp.time))
        if of != self._of or not picture.clean:
            yield from self.cut()
            if self._of is None or of[:2] != self._of[:2] or not picture.clean:
                self._context.clear()
            self._of = of
        self._frames.append(
            Frame(picture.stamp, shown, picture.planes, picture.key, picture.corrupt, picture.packet_bytes,
                  picture.clean, picture.duration, picture.suspect, picture.field_order)
        )  # fmt: skip
        self._bytes += sum(plane.nbytes for plane in picture.planes)
        first = self._frames[0].stamp.time
        long = picture.stamp.time + shown - first >= self._base.ceil(self._bounds.batch_seconds)
        if long or self._bytes * (1 + 1 / len(self._frames)) > self._bounds.batch_bytes:
            yield from self.cut()

    def cut(self) -> Iterator[Batch]:
        """Give what is complete: nothing comes for a while."""
        if not self._frames or self._of is None:
            return
        frames = tuple(self._frames)
        yield Batch(
            self._track, self._base, self._of[0], frames, tuple(self._context), self._windows.row, self._of[2]
        )  # fmt: skip
        self._context.extend(frames)
        self._windows.row += len(frames)
        self._frames, self._bytes = [], 0


class AudioBatcher:
    """Sounds of one track to blocks of ten 10 ms hops, and blocks to batches."""

    def __init__(self, track: str, base: TimeBase, bounds: Bounds, place: Place = START, *, wraps: bool) -> None:
        self._track, self._base, self._bounds, self._wraps = track, base, bounds, wraps
        self._windows = _Windows(base, bounds, place)
        self._tolerance = base.ceil(BREAK_SECONDS)
        self._anchor: Stamp | None = None
        self._format: AudioFormat | None = None
        self._pieces: list[NDArray[np.float32]] = []
        self._waiting = 0
        self._hop = 0
        self._clean = False
        self._blocks: list[AudioBlock] = []
        self._of: tuple[AudioFormat, int, int] | None = None

    def add(self, sound: Sound) -> Iterator[AudioBatch]:
        """Take the next run of samples; give the batches that are complete."""
        if not self._continues(sound):
            yield from self._end_run()
            self._anchor, self._format, self._hop, self._clean = sound.stamp, sound.format, 0, False
        self._pieces.append(sound.samples)
        self._waiting += sound.samples.shape[1]
        edges = hop_edges(sound.format.rate, self._hop, HOPS_PER_BLOCK)
        while self._waiting >= edges[-1] - edges[0]:
            yield from self._block(int(edges[-1] - edges[0]))
            edges = hop_edges(sound.format.rate, self._hop, HOPS_PER_BLOCK)

    def flush(self) -> Iterator[AudioBatch]:
        """The track has ended."""
        yield from self._end_run()
        yield from self.cut()

    def _continues(self, sound: Sound) -> bool:
        if self._anchor is None or self._format != sound.format or self._anchor.epoch != sound.stamp.epoch:
            return False
        samples = int(hop_edges(sound.format.rate, self._hop, 0)[0]) + self._waiting
        expected = self._anchor.time + self._ticks(samples)
        return abs(sound.stamp.time - expected) <= self._tolerance

    def _ticks(self, samples: int) -> int:
        rate = self._format.rate if self._format else 1
        return (samples * self._base.den) // (rate * self._base.num)

    def _end_run(self) -> Iterator[AudioBatch]:
        """Give what is left over as a short block."""
        if self._waiting:
            yield from self._block(self._waiting)
        self._anchor = None

    def _block(self, samples: int) -> Iterator[AudioBatch]:
        if self._anchor is None or self._format is None:
            return
        whole = np.concatenate(self._pieces, axis=1) if len(self._pieces) > 1 else self._pieces[0]
        self._pieces = [whole[:, samples:]] if whole.shape[1] > samples else []
        self._waiting -= samples
        begin = int(hop_edges(self._format.rate, self._hop, 0)[0])
        start, end = self._ticks(begin), self._ticks(begin + samples)
        stamp = shifted(self._anchor, start, wraps=self._wraps)
        stamp = replace(stamp, time=self._windows.forward(stamp.time))
        block = AudioBlock(stamp, end - start, np.ascontiguousarray(whole[:, :samples]), self._hop, self._clean)
        self._hop += HOPS_PER_BLOCK
        self._clean = True
        of = (self._format, stamp.epoch, self._windows.of(stamp.time))
        if of != self._of:
            yield from self.cut()
            self._of = of
        self._blocks.append(block)
        if len(self._blocks) * 0.1 >= self._bounds.batch_seconds:
            yield from self.cut()

    def cut(self) -> Iterator[AudioBatch]:
        """Give the blocks that are complete: nothing comes for a while."""
        if not self._blocks or self._of is None:
            return
        yield AudioBatch(
            self._track, self._base, self._of[0], tuple(self._blocks), self._windows.row, self._of[2]
        )  # fmt: skip
        self._windows.row += len(self._blocks)
        self._blocks = []


class PacketBatcher:
    """Facts about packets of one track to batches. Their windows follow the order of decoding."""

    def __init__(self, track: str, base: TimeBase, bounds: Bounds, place: Place = START) -> None:
        self._track, self._base, self._bounds = track, base, bounds
        self._windows = _Windows(base, bounds, place)
        self._packets: list[PacketFacts] = []
        self._times: list[int] = []
        self._of: tuple[str, int, int] | None = None
        self._lead: tuple[int, int] | None = None

    def add(self, facts: PacketFacts, format_text: str) -> Iterator[PacketBatch]:
        """Take the next packet; give the batch that is complete, if one is."""
        time = self._windows.forward(self._time(facts))
        of = (format_text, facts.stamp.epoch, self._windows.of(time))
        if of != self._of:
            yield from self.flush()
            self._of = of
        self._packets.append(facts)
        self._times.append(time)
        if time - self._times[0] >= self._base.ceil(self._bounds.batch_seconds):
            yield from self.flush()

    def _time(self, facts: PacketFacts) -> int:
        if facts.dts_time is None:
            return facts.stamp.time
        if self._lead is None or self._lead[0] != facts.stamp.epoch:
            self._lead = (facts.stamp.epoch, facts.stamp.time - facts.dts_time)
        return facts.dts_time + self._lead[1]

    def flush(self) -> Iterator[PacketBatch]:
        """The track has ended, or what waits is to be seen at once."""
        if not self._packets or self._of is None:
            return
        packets, times = tuple(self._packets), tuple(self._times)
        yield PacketBatch(self._track, self._base, self._of[0], packets, times, self._windows.row, self._of[2])
        self._windows.row += len(packets)
        self._packets, self._times = [], []

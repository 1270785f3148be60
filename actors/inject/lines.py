"""The way of one track from source to clip: defects at work on it, and what they have touched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from math import ceil

import av
import numpy as np

from actors.inject.bitstream import BytesDefect
from actors.inject.captions import CaptionsLost
from actors.inject.defects import (
    Defect,
    DefectError,
    Facts,
    PictureChange,
    PictureDefect,
    Samples,
    SoundChange,
    SoundDefect,
)
from actors.inject.encode import ClipWriter, PictureSpec, SoundSpec
from actors.inject.labels import Label
from actors.inject.read import frame_of, planes_of
from actors.inject.timing import SoundCut, SoundDrift, SoundShift, TimestampGap


@dataclass(slots=True)
class Work:
    """A defect at work. ``first`` and ``last`` are ordinals of what it touched, ``start`` and ``end`` seconds."""

    defect: Defect
    facts: Facts = field(default_factory=dict)
    picture: PictureChange | None = None
    sound: SoundChange | None = None
    first: int = 0
    last: int = 0
    start: Fraction | None = None
    end: Fraction | None = None

    @property
    def gap(self) -> bool:
        """Whether it leaves out what is in its window."""
        return isinstance(self.defect, TimestampGap | SoundCut)

    def touch(self, first: int, last: int, start: Fraction) -> None:
        """Note what was touched."""
        if self.start is None:
            self.first, self.start = first, start
        self.last = last

    def label(self, seed: int, clip_end: Fraction) -> Label:
        """Its label.

        Raises:
            DefectError: If its window is not in the clip.
        """
        defect = self.defect
        over = defect.end is not None and (defect.end > clip_end or (self.gap and defect.end == clip_end))
        if self.start is None or over:
            raise DefectError(f"{defect}: past the end of the clip, which is at {float(clip_end):.3f} seconds")
        defect.check(self.facts)
        end = self.start if defect.point or self.end is None else self.end
        return Label(
            kind=defect.detector, defect=defect.kind, track=defect.track, start_seconds=float(self.start),
            end_seconds=float(end), start_frame=self.first, end_frame=self.first if defect.point else self.last,
            params=defect.own() | self.facts, seed=seed,
        )  # fmt: skip


class PictureLine:
    """Pictures of one track. ``splices``: where a new writer takes over, in seconds. ``base``: seconds per tick."""

    def __init__(
        self, track: str, spec: PictureSpec, base: Fraction, works: Sequence[Work],
        splices: Sequence[Fraction], writers: Sequence[ClipWriter],
    ) -> None:  # fmt: skip
        self.end = Fraction(0)
        self._track, self._spec, self._base = track, spec, base
        self._works, self._splices, self._writers = works, splices, writers
        self._count = 0

    def feed(self, frame: av.VideoFrame, at: Fraction) -> None:
        """Take the next picture, shown ``at`` seconds."""
        at = round(at / self._base) * self._base
        self.end = max(self.end, at + 1 / self._spec.rate)
        for work in self._works:
            if work.start is not None and work.end is None and not work.defect.covers(at):
                work.end = at
        active = [work for work in self._works if work.defect.covers(at)]
        for work in active:
            work.touch(self._count, self._count, at)
        if any(work.gap for work in active):
            return
        picture = planes_of(frame)
        for work in active:
            if work.picture is not None:
                picture = work.picture(picture, float(at - work.defect.start) / (work.defect.length_seconds or 1))
        part = sum(splice <= at for splice in self._splices)
        captions = b"".join(
            work.defect.carried(self._count, active=work.defect.covers(at)) for work in self._works
            if isinstance(work.defect, CaptionsLost)
        )  # fmt: skip
        self._writers[part].picture(self._track, frame_of(picture, frame), at, captions)
        self._count += 1

    def close(self) -> None:
        """The track has ended: so have the windows that are open."""
        for work in self._works:
            if work.start is not None and work.end is None:
                work.end = self.end


class SoundLine:
    """Sound of one track, taken as continuous from its first sample. Gaps and splices begin at edges of coded frames.

    ``blocks``: samples of a coded frame, for each writer.
    """

    def __init__(
        self, track: str, spec: SoundSpec, blocks: Sequence[int], works: Sequence[Work],
        splices: Sequence[Fraction], writers: Sequence[ClipWriter],
    ) -> None:  # fmt: skip
        self.end = Fraction(0)
        self._track, self._spec, self._blocks = track, spec, blocks
        self._works, self._times, self._writers = works, splices, writers
        self._origin: Fraction | None = None
        self._count = 0
        self._windows: list[tuple[int, float]] = []
        self._splices: list[int] = []

    def feed(self, samples: Samples, at: Fraction) -> None:
        """Take the next samples. ``at`` counts for the first only: where the track begins."""
        if self._origin is None:
            self._begin(at)
        first, stop = self._count, self._count + samples.shape[1]
        samples = samples.copy()
        edges = {first, stop, *self._splices}
        for work, (start, end) in zip(self._works, self._windows, strict=True):
            low, high = max(first, start), int(min(stop, end))
            if low < high:
                self._touch(work, low, high)
                if work.sound is not None:
                    here = slice(low - first, high - first)
                    samples[:, here] = work.sound(samples[:, here])
                edges |= {low, high}
        for low, high in pairwise(sorted(edge for edge in edges if first <= edge <= stop)):
            if not self._left_out(low):
                part = sum(splice <= low for splice in self._splices)
                at = self._time(low)
                at += sum(_moved(work.defect, at) for work in self._works)
                early = self._before(at)
                piece = np.ascontiguousarray(samples[:, low - first + early : high - first])
                if piece.shape[1]:
                    at += Fraction(early, self._spec.rate)
                    self._writers[part].sound(self._track, piece, self._spec.rate, self._spec.layout, at)
        self._count = stop
        self.end = self._time(stop)

    def _begin(self, at: Fraction) -> None:
        self._origin = at
        for time in self._times:
            self._splices.append(self._block_edge(self._sample(time)))
        for work in self._works:
            start = self._sample(work.defect.start)
            end = work.defect.end
            if work.sound is None:
                start = self._block_edge(start)
            self._windows.append((start, np.inf if end is None else self._sample(end)))

    def _sample(self, time: Fraction) -> int:
        """The first sample heard at that time or later."""
        assert self._origin is not None
        return max(0, -((self._origin - time) * self._spec.rate // 1))

    def _before(self, at: Fraction) -> int:
        """Samples from that time that would be heard before the track begins."""
        assert self._origin is not None
        return max(0, ceil((self._origin - at) * self._spec.rate))

    def _time(self, sample: int) -> Fraction:
        assert self._origin is not None
        return self._origin + Fraction(sample, self._spec.rate)

    def _block_edge(self, sample: int) -> int:
        """The last edge of a coded frame at or before a sample."""
        start = max((splice for splice in self._splices if splice <= sample), default=0)
        block = self._blocks[sum(splice <= sample for splice in self._splices)]
        return start + (sample - start) // block * block

    def _left_out(self, sample: int) -> bool:
        return any(
            start <= sample < end for work, (start, end) in zip(self._works, self._windows, strict=True)
            if work.gap
        )  # fmt: skip

    def _touch(self, work: Work, low: int, high: int) -> None:
        gone = sum(
            int(min(end, low)) - start for other, (start, end) in zip(self._works, self._windows, strict=True)
            if other.gap and start < low
        )  # fmt: skip
        work.touch(low - gone, low - gone if work.gap else high - 1 - gone, self._time(low))
        work.end = self._time(high)


def _moved(defect: Defect, at: Fraction) -> Fraction:
    """By how much sound of that time is to come late."""
    if isinstance(defect, SoundShift):
        return Fraction(repr(defect.by)) / 1000
    if not isinstance(defect, SoundDrift):
        return Fraction(0)
    return max(at - defect.start, Fraction(0)) * Fraction(repr(defect.by)) / 1000


def works_of(track: str, defects: Sequence[Defect], seed: int) -> dict[int, Work]:
    """The defects of a track at work, by their places in the list; those of the bitstream come later."""
    works = {}
    for index, defect in enumerate(defects):
        if defect.track == track and not isinstance(defect, BytesDefect):
            works[index] = work = Work(defect)
            rng = np.random.default_rng((seed, index))
            if isinstance(defect, PictureDefect):
                work.picture = defect.begin(rng, work.facts)
            elif isinstance(defect, SoundDefect):
                work.sound = defect.begin(rng, work.facts)
    return works

"""PTS, time bases, wraps, gaps and epochs: the only place with rational arithmetic.

Inside the program a time is a whole number of ticks of a :class:`TimeBase`. Every track has a *timeline*: ticks that
run on through wraps and epochs, so that differences are durations. A time becomes seconds only where it leaves.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache

WRAP = 1 << 33
"""MPEG-TS timestamps are 33 bits wide (ISO/IEC 13818-1, 2.4.3.7)."""

CLOCK_VERSION = 1
"""Rises when a constant below changes: epochs are part of every row's key."""

BACK_SECONDS = Fraction(1)
FORWARD_SECONDS = Fraction(10)


@dataclass(frozen=True, slots=True)
class TimeBase:
    """Seconds per tick, as ``num / den``, both positive."""

    num: int
    den: int

    def __post_init__(self) -> None:
        if self.num <= 0 or self.den <= 0:
            raise ValueError(f"a time base needs positive terms, not {self.num}/{self.den}")

    @classmethod
    def of(cls, value: Fraction) -> TimeBase:
        """Take over a fraction of seconds per tick."""
        return cls(value.numerator, value.denominator)

    def exact(self, ticks: int) -> Fraction:
        """Seconds, exactly."""
        return Fraction(ticks * self.num, self.den)

    def seconds(self, ticks: int) -> float:
        """Seconds as the nearest float64, for leaving the program."""
        return ticks * self.num / self.den

    def ceil(self, seconds: float | Fraction) -> int:
        """The least number of ticks that lasts at least ``seconds`` (a float is read as its shortest decimal)."""
        return _ceil(self.num, self.den, seconds)

    def floor(self, seconds: float | Fraction) -> int:
        """The greatest number of ticks that lasts at most ``seconds``."""
        exact = seconds if isinstance(seconds, Fraction) else Fraction(repr(seconds))
        return (exact.numerator * self.den) // (exact.denominator * self.num)

    def rescale(self, ticks: int, to: TimeBase) -> int:
        """The same time in another base, rounded down."""
        return (ticks * self.num * to.den) // (self.den * to.num)


@lru_cache(1024, typed=True)
def _ceil(num: int, den: int, seconds: float | Fraction) -> int:
    exact = seconds if isinstance(seconds, Fraction) else Fraction(repr(seconds))
    return -((-exact.numerator * den) // (exact.denominator * num))


@dataclass(frozen=True, slots=True)
class Stamp:
    """Where a packet, frame or block stands.

    ``pts`` is what the source said; with ``epoch`` and ``wrap`` it is the key of a row. ``time`` is the position on the
    track's timeline, in the same ticks.
    """

    epoch: int
    wrap: int
    pts: int
    time: int


@dataclass(frozen=True, slots=True)
class Epoch:
    """A stretch of the source with one offset from its unwrapped timestamps to the timeline, in seconds."""

    number: int
    offset: Fraction


@dataclass(frozen=True, slots=True)
class TrackClock:
    """What is remembered of one track: its epoch, wraps so far, and the newest time it reached."""

    base: TimeBase
    wraps: bool
    epoch: int = 0
    wrap: int = 0
    last_raw: int | None = None
    last: int = 0
    """Timeline of the newest timestamp by which jumps are judged (DTS where there is one)."""
    end: int = 0
    """Timeline of the furthest end of a packet."""
    broken: bool = False
    """The next packet begins an epoch, or joins one that another track began."""
    pause: int = 0
    """An epoch that the next packet begins stands so many ticks after the end."""
    hidden: int = 0
    """Timeline up to which the track is known to have gone on without packets: it was scrambled."""


@dataclass(frozen=True, slots=True)
class StreamClock:
    """The clock of a stream: a value. :meth:`step` gives the next one.

    A track that jumps starts a new epoch, which goes on where that track ended. A track that jumps after another did
    joins the epoch that is there when its own jump fits into it, so that sound and picture keep their distance.
    """

    epochs: tuple[Epoch, ...]
    tracks: dict[str, TrackClock] = field(default_factory=dict)

    @classmethod
    def starting(cls, at: Fraction) -> StreamClock:
        """A clock whose timeline begins at a source time, in seconds: the least start of the source's tracks."""
        return cls((Epoch(0, -at),))

    def step(
        self, track: str, base: TimeBase, pts: int, dts: int | None, duration: int, *, wraps: bool
    ) -> tuple[StreamClock, Stamp]:
        """Place one packet, in the order in which the source gives them.

        Args:
            track: The track's name.
            base: Its time base.
            pts: Its presentation time as the source says it.
            dts: Its decoding time, or None.
            duration: Ticks, 0 where unknown.
            wraps: Whether timestamps are 33 bits wide.
        """
        raw = pts if dts is None else dts
        clock = self.tracks.get(track)
        epochs = self.epochs
        if clock is None:
            clock = _first(TrackClock(base, wraps, epoch=epochs[-1].number), raw, epochs[-1])
            unwrapped = raw + clock.wrap * WRAP
        else:
            clock = _wrapped(clock, raw)
            unwrapped = raw + clock.wrap * WRAP
            epochs, clock = _settle(epochs, clock, unwrapped)
        offset = base.floor(epochs[clock.epoch].offset)
        wrap = clock.wrap + _wraps_between(raw, pts) if wraps else 0
        time = pts + wrap * WRAP + offset
        clock = replace(
            clock, last_raw=raw, last=unwrapped + offset, end=max(clock.end, time + duration), broken=False, pause=0
        )
        return StreamClock(epochs, {**self.tracks, track: clock}), Stamp(clock.epoch, wrap, pts, time)

    def hide(
        self, track: str, base: TimeBase, at: Fraction, until: Fraction, *, wraps: bool
    ) -> tuple[StreamClock, Stamp]:  # fmt: skip
        """Place a stretch of a track of which the source gives no packet; what comes after it is no jump.

        Args:
            track: The track's name.
            base: Its time base.
            at: Where it begins on the timeline, in seconds.
            until: Where it ends.
            wraps: Whether timestamps are 33 bits wide.
        """
        known, time = self.tracks.get(track), base.floor(at)
        epoch = self.epochs[known.epoch if known else -1]
        wrap, pts = divmod(time - base.floor(epoch.offset), WRAP) if wraps else (0, time - base.floor(epoch.offset))
        tracks = {**self.tracks, track: replace(known, hidden=base.floor(until))} if known else self.tracks
        return replace(self, tracks=tracks), Stamp(epoch.number, wrap, pts, time)

    def cut(self, track: str) -> StreamClock:
        """Begin a new epoch for a track at its next packet (codec change, playlist discontinuity)."""
        clock = self.tracks.get(track)
        if clock is None:
            return self
        return replace(self, tracks={**self.tracks, track: replace(clock, broken=True)})

    def pause(self, seconds: float) -> StreamClock:
        """A live source gave nothing for so long: what does not go on from before stands that much later."""
        paused = {name: replace(clock, pause=clock.base.ceil(seconds)) for name, clock in self.tracks.items()}
        return replace(self, tracks=paused)


def _wraps_between(earlier: int, later: int) -> int:
    """How many wraps lie from one 33-bit timestamp to another near it: -1, 0 or 1."""
    if later - earlier > WRAP // 2:
        return -1
    return 1 if earlier - later > WRAP // 2 else 0


def _first(clock: TrackClock, raw: int, epoch: Epoch) -> TrackClock:
    """A track's first timestamp: count wraps so that it lies near the start of the epoch."""
    if not clock.wraps:
        return clock
    turns, start = divmod(-clock.base.floor(epoch.offset), WRAP)
    return replace(clock, wrap=turns + _wraps_between(start, raw))


def _wrapped(clock: TrackClock, raw: int) -> TrackClock:
    if not clock.wraps or clock.last_raw is None:
        return clock
    return replace(clock, wrap=clock.wrap + _wraps_between(clock.last_raw, raw))


def _step(clock: TrackClock, epoch: Epoch, unwrapped: int) -> Fraction:
    """Seconds from the track's newest timestamp to this one, if it were of that epoch."""
    return clock.base.exact(unwrapped + clock.base.floor(epoch.offset) - clock.last)


def _settle(epochs: tuple[Epoch, ...], clock: TrackClock, unwrapped: int) -> tuple[tuple[Epoch, ...], TrackClock]:
    """Keep the track's epoch, move it into a newer one that fits better, or begin one where the track ended."""
    open_to = epochs[clock.epoch + (1 if clock.broken else 0) :]
    best = min(open_to, key=lambda epoch: abs(_step(clock, epoch, unwrapped)), default=None)
    longest = FORWARD_SECONDS + clock.base.exact(max(clock.hidden - clock.last, 0))
    if best is not None and -BACK_SECONDS <= _step(clock, best, unwrapped) <= longest:
        return epochs, replace(clock, epoch=best.number)
    end = max(clock.end + clock.pause, clock.last + clock.pause, clock.hidden)
    began = Epoch(len(epochs), clock.base.exact(end - unwrapped))
    return (*epochs, began), replace(clock, epoch=began.number)

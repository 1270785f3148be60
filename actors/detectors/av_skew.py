"""Sound that leaves its pictures: timestamps that run away from its samples, and an end that is not theirs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from actors.incident import Event, EventKind, Severity, Thresholds
from actors.measure import Rows
from actors.media import Table
from actors.spans import BEFORE, IDLE, Moment, Span, begin, close, event, follow

FEWEST_SECONDS = 1
"""Sound over which a rate is taken, at least."""


class AvSkewThresholds(Thresholds):
    """When sound is off its pictures."""

    early_ms: float = Field(
        45.0, gt=0, le=10_000, title="ms by which sound comes early, more than",
        description="Origin: ITU-R BT.1359-1, what viewers notice; it accepts 90.",
    )  # fmt: skip
    late_ms: float = Field(
        125.0, gt=0, le=10_000, title="ms by which sound comes late, more than",
        description="Origin: ITU-R BT.1359-1, what viewers notice; it accepts 185.",
    )  # fmt: skip
    drift_ppm: float = Field(
        100.0, ge=0, le=1_000_000, title="parts per million by which timestamps and samples drift apart, at least",
        description="Origin: our choice; clocks of two devices differ by less, and their sound is put right at times.",
    )  # fmt: skip
    length_seconds: float = Field(
        0.5, gt=0, le=3600, title="seconds by which sound is shorter or longer than its pictures, more than",
        description="Origin: clean clips, whose ends are ragged by up to 0.25 s. Files that were read to their end.",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Skew:
    """What is remembered of a track.

    ``first``: what is shown first; its key, and in ticks when. ``end``: when the last stops being shown. ``newest``:
    epoch, presentation time, samples and sample rate of the newest packet. ``drift``: by how much timestamps have run
    ahead of samples in this epoch, in parts of 1 / (rate * den) s; ``over``: in how many samples. ``heard``: whether
    any were decoded.
    """

    first: Span = IDLE
    end: int = BEFORE
    newest: tuple[int, int, int, int] = (-1, 0, 0, 0)
    drift: int = 0
    over: int = 0
    heard: bool = False
    early: Span = IDLE
    late: Span = IDLE


@dataclass(frozen=True, slots=True)
class Track:
    """A track that has ended: no rows, that name it and its base, and what is remembered of it."""

    rows: Rows
    state: Skew

    @property
    def shown(self) -> tuple[Fraction, Fraction]:
        """When it begins and ends, in seconds."""
        return self.rows.base.exact(self.state.first.start), self.rows.base.exact(self.state.end)


class AvSkew:
    """Sound whose timestamps drift away from its samples (parts ``early``, ``late``), or is cut short (``length``).

    The peak is in ms. Where tracks merely begin apart nothing is said: encoders and cuts leave that, and no timestamp
    tells whether what is heard belongs to what is seen.
    """

    name = "av_skew"
    version = 1
    table: Table = "packets"
    metrics: tuple[str, ...] = ("pts_time", "samples", "rate")
    severity: Severity = "warning"

    def __init__(self, settings: AvSkewThresholds | None = None) -> None:
        self.settings = settings or AvSkewThresholds()

    def start(self) -> Skew:
        """No packet yet."""
        return Skew()

    def judge(self, state: Skew, rows: Rows) -> tuple[Skew, list[Event]]:
        """Judge ``pts_time`` against ``samples`` at ``rate``; of pictures only where they begin and end is kept."""
        if not len(rows):
            return state, []
        state = _extended(state, rows)
        if not rows.track.startswith("a"):
            return state, []
        state, drift, over, rate = _drifts(state, rows)
        ms = 1000.0 * drift / (rate * rows.base.den)
        least = self.settings.drift_ppm * 1e-6 * over * rows.base.den
        told = (over >= FEWEST_SECONDS * rate) & (np.abs(drift) >= least)
        early, found = follow(state.early, rows, told & (-ms > self.settings.early_ms), -ms, 0)
        late, more = follow(state.late, rows, told & (ms > self.settings.late_ms), ms, 0)
        events = [self._drift(rows, moment, "early") for moment in found]
        events += [self._drift(rows, moment, "late") for moment in more]
        return replace(state, early=early, late=late), sorted(events, key=lambda event: event.at)

    def finish(self, state: Skew, rows: Rows) -> list[Event]:
        """Close what is open."""
        early = [self._drift(rows, moment, "early") for moment in close(state.early)]
        return early + [self._drift(rows, moment, "late") for moment in close(state.late)]

    def compare(self, tracks: Mapping[str, Track]) -> list[Event]:
        """Hold the length of every sound against that of the first pictures, of a source that was read to its end."""
        pictures = next((tracks[name] for name in sorted(tracks) if name.startswith("v")), None)
        if pictures is None:
            return []
        sounds = [tracks[name] for name in sorted(tracks) if name.startswith("a")]
        return [event for sound in sounds for event in self._length(sound, pictures)]

    def unknown(self, format_text: str) -> str | None:
        """Every format can be judged."""
        return None

    def doubt(self, state: Skew) -> str | None:
        """Sound of which nothing was decoded has no clock of its own."""
        return None if state.heard else "nothing of it was decoded"

    def _length(self, sound: Track, pictures: Track) -> list[Event]:
        (begin, end), (first, last) = sound.shown, pictures.shown
        excess = (end - begin) - (last - first)
        if abs(excess) <= Fraction(repr(self.settings.length_seconds)):
            return []
        start, stop = sorted((end, last) if abs(end - last) >= abs(begin - first) else (begin, first))
        base = sound.rows.base
        span = replace(
            sound.state.first, opened=True, start=base.ceil(start), end=base.ceil(stop), peak=float(1000 * abs(excess))
        )
        cause = "short" if excess < 0 else "long"
        message = (
            f"sound is {float(abs(excess)):.3f} s {cause}er than the pictures: it lasts from {float(begin):.3f} to "
            f"{float(end):.3f} s, they from {float(first):.3f} to {float(last):.3f} s"
        )
        at = base.ceil(max(end, last))
        return [
            event(self, sound.rows, Moment(kind, at, span), unit="ms", part="length", cause=cause, message=message)
            for kind in _WHOLE
        ]

    def _drift(self, rows: Rows, moment: Moment, part: str) -> Event:
        message = f"sound drifts: its timestamps make it come {moment.span.peak:.0f} ms {part}"
        return event(self, rows, moment, unit="ms", part=part, cause="drift", message=message)


_WHOLE: tuple[EventKind, ...] = ("opened", "closed")


def _extended(state: Skew, rows: Rows) -> Skew:
    """With these rows in it."""
    times = rows.columns["pts_time"].astype(np.int64)
    index = int(np.argmin(times))
    first = state.first
    if not first.active or times[index] < first.start:
        first = replace(begin(rows, index), start=int(times[index]))
    end = int((times + rows.columns["duration"].astype(np.int64)).max())
    return replace(state, first=first, end=max(state.end, end))


def _drifts(
    state: Skew, rows: Rows
) -> tuple[Skew, NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:  # fmt: skip
    """By how much timestamps have run ahead of samples up to each row, in how many samples, and the sample rate.

    Steps that are off by half a packet or more are holes, or what a decoder passed over: they count for nothing. So
    does what gave no sound. An epoch, or another rate, begins anew.

    Returns:
        What to remember, and (n,) each: the drift in parts of 1 / (rate * den) s, samples, Hz (1 where unknown).
    """
    names = ("epoch", "pts_time", "samples", "rate")
    epoch, time, samples, rate = (
        np.concatenate(([before], rows.columns[name].astype(np.int64)))
        for before, name in zip(state.newest, names, strict=True)
    )
    known = np.maximum.accumulate(np.where(rate > 0, np.arange(len(rate)), 0))
    rate = rate[known]
    due = samples[:-1] * rows.base.den
    off = np.diff(time) * rows.base.num * rate[:-1] - due
    anew = (np.diff(epoch) != 0) | (np.diff(rate) != 0)
    counts = ~anew & (2 * np.abs(off) <= due) & (due > 0)
    drift = _since(state.drift, np.where(counts, off, 0), anew)
    over = _since(state.over, np.where(counts, samples[:-1], 0), anew)
    newest = int(epoch[-1]), int(time[-1]), int(samples[-1]), int(rate[-1])
    heard = state.heard or bool(samples[1:].any())
    state = replace(state, newest=newest, drift=int(drift[-1]), over=int(over[-1]), heard=heard)
    return state, drift, over, np.maximum(rate[1:], 1)


def _since(before: int, steps: NDArray[np.int64], anew: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Sums up to each step, that begin with what was before, and at 0 where something begins anew: (n,)."""
    sums = before + np.cumsum(steps)
    begun = np.maximum.accumulate(np.where(anew, np.arange(len(steps)), -1))
    return sums - np.where(begun >= 0, sums[begun], 0)

"""Frozen pictures: held still, also through key frames that code the held picture anew."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from actors.detectors.holding import NONE, Tally, cause_of, tally
from actors.incident import Event, Severity, Thresholds
from actors.measure import Rows
from actors.media import Table
from actors.spans import BEFORE, IDLE, Moment, Reading, Span, begin, close, event, extend, read

CODE = 256
"""Steps of the metric ``signature`` in one 8-bit code."""

NEVER = 1 << 60

PIECE = 2048
"""Rows whose signatures are compared at once."""

APART_SECONDS = 0.25
"""A key frame that comes sooner after another codes the picture as that did: so do all where each picture is one."""


class FreezeThresholds(Thresholds):
    """When a picture counts as frozen. Each value but the first two comes from docs/decisions/0007."""

    noise: float = Field(
        0.001, gt=0, lt=1, title="mean difference between frames of a held picture, as a share of full scale, at most",
        description="Origin: ffmpeg's freezedetect (-60 dB). Raise it for noisy sources.",
    )  # fmt: skip
    minimum_seconds: float = Field(
        2.0, ge=0.1, le=3600, title="seconds that a freeze must last", description="Origin: ffmpeg's freezedetect."
    )
    block: float = Field(
        0.05, gt=0, le=1, title="difference of one 16x16 block, as a share of full scale, that is motion",
        description="Origin: held pictures in x264 up to crf 35 stay below, a clock or a pointer passes. At a key "
        "frame it counts double. Lower it to let smaller things end a freeze.",
    )  # fmt: skip
    bridge_seconds: float = Field(
        0.5, ge=0, le=10, title="seconds of change, at most, after which the held picture may return",
        description="Origin: a key frame and the frames that refine it take 0.2 s at most. 0 splits at key frames.",
    )  # fmt: skip
    drift: float = Field(
        1.5, gt=0, le=64, title="8-bit codes by which the picture's 144 cells, on average, may leave the first picture",
        description="Origin: key frames at crf 35 change 1.9 codes at worst, at crf 28 1.0; fades are faster.",
    )  # fmt: skip
    cell_drift: float = Field(
        1.0, gt=0, le=64, title="8-bit codes by which a single cell may change once the coder has settled",
        description="Origin: 136 of 142 held pictures stay below; real still scenes and slow zooms pass it.",
    )  # fmt: skip
    light_drift: float = Field(
        0.5, gt=0, le=64, title="8-bit codes by which the whole picture may get lighter or darker after a key frame",
        description="Origin: what coding anew changes to one side and to the other cancels out: 0.3 at most in x264 up "
        "to crf 28. A picture that dims goes on.",
    )  # fmt: skip
    unevenness: float = Field(
        5.0, ge=1, le=144, title="times the average cell's change that one cell may change until then, and then some",
        description="Origin: coding anew changes the whole picture, a clock a cell or two.",
    )  # fmt: skip
    settle_seconds: float = Field(
        0.5, ge=0, le=60, title="seconds in which the coder refines what it holds",
        description="Origin: x264 and MPEG-2 take 0.4 s or less. Each key frame codes it anew.",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Frozen:
    """What is remembered of one track.

    ``newest`` and ``picture``: the newest row, and its signature; a freeze begins at the row before the first that does
    not change. ``first`` and ``settled``: signatures of the freeze's first picture, and of the picture as the coder
    left it (empty until then). ``coded``: when the newest key frame came since. ``light``: sum of the signature as the
    first of them left it, -1 until then. ``held``: the newest row belongs to the freeze.
    """

    span: Span = IDLE
    newest: Span = IDLE
    picture: tuple[int, ...] = ()
    first: tuple[int, ...] = ()
    settled: tuple[int, ...] = ()
    coded: int = BEFORE
    light: int = -1
    held: bool = False
    tally: Tally = NONE
    reached: int = BEFORE


@dataclass(frozen=True, slots=True)
class _Frames:
    """Rows as the judge reads them: (n,) each, and (n, 144) signatures. ``known``: compared with the frame before."""

    reading: Reading
    time: NDArray[np.int64]
    signature: NDArray[np.generic]
    key: NDArray[np.bool_]
    known: NDArray[np.bool_]
    moved: NDArray[np.bool_]
    quiet: NDArray[np.bool_]
    waited: NDArray[np.int64]
    """Ticks since the row before, 0 where that is not known to be the frame before."""
    chances: NDArray[np.int64]
    """Rows at which a freeze may begin."""

    def newest(self, index: int) -> Span:
        """The span of one row."""
        return replace(begin(self.reading.rows, index), end=int(self.reading.until[index]))

    def picture(self, index: int) -> tuple[int, ...]:
        """The signature of one row."""
        return tuple(self.signature[index].tolist())

    def coded_anew(self, newest: int, index: int, stop: int) -> NDArray[np.int64]:
        """Key frames of some rows that may change what is held by coding alone; ``newest``: when one was last."""
        keys = index + np.flatnonzero(self.key[index:stop])
        apart = self.reading.rows.base.ceil(APART_SECONDS)
        return keys[np.diff(self.time[keys], prepend=newest) >= apart]


class Freeze:
    """A picture that is held. Its peak is the largest block difference that was seen while it was."""

    name = "freeze"
    version = 3
    table: Table = "video"
    metrics: tuple[str, ...] = ("difference", "block_difference", "signature", "key", "corrupt", "packet_bytes")
    severity: Severity = "critical"

    def __init__(self, settings: FreezeThresholds | None = None) -> None:
        self.settings = settings or FreezeThresholds()

    def start(self) -> Frozen:
        """No picture yet."""
        return Frozen()

    def judge(self, state: Frozen, rows: Rows) -> tuple[Frozen, list[Event]]:
        """Judge frames, from one possible beginning of a freeze to the next."""
        events: list[Event] = []
        if not len(rows):
            return state, events
        frames = self._frames(state, rows)
        index, n = 0, len(rows)
        while index < n:
            if not state.span.active:
                state, index = self._seek(state, frames, index)
                continue
            stop = min(index + PIECE, n)
            over = self._over(state, frames, index, stop)
            state, drifts, found = self._hold(state, frames, index, over)
            events += found
            index = drifts
            if drifts < over or over < stop:
                events += self._end(state, frames, index)
                if drifts < over:
                    again, state = not state.held, self._from(state, frames, index if state.held else index - 1)
                else:
                    again, state = bool(frames.quiet[over] or not state.held), _fresh(state)
                index += not again
        newest, picture = frames.newest(n - 1), frames.picture(n - 1)
        return replace(state, newest=newest, picture=picture, reached=int(frames.reading.reached[-1])), events

    def finish(self, state: Frozen, rows: Rows) -> list[Event]:
        """Close what is frozen to the end."""
        span = replace(state.span, reached=state.reached)
        return [self._event(rows, moment, state.tally) for moment in close(span)]

    def unknown(self, format_text: str) -> str | None:
        """Every picture can be judged."""
        return None

    def _frames(self, state: Frozen, rows: Rows) -> _Frames:
        limits, columns = self.settings, rows.columns
        difference = columns["difference"].astype(np.float64)
        if not state.picture:
            difference[0] = np.nan
        block = columns["block_difference"].astype(np.float64)
        key, time = columns["key"].astype(np.bool_), columns["time"].astype(np.int64)
        moved = block > np.where(key, 2 * limits.block, limits.block)
        quiet = (difference <= limits.noise) & ~moved
        minimum = rows.base.ceil(limits.minimum_seconds)
        waited = np.diff(time, prepend=state.newest.start if state.picture else time[0])
        late = ~np.isnan(difference) & (waited >= minimum)
        lasting = _following(np.where(moved, time, NEVER)) - _following(time - waited) >= minimum
        return _Frames(
            read(rows, block, minimum, state.reached), time, columns["signature"], key,
            ~np.isnan(difference), moved, quiet, np.where(np.isnan(difference), 0, waited),
            np.flatnonzero((quiet & lasting) | late),
        )  # fmt: skip

    def _seek(self, state: Frozen, frames: _Frames, index: int) -> tuple[Frozen, int]:
        """Go to the next row that may belong to a freeze, and begin one at the row before it."""
        place = int(np.searchsorted(frames.chances, index))
        if place == len(frames.chances):
            return state, len(frames.time)
        chance = int(frames.chances[place])
        return self._from(state, frames, chance - 1), chance

    def _from(self, state: Frozen, frames: _Frames, index: int) -> Frozen:
        """A freeze that may begin at a row; -1 is the row before these."""
        span, first = (state.newest, state.picture) if index < 0 else (frames.newest(index), frames.picture(index))
        shown = replace(NONE, longest=span.end - span.start)
        return replace(_fresh(state), span=span, first=first, held=True, tally=shown)

    def _over(self, state: Frozen, frames: _Frames, index: int, stop: int) -> int:
        """The first row by which the picture has moved, or has changed for too long; else ``stop``."""
        quiet = frames.quiet[index:stop]
        ends = np.where(quiet, frames.reading.until[index:stop], state.span.end)
        ends = np.maximum(np.concatenate(([state.span.end], ends[:-1])), state.span.end)
        waited = frames.time[index:stop] - np.maximum.accumulate(ends)
        steady = quiet & np.concatenate(([state.held], quiet[:-1]))
        bridge = frames.reading.rows.base.ceil(self.settings.bridge_seconds)
        over = frames.moved[index:stop] | ((waited > bridge) & ~steady)
        return index + int(over.argmax()) if over.any() else stop

    def _hold(self, state: Frozen, frames: _Frames, index: int, stop: int) -> tuple[Frozen, int, list[Event]]:
        """Carry the freeze to ``stop``, or to the row by which the picture has drifted away."""
        if index == stop:
            return state, stop, []
        held = index + np.flatnonzero(frames.quiet[index:stop])
        state, near = self._compare(state, frames, index, stop, held)
        drifts = int(held[near]) if near < len(held) else stop
        events: list[Event] = []
        span, rows = state.span, frames.reading.rows
        if near:
            span, moments = extend(span, frames.reading, held[:near])
            ends = np.maximum(np.maximum.accumulate(frames.reading.until[held[:near]]), state.span.end)
            for moment in moments:
                last = int(held[np.searchsorted(ends, moment.span.end)])
                events.append(self._event(rows, moment, tally(state.tally, rows, frames.waited, index, last + 1)))
        if drifts > index:
            counts = tally(state.tally, rows, frames.waited, index, drifts)
            state = replace(state, span=span, tally=counts, held=bool(frames.quiet[drifts - 1]))
        return state, drifts, events

    def _compare(
        self, state: Frozen, frames: _Frames, index: int, stop: int, held: NDArray[np.int64]
    ) -> tuple[Frozen, int]:
        """How many of the held rows show the freeze's picture, and what it has become by then."""
        limits, signature = self.settings, frames.signature[held].astype(np.int32)
        cells = np.abs(signature - np.array(state.first, np.int32))
        mean, most, lights = cells.mean(axis=1), cells.max(axis=1, initial=0), signature.sum(axis=1)
        far = mean > limits.drift * CODE
        uneven = most > limits.cell_drift * CODE + limits.unevenness * mean
        ripe = frames.time[held] >= state.span.start + frames.reading.rows.base.ceil(limits.settle_seconds)
        anew = frames.coded_anew(state.coded, index, stop)
        cuts = [0, *np.searchsorted(held, anew).tolist(), len(held)]
        for number, (begins, ends) in enumerate(pairwise(cuts)):
            state = replace(state, settled=()) if number else state
            first = begins
            if not state.settled:
                first = begins + int(ripe[begins:ends].argmax()) if ripe[begins:ends].any() else ends
                until = min(first + 1, ends)
                far[begins:until] |= uneven[begins:until]
            if not state.settled and first < ends:
                begun = state.light < 0 and (number > 0 or state.coded > BEFORE)
                light = int(lights[first]) if begun else state.light
                state = replace(state, settled=tuple(signature[first].tolist()), light=light)
            if state.settled:
                moved = np.abs(signature[first:ends] - np.array(state.settled, np.int32))
                far[first:ends] |= moved.max(axis=1, initial=0) > limits.cell_drift * CODE
            if state.light >= 0:
                turned = np.abs(lights[first:ends] - state.light)
                far[first:ends] |= turned > limits.light_drift * CODE * signature.shape[1]
        keys = frames.time[index:stop][frames.key[index:stop]]
        state = replace(state, coded=int(keys[-1])) if len(keys) else state
        return state, int(far.argmax()) if far.any() else len(held)

    def _end(self, state: Frozen, frames: _Frames, index: int) -> list[Event]:
        """Close a freeze at the row that ends it; its last picture was shown until then, unless frames are missing."""
        span, rows, at = state.span, frames.reading.rows, int(frames.reading.reached[index])
        counts = state.tally
        if state.held and frames.known[index] and frames.time[index] > span.end:
            span = replace(span, end=int(frames.time[index]))
            counts = replace(counts, longest=max(counts.longest, int(frames.waited[index])))
        moments = [Moment("closed", at, span)] if span.opened else []
        if not span.opened and span.end - span.start >= frames.reading.minimum:
            moments = [Moment("opened", at, span), Moment("closed", at, span)]
        return [self._event(rows, moment, counts) for moment in moments]

    def _event(self, rows: Rows, moment: Moment, counts: Tally) -> Event:
        span = moment.span
        cause = cause_of(counts, span.end - span.start)
        message = f"picture held for {rows.base.seconds(span.end - span.start):.2f} s ({cause.replace('_', ' ')})"
        return event(self, rows, moment, unit="share", message=message, cause=cause)


def _fresh(state: Frozen) -> Frozen:
    """What is remembered when nothing is held: the newest row."""
    return Frozen(newest=state.newest, picture=state.picture)


def _following(time: NDArray[np.int64]) -> NDArray[np.int64]:
    """The least of each time and those after it: (n,)."""
    return np.minimum.accumulate(time[::-1])[::-1]

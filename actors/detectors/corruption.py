"""Damaged pictures: what the decoder says, what the picture shows, kept until a picture that needs no other."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from actors.incident import Event, Severity, Thresholds
from actors.measure import Rows
from actors.measure.picture.sums import BLOCK, blocks
from actors.media import Table, VideoFormat
from actors.spans import BEFORE, IDLE, Moment, Reading, Span, begin, close, event, extend, read

NEVER = 1 << 60

FEWEST, FEWEST_REPORTED = 10, 3
"""More blocks on the grid than between, at least, where the decoder is silent, and where it complains: in small
pictures a few are chance."""

CHANCE = 2.5
"""By how many standard deviations, if both were counts of chance."""

GRID, GRID_CODES, GRID_SECONDS = 5.0, 1.0, 2
"""``block_grid`` and ``block_step`` of a picture that is blocky all over: until so long after it, blocks that are torn
while the decoder is silent are a coarse quantiser's. Damage that covers most of a picture reaches 5, too."""

CAUSES = ("unnoticed", "reported", "concealed")
"""What the decoder said of the damage: nothing, that there is some, that it has filled some in."""


class CorruptionThresholds(Thresholds):
    """When a picture counts as damaged. Values: docs/decisions/0026."""

    area: float = Field(
        0.005, gt=0, le=1, title="share of the picture in torn blocks, at least, where the decoder says nothing",
        description="Origin: the contract. Lower it to find less in large pictures; what 10 blocks are is the least.",
    )  # fmt: skip
    reported_area: float = Field(
        0.002, ge=0, le=1, title="the same where the decoder complains or bytes were lost",
        description="Origin: measured; many complaints are about nothing that shows. A picture that the decoder itself "
        "flags, as it filled in what it lacks, needs none.",
    )  # fmt: skip
    hold_seconds: float = Field(
        10.0, gt=0, le=3600, title="seconds without a sign of damage that end it where no key frame comes",
        description="Origin: x264's longest distance of key frames is 250 frames. What is torn for so long is content.",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Damaged:
    """What is remembered of one track.

    ``span``: from the first sign on, and opened once it is certain. ``cause``: of :data:`CAUSES`, the greatest until
    then. ``signed``: when the newest sign ended. ``usual``: torn blocks of the content, less what it gains from time 0.
    ``blocky``: when the newest blocky picture ended.
    """

    span: Span = IDLE
    signed: int = BEFORE
    usual: float = np.inf
    cause: int = 0
    blocky: int = BEFORE


@dataclass(frozen=True, slots=True)
class _Signs:
    """Rows as the judge reads them, (n,) each.

    ``sign``: may begin damage, or says that it lasts. ``certain``: it is damage. ``intact``: a picture that needs no
    other, without a sign. ``latest``: when the newest sign up to a row ended.
    """

    reading: Reading
    time: NDArray[np.int64]
    sign: NDArray[np.bool_]
    certain: NDArray[np.bool_]
    intact: NDArray[np.bool_]
    latest: NDArray[np.int64]
    cause: NDArray[np.int64]
    blocky: NDArray[np.int64]


class Corruption:
    """Damaged macroblocks. Its peak is the largest share of the picture in blocks torn from their neighbours."""

    name = "corruption"
    version = 1
    table: Table = "video"
    metrics: tuple[str, ...] = ("torn_blocks", "torn_between", "block_grid", "block_step", "corrupt", "suspect", "key")
    severity: Severity = "critical"

    def __init__(self, settings: CorruptionThresholds | None = None) -> None:
        self.settings = settings or CorruptionThresholds()

    def start(self) -> Damaged:
        """No picture yet."""
        return Damaged()

    def judge(self, state: Damaged, rows: Rows) -> tuple[Damaged, list[Event]]:
        """Judge pictures, from sign to intact picture."""
        if not len(rows):
            return state, []
        usual, signs = self._signs(state, rows)
        state = replace(state, span=replace(state.span, reached=BEFORE), usual=usual)
        events: list[Event] = []
        index, n = 0, len(rows)
        while index < n:
            stop = index
            if not state.span.active:
                index = _first(signs.sign, index, n)
                if index == n:
                    break
                state, stop = replace(state, span=begin(rows, index), cause=0), index + 1
            stop = self._stop(state, signs, stop)
            state, moments = _carry(state, signs, index, stop)
            if stop < n and state.span.opened:
                moments.append(Moment("closed", int(signs.reading.reached[stop]), state.span))
            events += [self._event(rows, moment, state.cause) for moment in moments]
            state = replace(state, span=IDLE) if stop < n else state
            index = stop
        reached = int(signs.reading.reached[-1])
        return replace(
            state, span=replace(state.span, reached=reached), signed=int(signs.latest[-1]),
            blocky=int(signs.blocky[-1]),
        ), events

    def finish(self, state: Damaged, rows: Rows) -> list[Event]:
        """Close what is damaged to the end."""
        return [self._event(rows, moment, state.cause) for moment in close(state.span)]

    def unknown(self, format_text: str) -> str | None:
        """Every picture can be judged."""
        return None

    def _signs(self, state: Damaged, rows: Rows) -> tuple[float, _Signs]:
        columns = rows.columns
        time = columns["time"].astype(np.int64)
        torn = columns["torn_blocks"].astype(np.float64) - columns["torn_between"].astype(np.float64)
        gain = self.settings.area / rows.base.ceil(self.settings.hold_seconds) * time
        least = np.minimum(np.minimum.accumulate(torn - gain), state.usual)
        usual = np.maximum(least + gain, 0)
        rise = torn - usual
        more, deviation = _counts(rows)
        clear = (rise >= usual + self.settings.area) & (more >= FEWEST) & (more >= CHANCE * deviation)
        slight = (rise >= usual + self.settings.reported_area) & (more >= FEWEST_REPORTED)
        flagged, suspect, key = (columns[name].astype(np.bool_) for name in ("corrupt", "suspect", "key"))
        said = flagged | suspect
        reading = read(rows, np.maximum(rise, 0), NEVER, state.span.reached)
        blocky = (columns["block_grid"].astype(np.float64) >= GRID) & (
            columns["block_step"].astype(np.float64) >= GRID_CODES
        )
        seen = np.maximum.accumulate(np.where(blocky, reading.reached, state.blocky))
        shown = clear & ~key & (time - seen >= rows.base.ceil(GRID_SECONDS))
        latest = np.maximum.accumulate(np.where(said | clear, reading.reached, state.signed))
        certain = flagged | shown | slight
        cause = np.where(flagged, 2, suspect.astype(np.int64))
        return float(least[-1]), _Signs(reading, time, said | shown, certain, key & ~said, latest, cause, seen)

    def _stop(self, state: Damaged, signs: _Signs, index: int) -> int:
        """The first row from ``index`` on that is intact, or that comes too long after the newest sign before it."""
        n = len(signs.time)
        before = np.concatenate(([state.signed], signs.latest[:-1]))[index:]
        late = signs.time[index:] - before >= signs.reading.rows.base.ceil(self.settings.hold_seconds)
        return index + _first(signs.intact[index:] | late, 0, n - index)

    def _event(self, rows: Rows, moment: Moment, cause: int) -> Event:
        span = moment.span
        seconds = rows.base.seconds(span.end - span.start)
        message = f"damaged picture for {seconds:.2f} s, blocks torn off in up to {max(span.peak, 0):.1%} of it"
        return event(self, rows, moment, unit="share", message=message, cause=CAUSES[cause])


def _counts(rows: Rows) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(n,) how many blocks more are torn on the grid than between, and how far that strays by chance."""
    fmt = VideoFormat.parse(rows.format)
    on, off = (
        rows.columns[name].astype(np.float64) * blocks(fmt.height, shift) * blocks(fmt.width, shift)
        for name, shift in (("torn_blocks", 0), ("torn_between", BLOCK // 2))
    )
    return on - off, np.sqrt(on + off)


def _first(chosen: NDArray[np.bool_], index: int, otherwise: int) -> int:
    """The first row from ``index`` on that is chosen."""
    ahead = np.flatnonzero(chosen[index:])
    return index + int(ahead[0]) if len(ahead) else otherwise


def _carry(state: Damaged, signs: _Signs, index: int, stop: int) -> tuple[Damaged, list[Moment]]:
    """Carry what may be damage, or is, through rows ``index`` to ``stop``."""
    span, cause = state.span, state.cause
    moments: list[Moment] = []
    known = index if span.opened else _first(signs.certain[:stop], index, stop)
    if not span.opened and index < stop:
        cause = max(cause, int(signs.cause[index : known + 1].max()))
    if index < known:
        span, _ = extend(span, signs.reading, np.arange(index, known))
    if known < stop:
        span, moments = extend(span, replace(signs.reading, minimum=0), np.arange(known, stop))
    return replace(state, span=span, cause=cause), moments

"""Changes of how a track is coded: size, codec, pixel format, range, layout, sample rate, frame rate."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from actors.detectors.cadence import equal_steps, run_lengths
from actors.incident import Event, Severity, Thresholds
from actors.measure import Rows
from actors.media import AudioFormat, Table, VideoFormat
from actors.spans import BEFORE, IDLE, Moment, Span, begin, event, marker


class FormatChangeThresholds(Thresholds):
    """When a frame rate counts as changed."""

    steady_frames: int = Field(
        25, ge=2, le=1000, title="equal intervals between frames that make a frame rate",
        description="Origin: a second of 25 Hz. Sources of variable rate seldom have as many. Raise it where they do.",
    )  # fmt: skip
    rate_change: float = Field(
        0.01, gt=0, le=1, title="share by which the frame rate must differ, at least",
        description="Origin: tells 24 from 25 Hz, and not 29.97 from 30, which rounded timestamps confuse.",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Coding:
    """What is remembered of a track.

    ``format``: its text. ``newest``: start of the newest row. ``interval``: the one before it.
    ``run``: equal intervals up to it, 0 if there was none. ``begun``: the row at which the run began. ``cadence``:
    ticks that ``steady_frames`` intervals last at the frame rate that is known, 0 for none.
    """

    format: str = ""
    newest: Span = IDLE
    interval: int = 0
    run: int = 0
    begun: Span = IDLE
    cadence: int = 0
    reached: int = BEFORE


class FormatChange:
    """A marker at the first row that is coded otherwise than the one before. It judges decoded pictures, or sound."""

    name = "format_change"
    version = 1
    table: Table = "video"
    metrics: tuple[str, ...] = ()
    severity: Severity = "info"

    def __init__(self, settings: FormatChangeThresholds | None = None, table: Table = "video") -> None:
        self.settings = settings or FormatChangeThresholds()
        self.table = table

    def start(self) -> Coding:
        """No row yet."""
        return Coding()

    def judge(self, state: Coding, rows: Rows) -> tuple[Coding, list[Event]]:
        """Judge ``format``, and of pictures the intervals between them."""
        if not len(rows):
            return state, []
        until = rows.columns["time"].astype(np.int64) + rows.columns["duration"].astype(np.int64)
        reached = np.maximum(np.maximum.accumulate(until), state.reached)
        events: list[Event] = []
        if state.format and rows.format != state.format:
            message = _difference(state.format, rows.format, self.table)
            events.append(marker(self, rows, 0, at=int(reached[0]), message=message))
        state = replace(state, format=rows.format)
        if self.table == "video":
            state, found = self._rate(state, rows, reached)
            events += found
        return replace(state, reached=int(reached[-1])), events

    def finish(self, state: Coding, rows: Rows) -> list[Event]:
        """A change has no length: nothing is open."""
        return []

    def unknown(self, format_text: str) -> str | None:
        """Every format can be judged."""
        return None

    def _rate(self, state: Coding, rows: Rows, reached: NDArray[np.int64]) -> tuple[Coding, list[Event]]:
        """Follow runs of equal intervals; one that is long enough has a frame rate."""
        time, frames = rows.columns["time"].astype(np.int64), self.settings.steady_frames
        before = [state.newest.start] if state.newest.active else []
        times = np.concatenate((np.array(before, np.int64), time))
        intervals = np.diff(times)
        if not len(intervals):
            return replace(state, newest=begin(rows, 0)), []
        runs = run_lengths(equal_steps(intervals, state.interval if state.run else None, rows.base), state.run)
        offset = len(before)
        events: list[Event] = []
        for index in np.flatnonzero((runs == frames) & (intervals > 0)).tolist():
            first = index - frames + 1
            begun = _row(state, rows, first - offset) if first >= 0 else state.begun
            cadence = int(times[index + 1]) - begun.start
            if state.cadence and abs(cadence - state.cadence) > self.settings.rate_change * state.cadence:
                events.append(self._marker(rows, begun, int(reached[index + 1 - offset]), state.cadence, cadence))
            state = replace(state, cadence=cadence)
        first = len(intervals) - int(runs[-1])
        begun = _row(state, rows, first - offset) if first >= 0 else state.begun
        return replace(
            state, newest=begin(rows, len(rows) - 1), interval=int(intervals[-1]), run=int(runs[-1]), begun=begun
        ), events  # fmt: skip

    def _marker(self, rows: Rows, begun: Span, at: int, old: int, new: int) -> Event:
        rates = [self.settings.steady_frames / rows.base.seconds(cadence) for cadence in (old, new)]
        message = f"frame rate {rates[0]:.2f} to {rates[1]:.2f} Hz"
        return replace(
            event(self, rows, Moment("marker", at, begun), unit="", message=message), peak=None, end=begun.start
        )  # fmt: skip


def _row(state: Coding, rows: Rows, index: int) -> Span:
    """The row with that index, or the newest of those before."""
    return begin(rows, index) if index >= 0 else state.newest


def _difference(old: str, new: str, table: Table) -> str:
    """What changed, from what to what."""
    parse = VideoFormat.parse if table == "video" else AudioFormat.parse
    before, after = _words(parse(old)), _words(parse(new))
    return ", ".join(f"{name} {before[name]} to {after[name]}" for name in before if before[name] != after[name])


def _words(coded: VideoFormat | AudioFormat) -> dict[str, str]:
    if isinstance(coded, VideoFormat):
        return {
            "codec": coded.codec, "size": f"{coded.width}x{coded.height}", "pixel format": coded.pixel_format,
            "range": coded.range, "transfer": coded.transfer, "matrix": coded.matrix,
        }  # fmt: skip
    return {
        "codec": coded.codec, "sample rate": f"{coded.rate} Hz", "channels": str(coded.channels), "layout": coded.layout
    }  # fmt: skip

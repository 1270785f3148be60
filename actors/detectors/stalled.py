"""A live source that gives nothing. Judged not from rows but from what the source says of itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pydantic import Field

from actors.clock import Stamp, TimeBase
from actors.incident import Event, EventKind, Severity, Thresholds
from actors.measure import Rows
from actors.media import Table

if TYPE_CHECKING:
    from actors.source import Recovered
    from actors.source import Stalled as Silence


class StalledThresholds(Thresholds):
    """When a source counts as stalled."""

    seconds: float = Field(
        5.0, gt=0, le=3600, title="seconds without a byte",
        description="Origin: our choice; a playlist of 2 s segments is late by less. Raise it for longer segments.",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Position:
    """The newest packet of a stream: where it stands on its track's timeline, and where it ends."""

    track: str = ""
    base: TimeBase = TimeBase(1, 1000)  # noqa: RUF009
    stamp: Stamp = Stamp(0, 0, 0, 0)  # noqa: RUF009
    end: int = 0


@dataclass(frozen=True, slots=True)
class Stall:
    """What is remembered: where the media stopped, and whether that is an incident yet."""

    last: Position = Position()
    opened: bool = False


class Stalled:
    """Nothing arrives. The incident starts at the end of the last packet and lasts as long as the silence did.

    Its severity, id and settings are those of any detector; rows tell it nothing.
    """

    name = "stalled"
    version = 1
    table: Table = "packets"
    metrics: tuple[str, ...] = ()
    severity: Severity = "critical"

    def __init__(self, settings: StalledThresholds | None = None) -> None:
        self.settings = settings or StalledThresholds()

    def start(self) -> Stall:
        """Nothing heard yet."""
        return Stall()

    def judge(self, state: Stall, rows: Rows) -> tuple[Stall, list[Event]]:
        """Rows are media: there is no stall in them."""
        return state, []

    def finish(self, state: Stall, rows: Rows) -> list[Event]:
        """Rows left nothing open."""
        return []

    def unknown(self, format_text: str) -> str | None:
        """Every source can be judged."""
        return None

    def heard(self, state: Stall, position: Position) -> Stall:
        """A packet came."""
        return replace(state, last=position)

    def silent(self, state: Stall, seconds: float) -> tuple[Stall, list[Event]]:
        """Nothing has come for so many seconds, so far."""
        if state.opened or seconds < self.settings.seconds:
            return state, []
        return replace(state, opened=True), [self._event(state.last, "opened", seconds)]

    def recovered(self, state: Stall, seconds: float) -> tuple[Stall, list[Event]]:
        """Media comes again, or the stream has ended, after so many seconds of silence."""
        if not state.opened:
            return state, []
        return replace(state, opened=False), [self._event(state.last, "closed", seconds)]

    def _event(self, last: Position, kind: EventKind, seconds: float) -> Event:
        return Event(
            kind=kind, detector=self.name, version=self.version, track=last.track, part="", base=last.base, at=last.end,
            start_epoch=last.stamp.epoch, start_wrap=last.stamp.wrap, start_pts=last.stamp.pts, start=last.end,
            end=last.end + last.base.ceil(seconds) if kind == "closed" else None, severity=self.severity, peak=seconds,
            unit="s", cause="", message=f"nothing arrived for {seconds:.1f} s",
        )  # fmt: skip


class StallWatch:
    """The stall of one stream, as its pipeline carries it."""

    def __init__(self, detector: Stalled | None = None) -> None:
        self._detector = detector or Stalled()
        self.state = self._detector.start()

    def heard(self, track: str, base: TimeBase, stamp: Stamp, duration: int) -> None:
        """A packet came."""
        self.state = self._detector.heard(self.state, Position(track, base, stamp, stamp.time + duration))

    def judge(self, item: Silence | Recovered) -> list[Event]:
        """What the source says of itself, as events."""
        from actors.source import Recovered

        if isinstance(item, Recovered):
            self.state, events = self._detector.recovered(self.state, item.ended - item.began)
        else:
            self.state, events = self._detector.silent(self.state, item.seconds)
        return events

    def over(self, seconds: float) -> list[Event]:
        """The stream has ended, after so many seconds of silence."""
        self.state, events = self._detector.recovered(self.state, seconds)
        return events

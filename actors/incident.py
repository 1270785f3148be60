"""Events, incident ids, and the parts that detectors' state machines share."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Literal, Protocol, TypeVar, runtime_checkable

from pydantic import BaseModel, ConfigDict

from actors.clock import TimeBase

if TYPE_CHECKING:
    from actors.measure import Rows
    from actors.media import Table

NAMESPACE = uuid.UUID("6f2c1e0a-5f0d-5b7e-9d52-1f6b1f3f8b11")
UPDATE_SECONDS = 10
"""``updated`` events fall on this grid of the timeline."""

Severity = Literal["info", "warning", "critical"]
EventKind = Literal["opened", "updated", "closed", "marker"]


@dataclass(frozen=True, slots=True)
class Event:
    """A change of one incident, or a marker, complete in itself: the last event of an incident is the incident.

    All times are ticks of ``base`` on the track's timeline. ``at`` is when it was decided: the end of the row that
    decided it; events of a stream are ordered by it. ``start_epoch``, ``start_wrap``, ``start_pts``: the raw key of the
    row where it starts. ``part`` tells apart incidents of one detector and track that run side by side (a channel).
    """

    kind: EventKind
    detector: str
    version: int
    track: str
    part: str
    base: TimeBase
    at: int
    start_epoch: int
    start_wrap: int
    start_pts: int
    start: int
    end: int | None
    severity: Severity
    peak: float | None
    unit: str
    cause: str
    message: str
    explained_by: str | None = None

    def id(self, stream: str) -> str:
        """The incident's id: the same on every run, in every shape, after any restart."""
        where = (stream, self.start_epoch, self.start_wrap, self.track, self.part)
        key = (*where, self.detector, self.version, self.start_pts)
        return str(uuid.uuid5(NAMESPACE, "|".join(str(part) for part in key)))


class Thresholds(BaseModel):
    """A detector's settings. Every field carries ``title`` (unit and meaning); unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


Settings = TypeVar("Settings", bound=Thresholds)
State = TypeVar("State")
State_contra = TypeVar("State_contra", contravariant=True)


class Detector(Protocol, Generic[Settings, State]):
    """One defect. It judges rows of one table, track by track, and keeps nothing but the state it is handed.

    A state is a frozen dataclass of plain values (see :mod:`actors.state`). Any split of a track's rows into calls,
    and any storing and loading of the state in between, gives the same events.
    """

    name: str
    version: int
    table: Table
    metrics: tuple[str, ...]
    severity: Severity
    settings: Settings

    def start(self) -> State:
        """The state before the first row of a track."""
        ...

    def judge(self, state: State, rows: Rows) -> tuple[State, list[Event]]:
        """Judge the next rows of the track."""
        ...

    def finish(self, state: State, rows: Rows) -> list[Event]:
        """Close what is open when the track has ended. ``rows`` is an empty slice that names track and base."""
        ...

    def unknown(self, format_text: str) -> str | None:
        """Why nothing can be said about a track of this format, or None."""
        ...


@runtime_checkable
class Doubting(Protocol[State_contra]):
    """A detector that its rows may leave in doubt: they lack what it needs."""

    def doubt(self, state: State_contra) -> str | None:
        """Why nothing can be said of a track of which this is remembered at its end, or None."""
        ...

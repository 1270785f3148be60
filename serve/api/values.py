"""The values that the HTTP API takes and gives, in the words of DESIGN.md section 2; unknown names are refused."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)

from actors.url import shown
from cluster.job import Defaults, JobSpec, Severity, StreamName, TagName, Tags, TagValue
from cluster.shape import Shape
from cluster.spent import Processors, Usage


def _written(text: object) -> object:
    """Only what RFC 3339 has, not the numbers that pydantic takes for seconds."""
    if isinstance(text, str) and not re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt]", text):
        raise ValueError("a time is written as 2026-11-24T07:34:00Z")
    return text


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a time of the years 1 to 9999") from error


JobStatus = Literal["pending", "running", "completed", "partial", "failed", "stopped"]
StreamStatus = Literal[
    "pending", "starting", "running", "stalled", "completed", "partial", "failed", "stopped", "quarantined"
]
IncidentStatus = Literal["open", "closed"]
EventKind = Literal["opened", "updated", "closed", "marker"]
Table = Literal["video", "audio", "packets", "metrics"]
EvidenceKind = Literal["mkv", "jpg"]

JobId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
IncidentId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
TrackName = Annotated[str, StringConstraints(pattern=r"^[va]:[0-9]{1,4}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
MetricName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}([.][a-z][a-z0-9_]{0,63})?$")]
"""Of a metric; of one of a user's model (table ``metrics``) with the model's name before it: ``noise.mean``."""
Cursor = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,1024}$")]
Moment = Annotated[AwareDatetime, BeforeValidator(_written), AfterValidator(_in_utc)]
Seconds = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
Number = float | int | bool | str | None
Metric = Number | tuple[Number, ...]
"""A metric's value: null where it could not be measured; a list where it has several (one per channel, say)."""

T = TypeVar("T")


class Value(BaseModel):
    """What is common to them."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Page(Value, Generic[T]):
    """A part of a list. ``next`` goes into ``cursor`` for the part that follows; it is null on the last one."""

    items: tuple[T, ...]
    next: str | None = Field(description="where the next page begins; null if this is the last")


class ShownWebhook(Value):
    """A webhook without its secret."""

    url: str = Field(description="without passwords and tokens")
    severities: tuple[Severity, ...]


class ShownStreamSpec(Defaults):
    """A stream as it was submitted, its source without secrets."""

    source: str = Field(description="a path or URL, without passwords and tokens")
    name: StreamName | None


class ShownSpec(Value):
    """What was submitted, without secrets."""

    version: Literal[1]
    shape: Shape
    defaults: Defaults
    streams: tuple[ShownStreamSpec, ...]
    webhook: ShownWebhook | None

    @classmethod
    def of(cls, spec: JobSpec) -> ShownSpec:
        """The part of a spec that may be shown."""
        streams = tuple(
            ShownStreamSpec.model_validate({**dict(stream), "source": shown(stream.source)}) for stream in spec.streams
        )
        told = spec.webhook and ShownWebhook(url=shown(spec.webhook.url), severities=spec.webhook.severities)
        return cls(version=spec.version, shape=spec.shape, defaults=spec.defaults, streams=streams, webhook=told)


class JobStream(Value):
    """How far a stream of a job is."""

    stream: StreamName
    source: str = Field(description="without passwords and tokens (``actors.url.shown``)")
    status: StreamStatus
    error: str | None = Field(description="why it failed, was cut short or put aside; or what it waits for")


class Job(Value):
    """What a user submitted, and how far it is."""

    id: JobId
    status: JobStatus
    created_at: AwareDatetime = Field(description="UTC")
    shape: Shape = Field(description="where the stages run; never ``auto`` once it is placed")
    tags: Tags = Field(description="the spec's ``defaults.tags``, as changed since")
    streams: tuple[JobStream, ...]
    usage: Usage | None = Field(description="of its streams whose work has ended, summed; null while there are none")
    spec: ShownSpec


class Submitted(Value):
    """The job that a spec led to. ``created`` is false where the idempotency key was known already."""

    job: Job
    created: bool


class Change(Value):
    """What is to be changed of a job; what is left out or null stays."""

    desired: Literal["running", "stopped"] | None = Field(None, description="what the cluster is to bring about")
    tags: dict[TagName, TagValue | None] | None = Field(None, max_length=32, description="to set; null takes one away")


class StreamState(Value):
    """One source under watch, as it is now. Of a name used by several jobs, the newest."""

    stream: StreamName
    job: JobId
    source: str = Field(description="without passwords and tokens (``actors.url.shown``)")
    status: StreamStatus
    live: bool
    shape: Shape
    cell: str | None = Field(description="the cell that it runs in; null where it runs in none")
    position_seconds: float | None = Field(description="stream time up to which it is analysed")
    newest_frame_age_seconds: float | None = Field(description="since the newest frame arrived; null for files")
    frames: int = Field(ge=0, description="analysed")
    dropped: int = Field(ge=0, description="frames and packets skipped; coverage says why")
    restarts: int = Field(ge=0, description="of its owner, since the job began")
    open_incidents: int = Field(ge=0)
    error: str | None
    tags: Tags = Field(description="the job's and its own")
    usage: Usage | None = Field(description="null until its work has ended")
    processors: Processors | None = Field(description="in its cell; null where it runs in none")


class Evidence(Value):
    """What is kept of an incident, as paths of this API: null where there is none, or none yet."""

    clip: str | None = Field(description="the recording: encoded packets around its start")
    still: str | None = Field(description="the picture at its start")


class Incident(Value):
    """The newest revision of an incident, or a marker (closed, with equal start and end, severity ``info``)."""

    id: IncidentId
    job: JobId
    stream: StreamName
    detector: Name
    track: str
    status: IncidentStatus
    start_seconds: float = Field(description="since the stream's first PTS")
    end_seconds: float | None = Field(description="null while it is open")
    opened_at: AwareDatetime = Field(description="UTC; when it was committed")
    closed_at: AwareDatetime | None = Field(description="UTC; null while it is open")
    severity: Severity
    peak: float | None = Field(description="the worst value, in ``unit``")
    unit: str
    cause: str
    explained_by: IncidentId | None = Field(description="the incident that is the cause of this one")
    message: str
    evidence: Evidence


class FeedEvent(Value):
    """A committed event: the whole incident as it then was. ``id`` is an :class:`EventId` as text."""

    id: str = Field(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+$", description="shard.version.row")
    kind: EventKind
    job: JobId
    stream: StreamName
    incident: Incident


class Measurement(Value):
    """The metrics of one frame, one stretch of sound or one packet."""

    stream: StreamName
    track: str
    row: int = Field(ge=0, description="ordinal within the track, from 0")
    epoch: int
    pts: int = Field(description="raw, in ticks")
    start_seconds: float = Field(description="since the stream's first PTS")
    duration_seconds: float
    metrics: dict[str, Metric]


class Ready(Value):
    """Whether work can be taken: what is wrong, by component (``ray``, ``supervisor``, ``recorder``, ``results``)."""

    problems: dict[str, str] = Field(default_factory=dict)


class Window(Value):
    """Which part of a list is asked for."""

    limit: int = Field(100, ge=1, le=1000, description="items of a page at most")
    cursor: Cursor | None = Field(None, description="``next`` of the page before")


class JobQuery(Window):
    """Which jobs; newest first."""

    status: JobStatus | None = None


class StreamQuery(Window):
    """Which streams; by name."""

    job: JobId | None = None
    status: StreamStatus | None = None


class FeedQuery(Value):
    """Which events."""

    job: JobId | None = None
    stream: StreamName | None = None
    severity: tuple[Severity, ...] = Field((), max_length=3, description="may be repeated; any if left out")


class IncidentQuery(Window):
    """Which incidents; newest first, by ``opened_at``."""

    job: JobId | None = None
    stream: StreamName | None = None
    detector: Name | None = None
    severity: tuple[Severity, ...] = Field((), max_length=3, description="may be repeated; any if left out")
    status: IncidentStatus | None = None
    since: Moment | None = Field(None, description="opened at this time or later")
    until: Moment | None = Field(None, description="opened before this time")


class MeasurementQuery(Window):
    """Which measurements of a stream; by track and row."""

    table: Table
    stream: StreamName
    track: TrackName | None = None
    metric: tuple[MetricName, ...] = Field((), max_length=64, description="may be repeated; all if left out")
    from_seconds: Seconds | None = Field(None, description="stream time, inclusive")
    to_seconds: Seconds | None = Field(None, description="stream time, exclusive")


class EventId(Value):
    """A place in the log of events: after row ``row`` of the commit ``version`` of the events table of ``shard``.

    Rows count from 1, so that row 0 is the place before a commit's first row.
    """

    shard: int = Field(ge=0, lt=2**31)
    version: int = Field(ge=0, lt=2**63)
    row: int = Field(ge=0, lt=2**31)

    @classmethod
    def parse(cls, text: str) -> EventId:
        """From ``shard.version.row``.

        Raises:
            ValueError: It is no such text.
        """
        if not re.fullmatch(r"[0-9]{1,10}\.[0-9]{1,19}\.[0-9]{1,10}", text):
            raise ValueError("an event's id is shard.version.row")
        shard, version, row = map(int, text.split("."))
        return cls(shard=shard, version=version, row=row)

    def __str__(self) -> str:
        return f"{self.shard}.{self.version}.{self.row}"

"""Coverage as the HTTP API gives it: which seconds of a stream were analysed, and which not, and why."""

from __future__ import annotations

from pydantic import Field

from actors.coverage import CoverageState
from cluster.job import StreamName
from serve.api.values import JobId, Value, Window


class Coverage(Value):
    """A stretch of a track of one state and reason, as long as it goes."""

    stream: StreamName
    job: JobId | None = Field(description="null where the stream is no known job's")
    track: str
    start_seconds: float = Field(description="since the stream's first PTS")
    end_seconds: float
    state: CoverageState
    reason: str = Field(description="why it was not analysed; empty where it was")


class CoverageQuery(Window):
    """Which coverage; by track and start."""

    stream: StreamName

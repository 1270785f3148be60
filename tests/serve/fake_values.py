"""What the backend in memory makes of nothing: jobs that begin, measurements, pages."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator, Callable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from cluster.job import JobSpec
from serve.api.cursor import Key, pack, unpack
from serve.api.values import (
    Evidence,
    FeedQuery,
    Incident,
    IncidentQuery,
    Job,
    JobStream,
    Measurement,
    MeasurementQuery,
    ShownSpec,
    StreamState,
    Window,
)

T = TypeVar("T")

METRICS = {
    "video": ("luma_mean", "luma_spread", "difference"), "audio": ("rms_db", "peak_db"), "packets": ("bytes", "key"),
    "metrics": ("noise.mean", "noise.share"),
}  # fmt: skip
STEP = {"video": 0.04, "audio": 0.1, "packets": 0.02, "metrics": 0.04}
TRACK = {"video": "v:0", "audio": "a:0", "packets": "v:0", "metrics": "v:0"}
NOTHING_KEPT = Evidence(clip=None, still=None)
JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffd9")
MKV = bytes.fromhex("1a45dfa3") + bytes(1000)


def started(spec: JobSpec, called: Sequence[str]) -> tuple[Job, list[StreamState]]:
    """A job that has just been submitted, and its streams."""
    id, shape = uuid.uuid4().hex[:16], "fused" if spec.shape == "auto" else spec.shape
    shown = ShownSpec.of(spec)
    streams = tuple(
        JobStream(stream=name, source=asked.source, status="starting", error=None)
        for name, asked in zip(called, shown.streams, strict=True)
    )
    job = Job(
        id=id, status="running", created_at=datetime.now(UTC), shape=shape, tags=spec.defaults.tags, streams=streams,
        spec=shown, usage=None,
    )  # fmt: skip
    states = [
        StreamState(
            stream=stream.stream,
            job=id,
            source=stream.source,
            status="starting",
            live="://" in stream.source,
            shape=shape,
            cell=None,
            position_seconds=None,
            newest_frame_age_seconds=None,
            frames=0,
            dropped=0,
            restarts=0,
            open_incidents=0,
            error=None,
            tags={**job.tags, **asked.tags},
            usage=None, processors=None,
        )
        for stream, asked in zip(streams, shown.streams, strict=True)
    ]
    return job, states


def opened(one: Incident) -> Key:
    """The key of the list of incidents."""
    return one.opened_at.timestamp(), one.id


def matches(query: FeedQuery | IncidentQuery, job: str, stream: str, severity: str) -> bool:
    """Whether a filter lets it through."""
    return (
        query.job in {None, job}
        and query.stream in {None, stream}
        and (not query.severity or severity in query.severity)
    )


def page_of(name: str, items: Sequence[T], query: Window, key: Callable[[T], Key], newest: bool = False):
    """The items after the cursor's key, and the cursor that follows."""
    items = sorted(items, key=key, reverse=newest)
    if query.cursor is not None:
        types = {"streams": (str, str), "measurements": (str, int), "coverage": (str, float)}.get(name, (float, str))
        after = unpack(name, query.cursor, *types)
        items = [item for item in items if (key(item) < after if newest else key(item) > after)]
    part = items[: query.limit]
    return {"items": tuple(part), "next": pack(name, key(part[-1])) if len(items) > len(part) else None}


def measured(query: MeasurementQuery, track: str, row: int) -> Measurement:
    """A row that depends on nothing but its number."""
    step, wanted = STEP[query.table], query.metric or METRICS[query.table]
    metrics = {
        name: None if name == "difference" and row == 0 else round((row * 37 + place * 11) % 251 / 2.5, 3)
        for place, name in enumerate(METRICS[query.table])
        if name in wanted
    }
    return Measurement(
        stream=query.stream, track=track, row=row, epoch=0, pts=round(row * step * 90000),
        start_seconds=round(row * step, 6), duration_seconds=step, metrics=metrics,
    )  # fmt: skip


async def chunks(data: bytes) -> AsyncGenerator[bytes, None]:
    """A file in parts."""
    for start in range(0, len(data), 256):
        yield data[start : start + 256]

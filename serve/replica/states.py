"""Jobs and streams as the API shows them, made of what is desired and what was seen. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from actors.url import shown
from cluster.jobs import Job as Stored
from cluster.spent import together
from cluster.watching import Watched
from serve.api.values import Job, JobStatus, JobStream, ShownSpec, StreamState, StreamStatus


def job(stored: Stored, watched: Mapping[str, Watched]) -> Job:
    """A job with the state of each of its streams."""
    streams = tuple(
        JobStream(
            stream=name, source=shown(spec.source), status=status(stored, name, watched.get(name)),
            error=_error(stored, name, watched.get(name)),
        )
        for name, spec in stored.streams.items()
    )  # fmt: skip
    return Job(
        id=stored.id, status=overall(stored, [stream.status for stream in streams]), created_at=stored.created_at,
        shape=stored.spec.shape, tags=stored.tags, streams=streams, spec=ShownSpec.of(stored.spec),
        usage=together(stored.usage.values()),
    )  # fmt: skip


def overall(stored: Stored, streams: list[StreamStatus]) -> JobStatus:
    """The status of a job by those of its streams."""
    if stored.desired == "stopped":
        return "stopped"
    if stored.unfinished:
        return "pending" if all(one == "pending" for one in streams) else "running"
    ends = set(streams)
    if ends == {"completed"}:
        return "completed"
    return "failed" if ends <= {"failed", "quarantined"} else "partial"


def status(stored: Stored, stream: str, seen: Watched | None) -> StreamStatus:
    """How a stream is."""
    if (outcome := stored.outcomes.get(stream)) is not None:
        return outcome.status
    if stored.desired == "stopped":
        return "stopped"
    if seen is None or seen.cell is None:
        return "pending"
    if seen.report is None or seen.report.newest_at is None:
        return "stalled" if seen.report and seen.report.stalled else "starting"
    return "stalled" if seen.report.stalled else "running"


def stream(stored: Stored, name: str, seen: Watched | None, now: float) -> StreamState:
    """A stream of a job as it is at a time, in seconds since 1970."""
    spec, report = stored.streams[name], seen.report if seen else None
    running = name in stored.open
    live = bool(report and report.live)
    aged = report.newest_at if report and live and running else None
    return StreamState(
        stream=name, job=stored.id, source=shown(spec.source), status=status(stored, name, seen), live=live,
        shape=stored.spec.shape, cell=seen.cell if seen and running else None,
        position_seconds=report.position_seconds if report else None,
        newest_frame_age_seconds=None if aged is None else max(0.0, now - aged),
        frames=report.frames if report else 0, dropped=report.dropped if report else 0,
        restarts=seen.restarts if seen else 0,
        open_incidents=len(report.open) if report and running else 0, error=_error(stored, name, seen),
        tags={**stored.tags, **spec.tags}, usage=stored.usage.get(name),
    )  # fmt: skip


def _error(stored: Stored, stream: str, seen: Watched | None) -> str | None:
    if (outcome := stored.outcomes.get(stream)) is not None:
        return outcome.error
    if seen is not None and seen.waits and stream in stored.open:
        return seen.waits
    return (seen.report.error or None) if seen and seen.report else None

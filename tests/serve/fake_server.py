"""Serves the backend in memory over HTTP, with something to see in it."""

from __future__ import annotations

import argparse
import asyncio
import random
import socket
import tempfile
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvicorn

from actors.incident import NAMESPACE
from cluster.job import JobSpec
from serve.api.application import create_app
from serve.api.auth import SCOPES, FileKeys, issue
from serve.api.settings import ApiSettings
from serve.api.values import Incident
from tests.serve.fake_backend import FakeBackend
from tests.serve.fake_values import JPEG, MKV, NOTHING_KEPT

CHANNELS = tuple(f"channel-{number}" for number in range(1, 7))
FILES = ("archive-1", "archive-2", "archive-3")
KINDS = {
    "freeze": ("critical", "v:0", "s", "picture held", "frozen"),
    "black": ("critical", "v:0", "s", "no light", "black"),
    "silence": ("critical", "a:0", "s", "no signal", "silent"),
    "clipping": ("warning", "a:0", "dBTP", "level", "clipped"),
    "loudness": ("warning", "a:0", "LU", "level", "a sudden jump"), "scene": ("info", "v:0", "", "cut", "a cut"),
}  # fmt: skip


def incident(job: str, stream: str, detector: str, start: float, length: float | None, at: datetime) -> Incident:
    """An incident of one of the known kinds; open where ``length`` is None, a marker where it is 0."""
    severity, track, unit, cause, message = KINDS[detector]
    return Incident(
        id=str(uuid.uuid5(NAMESPACE, f"{stream}|{detector}|{start}")), job=job, stream=stream, detector=detector,
        track=track, status="open" if length is None else "closed", start_seconds=start,
        end_seconds=None if length is None else round(start + length, 3), opened_at=at,
        closed_at=None if length is None else at + timedelta(seconds=length), severity=severity, peak=length, unit=unit,
        cause=cause, explained_by=None, message=message if not length else f"{message} for {length:.2f} s",
        evidence=NOTHING_KEPT,
    )  # fmt: skip


async def populate(backend: FakeBackend) -> None:
    """Two jobs, nine streams in different states, and a day of incidents."""
    channels = [{"source": f"https://user:hidden@live.example.org/{name}.m3u8", "name": name} for name in CHANNELS]
    files = [{"source": f"/archive/{name}.mxf", "name": name} for name in FILES]
    tags = {"tags": {"team": "sport"}}
    live = (await backend.submit(JobSpec.model_validate({"streams": channels, "defaults": tags}), None)).job.id
    done = (await backend.submit(JobSpec.model_validate({"streams": files}), None)).job.id
    statuses = ("running", "running", "running", "stalled", "starting", "quarantined")
    for name, status in zip(CHANNELS, statuses, strict=True):
        error = "gave up after 5 restarts" if status == "quarantined" else None
        backend.set_stream(
            live, name, status=status, error=error, cell="cell-0", position_seconds=86400.0, frames=2_160_000,
            newest_frame_age_seconds=42.0 if status == "stalled" else 0.1, restarts=5 if error else 0,
        )  # fmt: skip
    endings = ("completed", "partial", "failed")
    for name, status in zip(FILES, endings, strict=True):
        error = None if status == "completed" else f"/archive/{name}.mxf: is cut short"
        backend.set_stream(done, name, status=status, error=error, position_seconds=5400.0, frames=135_000)
    shown = tuple(
        stream.model_copy(update={"status": status})
        for stream, status in zip(backend.held[done].streams, endings, strict=True)
    )
    backend.held[done] = backend.held[done].model_copy(update={"status": "partial", "streams": shown})
    draw, now = random.Random(1), datetime.now(UTC)
    for number in range(250):
        at = now - timedelta(seconds=(250 - number) * 300)
        stream, detector = draw.choice((*CHANNELS[:4], *FILES)), draw.choice(tuple(KINDS))
        length = 0.0 if detector == "scene" else round(draw.uniform(2, 40), 2)
        one = incident(done if stream in FILES else live, stream, detector, number * 300.0, length, at)
        backend.commit([("marker" if detector == "scene" else "closed", one)])
        backend.evidence_of[one.id, "jpg"], backend.evidence_of[one.id, "mkv"] = JPEG, MKV


async def trickle(backend: FakeBackend, seconds: float) -> None:
    """Open an incident, update it, close it, again and again, while the job of the channels is there."""
    draw, live, start = random.Random(2), next(iter(backend.held)), 86400.0
    while True:
        stream, detector = draw.choice(CHANNELS[:3]), draw.choice(tuple(KINDS))
        at = datetime.now(UTC)
        whole = [("opened", None), ("updated", None), ("closed", 2 * seconds)]
        for kind, length in [("marker", 0.0)] if detector == "scene" else whole:
            if live not in backend.held:
                return
            backend.commit([(kind, incident(live, stream, detector, start, length, at))])
            backend.set_stream(live, stream, open_incidents=int(kind in {"opened", "updated"}))
            for name in CHANNELS[:3]:
                state = backend.states[live, name]
                position = round((state.position_seconds or 0.0) + seconds, 3)
                backend.set_stream(live, name, position_seconds=position, frames=state.frames + int(25 * seconds))
            await asyncio.sleep(seconds)
        start = round(start + 3 * seconds, 3)


async def serve(port: int, with_keys: bool, seconds: float, say=print) -> None:
    """Serve on loopback until interrupted; ``say`` is told the address, and the keys if there are some."""
    backend = FakeBackend()
    await populate(backend)
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", port)) as listening:
        keys = FileKeys(Path(folder) / "keys.json")
        told = [f"{scope}: {issue(keys, scope, scope)}" for scope in SCOPES] if with_keys else []
        app = create_app(backend, ApiSettings(open_on_loopback=not with_keys), keys)
        for line in (f"http://127.0.0.1:{listening.getsockname()[1]}", *told):
            say(line, flush=True)
        feeding = asyncio.create_task(trickle(backend, seconds))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1, lifespan="off"))
        try:
            await server.serve(sockets=[listening])
        finally:
            feeding.cancel()


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="the API of Sightline over a backend in memory")
    parser.add_argument("--port", type=int, default=8000, help="0 picks a free one")
    parser.add_argument("--keys", action="store_true", help="ask for keys; one of each scope is printed")
    parser.add_argument("--seconds", type=float, default=2.0, help="between events")
    asked = parser.parse_args()
    asyncio.run(serve(asked.port, asked.keys, asked.seconds))

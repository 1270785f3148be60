"""The API and its page over the backend in memory, served from a thread: so that a test can push, kill, start again."""

from __future__ import annotations

import asyncio
import socket
import threading
import uuid
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import uvicorn

from actors.incident import NAMESPACE
from cluster.job import JobSpec
from serve.api.application import create_app
from serve.api.auth import FileKeys
from serve.api.settings import ApiSettings
from serve.api.values import Incident
from tests.serve.fake_backend import FakeBackend
from tests.serve.fake_values import NOTHING_KEPT

T = TypeVar("T")
SPEC = JobSpec.model_validate({"streams": [{"source": "https://live.example.org/news/index.m3u8", "name": "news"}]})


class Served:
    """A server on loopback. Its port stays the same when it is started again, and so does its backend."""

    def __init__(self, keys: Path | None = None) -> None:
        """With ``keys``, a file of keys, one of them is asked for."""
        self.backend, self.port, self.job = FakeBackend(), 0, ""
        self._keys = FileKeys(keys or Path("/nonexistent/keys.json"))
        self._settings = ApiSettings(open_on_loopback=keys is None)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._template = self.do(self._first())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def start(self) -> Served:
        self.port = self.do(self._started())
        return self

    def kill(self) -> None:
        """End it as a kill does: every connection breaks at once."""
        self.do(self._killed())

    def close(self) -> None:
        """End it for good."""
        if not self._serving.done():
            self.kill()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Let the server's own thread do something, and give what it gives."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def stream(self, name: str, **values: object) -> None:
        """Add a stream or change one; values may be such that the API's own models would refuse them."""
        self.do(self._set(name, values))

    def commit(self, *events: tuple[str, Incident]) -> None:
        self.do(self._commit(events))

    def incident(self, stream: str, detector: str = "freeze", **values: object) -> Incident:
        """An open incident, or with ``ago`` and ``lasted`` (seconds) another."""
        start, length = float(values.pop("start", 60.0)), values.pop("lasted", None)
        at = datetime.now(UTC) - timedelta(seconds=float(values.pop("ago", 2.0)))
        ended = {} if length is None else {
            "status": "closed", "end_seconds": start + length, "closed_at": at + timedelta(seconds=length)
        }  # fmt: skip
        usual = {
            "id": str(uuid.uuid5(NAMESPACE, f"{stream}|{detector}|{start}")), "job": self.job, "stream": stream,
            "detector": detector, "track": "v:0", "status": "open", "start_seconds": start, "end_seconds": None,
            "opened_at": at, "closed_at": None, "severity": "critical", "peak": None, "unit": "s",
            "cause": "picture held", "explained_by": None, "message": f"{detector} seen",
            "evidence": NOTHING_KEPT,
        }  # fmt: skip
        return Incident.model_construct(**{**usual, **ended, **values})

    async def _first(self):
        self.job = (await self.backend.submit(SPEC, None)).job.id
        state = self.backend.states[self.job, "news"].model_copy(
            update={"status": "running", "position_seconds": 75.0, "newest_frame_age_seconds": 0.2, "frames": 1875}
        )
        self.backend.states[self.job, "news"] = state
        return state

    async def _started(self) -> int:
        listening = socket.create_server(("127.0.0.1", self.port))
        app = create_app(self.backend, self._settings, self._keys)
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
        self._serving = asyncio.create_task(self._server._serve([listening]))  # `serve` would take the signals
        while not self._server.started:
            await asyncio.sleep(0.01)
        return listening.getsockname()[1]

    async def _killed(self) -> None:
        self._server.should_exit = self._server.force_exit = True
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()
        await self._serving

    async def _set(self, name: str, values: dict[str, object]) -> None:
        known = self.backend.states.get((self.job, name), self._template)
        self.backend.states[self.job, name] = known.model_copy(update={"stream": name, **values})

    async def _commit(self, events: tuple[tuple[str, Incident], ...]) -> None:
        self.backend.commit(events)

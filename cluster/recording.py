"""The recorder as an actor: gathers the units of many streams into one commit, and tells who listens."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import ray

from actors import stored
from actors.measuring import schemas
from actors.recorder import Fenced, Recorder, Unit
from actors.remote import NAMESPACE
from actors.stored import Stored
from cluster.eventlog import EventLog, Position
from cluster.upkeep import tidy

NAME = "recorder"


def begin(uri: str) -> Any:
    """The recorder's handle; it is started if there is none."""
    return ray.remote(RecorderActor).options(
        name=NAME, namespace=NAMESPACE, lifetime="detached", max_restarts=-1, num_cpus=0, get_if_exists=True,
    ).remote(uri)  # fmt: skip


class RecorderActor:
    """The only writer of a results URI. Commits that wait while one is made are made together."""

    def __init__(self, uri: str) -> None:
        self._recorder = Recorder(uri, schemas(models=True))
        self._log = EventLog(self._recorder)
        self._waiting: list[tuple[Sequence[Unit], asyncio.Future[None]]] = []
        self._busy = asyncio.Lock()

    async def commit(self, units: Sequence[Unit]) -> None:
        """Make units durable.

        Raises:
            Fenced: Newer owners have taken over streams of these units.
            StorageError: The storage has failed for good.
        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((units, done))
        async with self._busy:
            waiting, self._waiting = self._waiting, []
            if waiting:
                await self._commit(waiting)
        await done

    async def claim(self, stream: str) -> tuple[int, Stored | None]:
        """Make the caller a stream's owner: its fence, and what is stored of it."""

        def work() -> tuple[int, Stored | None]:
            fence = self._recorder.claim([stream])[stream]
            return fence, stored.load(self._recorder, [stream]).get(stream)

        async with self._busy:
            return await asyncio.to_thread(work)

    async def tidy(self, streams: dict[str, str]) -> None:
        """Keep the tables small and quick (see :mod:`cluster.upkeep`). Commits wait meanwhile."""
        async with self._busy:
            await asyncio.to_thread(tidy, self._recorder, streams)

    async def newest(self) -> Position:
        """Where the event log ends."""
        return self._log.newest

    async def events(self, after: Position, wait_seconds: float, most: int) -> list[dict[str, Any]]:
        """Events after a position, at most so many; none if none is committed within ``wait_seconds``."""
        return await self._log.after(after, wait_seconds, most)

    async def pid(self) -> int:
        """Its process, for those who watch it."""
        return os.getpid()

    async def _commit(self, waiting: Sequence[tuple[Sequence[Unit], asyncio.Future[None]]]) -> None:
        units = [unit for handed, _ in waiting for unit in handed]
        error: Exception | None = None
        loop = asyncio.get_running_loop()

        def told(rows: pa.Table) -> None:
            loop.call_soon_threadsafe(self._log.add, rows)

        self._recorder.on_events = told
        try:
            await asyncio.to_thread(self._recorder.commit, units)
        except Exception as raised:  # noqa: BLE001 - raised again at everyone who waits for it
            error = raised
        lost = set(error.streams) if isinstance(error, Fenced) else set()
        for handed, done in waiting:
            mine = sorted({unit.stream for unit in handed} & lost)
            if mine:
                done.set_exception(Fenced(mine))
            elif error is not None and not lost:
                done.set_exception(error)
            else:
                done.set_result(None)

"""The recorder as an actor: gathers units and claims of many streams into one commit, and tells who listens."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import ray

from actors import stored
from actors.errors import Fenced
from actors.measuring import schemas
from actors.recorder import Recorder, Unit
from actors.remote import NAMESPACE, ON_HEAD
from actors.stored import Stored
from cluster.eventlog import EventLog, Position
from cluster.gather import Gather
from cluster.upkeep import tidy

NAME = "recorder"


def begin(uri: str) -> Any:
    """The recorder's handle; it is started if there is none."""
    return ray.remote(RecorderActor).options(
        name=NAME, namespace=NAMESPACE, lifetime="detached", max_restarts=-1, get_if_exists=True, **ON_HEAD,
    ).remote(uri)  # fmt: skip


class RecorderActor:
    """The only writer of a results URI. What is to be committed, or claimed, while it is busy is so all at once."""

    def __init__(self, uri: str) -> None:
        self._recorder = Recorder(uri, schemas(models=True))
        self._log = EventLog(self._recorder)
        self._busy = asyncio.Lock()
        self._commits = Gather(self._busy, self._commit)
        self._claims = Gather(self._busy, self._claim, key=str)

    async def commit(self, units: Sequence[Unit]) -> None:
        """Make units durable.

        Raises:
            Fenced: Newer owners have taken over streams of these units.
            StorageError: The storage has failed for good.
        """
        await self._commits.do(units)

    async def claim(self, stream: str) -> tuple[int, Stored | None]:
        """Make the caller a stream's owner: its fence, and what is stored of it."""
        return await self._claims.do(stream)

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

    async def _claim(self, streams: Sequence[str]) -> list[tuple[int, Stored | None]]:
        def work() -> list[tuple[int, Stored | None]]:
            fences, known = self._recorder.claim(streams), stored.load(self._recorder, streams)
            return [(fences[stream], known.get(stream)) for stream in streams]

        return await asyncio.to_thread(work)

    async def _commit(self, handed: Sequence[Sequence[Unit]]) -> list[Exception | None]:
        loop = asyncio.get_running_loop()

        def told(rows: pa.Table) -> None:
            loop.call_soon_threadsafe(self._log.add, rows)

        self._recorder.on_events = told
        try:
            await asyncio.to_thread(self._recorder.commit, [unit for units in handed for unit in units])
        except Fenced as error:
            lost = [sorted({unit.stream for unit in units} & set(error.streams)) for units in handed]
            return [Fenced(mine) if mine else None for mine in lost]
        return [None] * len(handed)

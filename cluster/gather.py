"""What comes while something is done waits, and is then done all at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Gather(Generic[Item, Result]):
    """Takes items one by one, in one event loop, and has them worked on in batches, one batch at a time."""

    def __init__(
        self, busy: asyncio.Lock, work: Callable[[Sequence[Item]], Awaitable[Sequence[Result | Exception]]],
        key: Callable[[Item], Hashable] = id,
    ) -> None:  # fmt: skip
        """Begin.

        Args:
            busy: Held while a batch is worked on; those who share it take turns.
            work: Gives a result, or what is to be raised, for each item of a batch.
            key: Two items of one key are never in one batch.
        """
        self._busy, self._work, self._key = busy, work, key
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._turns: asyncio.Task[None] | None = None

    async def do(self, item: Item) -> Result:
        """Have an item worked on, also if the caller does not stay. Raises what ``work`` raised, or gave for it."""
        done: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, done))
        if self._turns is None or self._turns.done():
            self._turns = asyncio.create_task(self._run())
        return await done

    async def _run(self) -> None:
        while self._waiting:
            async with self._busy:
                await self._batch()

    async def _batch(self) -> None:
        taken: dict[Hashable, tuple[Item, asyncio.Future[Result]]] = {}
        waiting, self._waiting = self._waiting, []
        for item, done in waiting:
            if taken.setdefault(self._key(item), (item, done))[1] is not done:
                self._waiting.append((item, done))
        results: Sequence[Result | Exception]
        try:
            results = await self._work([item for item, _ in taken.values()])
        except Exception as error:  # noqa: BLE001 - raised again at everyone who waits for it
            results = [error] * len(taken)
        for (_, done), result in zip(taken.values(), results, strict=True):
            if done.cancelled():
                continue
            if isinstance(result, Exception):
                done.set_exception(result)
            else:
                done.set_result(result)

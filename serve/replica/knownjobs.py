"""Jobs as the supervisor has them, and while it does not answer, as they are stored."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

from actors.errors import StorageError
from cluster.jobs import Job
from serve.api.backend import BackendUnavailable

STORED_SECONDS = 5.0
"""How long what is stored is good for, once the supervisor has not answered; then it is asked again."""


class KnownJobs:
    """So incidents, measurements, coverage and evidence can be read while the head is away.

    Args:
        ask: The supervisor's jobs; raises BackendUnavailable.
        read: Those that are stored; raises StorageError.
        clock: Seconds.
    """

    def __init__(
        self, ask: Callable[[], Awaitable[Mapping[str, Job]]], read: Callable[[], Mapping[str, Job]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._ask, self._read, self._clock = ask, read, clock
        self._stored: Mapping[str, Job] = {}
        self._until = clock()

    async def all(self) -> Mapping[str, Job]:
        """Every job, by id, oldest first.

        Raises:
            BackendUnavailable: Nobody can say.
        """
        if self._clock() < self._until:
            return self._stored
        try:
            return await self._ask()
        except BackendUnavailable:
            try:
                self._stored = await asyncio.to_thread(self._read)
            except StorageError as error:
                raise BackendUnavailable("neither the supervisor nor the results can be read") from error
            self._until = self._clock() + STORED_SECONDS
            return self._stored

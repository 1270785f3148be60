"""Which incidents have evidence: what lies on the shelf of the results, as the API tells it."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection

from actors.shelf import Shelf
from serve.api.values import Evidence

FRESH_SECONDS = 1.0
"""How long a listing of the shelf is good for."""


class Kept:
    """The names of the files on the shelf, listed at most once a second. Not safe for use by several threads."""

    def __init__(self, uri: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._shelf, self._clock = Shelf(uri), clock
        self._names: frozenset[str] = frozenset()
        self._until = clock()

    def names(self) -> frozenset[str]:
        """The files that there are, or were a second ago.

        Raises:
            OSError: The storage fails.
        """
        if (now := self._clock()) >= self._until:
            self._names, self._until = self._shelf.names(), now + FRESH_SECONDS
        return self._names


def evidence(id_: str, names: Collection[str]) -> Evidence:
    """The evidence of an incident. ``names``: of the files that are kept."""

    def at(file: str) -> str | None:
        return f"/v1/incidents/{id_}/evidence.{file}" if f"{id_}.{file}" in names else None

    return Evidence(clip=at("mkv"), still=at("jpg"))

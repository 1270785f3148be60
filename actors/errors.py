"""Errors that a command tells apart, in a module that imports nothing: most commands never need what raises them."""

from __future__ import annotations

from collections.abc import Iterable


class SettingError(ValueError):
    """A detector, a field or a value that there is not; the message says which, and what is allowed."""


class StorageError(Exception):
    """The results can be neither read nor written as they stand. The message is one line with the URI and a remedy."""


class Fenced(Exception):
    """Units were refused because a newer owner has claimed their streams. Those of other streams are committed."""

    def __init__(self, streams: Iterable[str]) -> None:
        self.streams = tuple(sorted(streams))
        """The streams that are lost."""
        super().__init__(f"claimed by a newer owner: {', '.join(self.streams)}")

    def __reduce__(self) -> tuple[type[Fenced], tuple[tuple[str, ...]]]:
        return Fenced, (self.streams,)

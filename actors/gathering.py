"""Commits of a live stream, made by a thread of their own."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from actors.recorder import Unit

GATHER_SECONDS = 0.05
"""How long units wait for others that are committed with them."""


class Commits(Protocol):
    """Where units go: the recorder, or what carries them to it."""

    def commit(self, units: Sequence[Unit]) -> None:
        """Make units durable, all tables' measurements before coverage before events."""
        ...


class Gathered:
    """Takes units without waiting for the storage; they become durable in order, those of 50 ms at once."""

    def __init__(self, commits: Commits) -> None:
        self._commits = commits
        self._units: list[Unit] = []
        self._error: Exception | None = None
        self._changed = threading.Condition()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sightline-commits", daemon=True)
        self._thread.start()

    def commit(self, units: Sequence[Unit]) -> None:
        """Take units.

        Raises:
            Exception: What an earlier commit has raised.
        """
        with self._changed:
            if self._error is not None:
                raise self._error
            self._units += units
            self._changed.notify()

    def close(self) -> None:
        """Wait until everything is durable.

        Raises:
            Exception: What a commit has raised.
        """
        self._ending.set()
        with self._changed:
            self._changed.notify()
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._units) or self._ending.is_set())
                if not self._units:
                    return
            self._ending.wait(GATHER_SECONDS)
            with self._changed:
                units, self._units = self._units, []
            try:
                self._commits.commit(units)
            except Exception as error:  # noqa: BLE001 - raised again in the thread of the stream
                self._error = error
                return


@contextmanager
def gathered(commits: Commits, *, live: bool) -> Iterator[Commits]:
    """What a stream commits through: for a live one a thread, so that reading never waits for the storage."""
    if not live:
        yield commits
        return
    thread = Gathered(commits)
    try:
        yield thread
    finally:
        thread.close()

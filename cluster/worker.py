"""What a process of :mod:`cluster.pool` runs: one stream after another, told and telling through a pipe."""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from multiprocessing.connection import Connection
from queue import SimpleQueue
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any

from actors import document
from actors.dying import die_with
from actors.errors import Fenced, StorageError
from actors.hop import Direct, Hop
from actors.owner import Owner
from actors.pipeline import Progress
from actors.recorder import Unit
from actors.tables import Table, Where
from actors.task import Task

if TYPE_CHECKING:
    from actors.models.process import Processes

_REPORT_SECONDS = 0.2
TAKEN_OVER = "another run has taken it over; what was committed is whole"
"""Why a stream is not gone on with here."""


class _Parent:
    """The parent, seen from here. It says ``task``, ``stop``, and ``ack`` to units: whether the stream is still ours.

    A live stream commits from a thread of its own.
    """

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._one_at_a_time = Lock()
        self._acks: SimpleQueue[bool | None] = SimpleQueue()
        self.stream = ""
        self.tasks: SimpleQueue[Task | None] = SimpleQueue()
        """None once the parent has gone."""
        self.stop = Event()
        """Set when live streams are to end."""
        Thread(target=self._listen, name="sightline-parent", daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                kind, content = self._pipe.recv()
            except (EOFError, OSError):
                break
            if kind == "task":
                self.tasks.put(content)
            elif kind == "ack":
                self._acks.put(content)
            else:
                self.stop.set()
        self.tasks.put(None)
        self._acks.put(None)

    def send(self, kind: str, content: object) -> None:
        """Tell the parent something."""
        with self._one_at_a_time:
            self._pipe.send((kind, content))

    def commit(self, units: Sequence[Unit]) -> None:
        """Hand units over, and wait until they are durable.

        Raises:
            Fenced: Another owner has taken the stream over.
        """
        self.send("units", list(units))
        if not self._acks.get():
            raise Fenced([self.stream])


def work(pipe: Connection, uri: str, parent: int) -> None:
    """Analyse one stream after another, until the pipe closes."""
    die_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tables: dict[str, Table] = {}

    def read(name: str, where: Where) -> Any:
        if name not in tables:
            tables[name] = Table(uri, name)
        tables[name].refresh()
        return tables[name].read(where=where)

    to = _Parent(pipe)
    with closing(_Host()) as host:
        while (task := to.tasks.get()) is not None:
            to.stream = task.stream
            hop = partial(Direct, device=task.limits.device)
            owner = Owner(task, to, read, to.stop, hop, host if task.models else None)
            owner.on_progress = _Reports(to)
            owner.on_note = lambda text: to.send("note", text)
            owner.on_live = lambda: to.send("live", None)
            try:
                to.send("done", owner.run())
            except KeyboardInterrupt:
                to.send("cut", None)
            except Fenced:
                to.send("done", taken_over(task))
            except StorageError as error:
                to.send("done", document.failed(task.stream, task.source, str(error)))


def taken_over(task: Task) -> document.Document:
    """The document of a stream that another run, begun later, analyses now."""
    return document.failed(task.stream, task.source, f"{task.source}: {TAKEN_OVER}")


class _Host:
    """Where users' models run: processes that this worker keeps from one stream to the next."""

    def __init__(self) -> None:
        self._processes: Processes | None = None

    def __call__(self, hop: Hop) -> Processes:
        if self._processes is None:
            from actors.models.process import Processes

            self._processes = Processes()
        return self._processes

    def close(self) -> None:
        """End them."""
        if self._processes is not None:
            self._processes.close()


class _Reports:
    """Sends progress to the parent, a few times a second."""

    def __init__(self, to: _Parent) -> None:
        self._to = to
        self._next = 0.0

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _REPORT_SECONDS
            self._to.send("progress", progress)

"""Many streams on one machine without Ray: one stream here, several in processes of their own.

Only this process writes the tables. Workers hand it their units and wait until they are durable; what arrives together
is committed together. A worker that dies takes one stream with it, and is replaced.
"""

from __future__ import annotations

import multiprocessing as mp
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from threading import Event, Lock
from typing import Any

from actors import document
from actors.document import Document
from actors.owner import Owner
from actors.pipeline import Progress
from actors.recorder import Recorder, Unit
from actors.storage import StorageError
from actors.tables import Table, Where
from actors.task import Task

_PR_SET_PDEATHSIG = 1
_REPORT_SECONDS = 0.2
ProgressOf = Callable[[str, Progress | None], None]
"""Called with a source and how far it is, or None once it is finished."""
Note = Callable[[str], None]
"""Called with one line on what is done and why."""


def run(
    recorder: Recorder, tasks: Sequence[Task], jobs: int, on_progress: ProgressOf, on_note: Note,
    stop: Event | None = None,
) -> Iterator[Document]:  # fmt: skip
    """Analyse streams, ``jobs`` at a time, and give each one's document as it is finished.

    ``stop`` ends a live stream that is analysed in this process, as if it were over.

    Raises:
        StorageError: The results cannot be written; streams under way are left where they are.
    """
    if len(tasks) == 1 or jobs == 1:
        for task in tasks:
            if stop is not None and stop.is_set():
                raise KeyboardInterrupt
            owner = Owner(task, recorder, lambda table, where: recorder.read(table, where=where), stop)
            owner.on_progress = lambda progress, source=task.source: on_progress(source, progress)  # type: ignore[misc]
            owner.on_note = on_note
            yield owner.run()
            on_progress(task.source, None)
        return
    pool = _Pool(recorder, tasks, min(jobs, len(tasks)), on_progress, on_note)
    try:
        yield from pool.run(stop)
    finally:
        pool.stop()


@dataclass
class _Worker:
    process: Any
    pipe: Connection
    task: Task | None = None


class _Pool:
    """Worker processes, and the loop that serves them."""

    def __init__(
        self, recorder: Recorder, tasks: Sequence[Task], jobs: int, on_progress: ProgressOf, on_note: Note
    ) -> None:
        self._recorder, self._on_progress, self._on_note = recorder, on_progress, on_note
        self._waiting = deque(tasks)
        self._context = mp.get_context("spawn")
        self._workers = [self._start() for _ in range(jobs)]

    def run(self, stop: Event | None) -> Iterator[Document]:
        """Serve the workers until every task is done."""
        for worker in self._workers:
            self._give(worker)
        while any(worker.task for worker in self._workers):
            busy = {worker.pipe: worker for worker in self._workers if worker.task}
            if stop is not None and stop.is_set():
                raise KeyboardInterrupt
            said = [_heard(busy[pipe]) for pipe in wait(list(busy), timeout=1.0)]  # type: ignore[index]
            for worker, kind, content in said:
                if kind == "crashed":
                    yield self._crashed(worker)
                elif kind == "done":
                    yield self._finished(worker, content)
                elif kind == "progress":
                    self._on_progress(worker.task.source if worker.task else "", content)
                elif kind == "note":
                    self._on_note(content)
            self._commit([(worker, content) for worker, kind, content in said if kind == "units"])

    def _commit(self, handed: Sequence[tuple[_Worker, list[Unit]]]) -> None:
        """Commit together what arrived together, and let those who wait go on."""
        if handed:
            self._recorder.commit([unit for _, units in handed for unit in units])
        for worker, _ in handed:
            _send(worker, True)

    def stop(self) -> None:
        """End the workers: idle ones at once, busy ones by force."""
        for worker in self._workers:
            worker.pipe.close()
            if worker.task is not None:
                worker.process.kill()
        for worker in self._workers:
            worker.process.join()

    def _start(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_work, args=(theirs, self._recorder.uri, os.getpid()), daemon=True)
        process.start()
        theirs.close()
        return _Worker(process, ours)

    def _give(self, worker: _Worker) -> None:
        worker.task = self._waiting.popleft() if self._waiting else None
        if worker.task is not None:
            _send(worker, worker.task)

    def _finished(self, worker: _Worker, result: Document) -> Document:
        self._on_progress(worker.task.source if worker.task else "", None)
        self._give(worker)
        return result

    def _crashed(self, worker: _Worker) -> Document:
        """A worker died under its task: most likely a decoder hit by bytes that it cannot bear."""
        task = worker.task
        worker.process.join()
        code = worker.process.exitcode
        why = signal.Signals(-code).name if code is not None and code < 0 else f"exit status {code}"
        fresh = self._start()
        worker.process, worker.pipe = fresh.process, fresh.pipe
        stream, source = (task.stream, task.source) if task else ("", "")
        return self._finished(worker, document.failed(stream, source, f"{source}: its decoder crashed ({why})"))


def _send(worker: _Worker, content: object) -> None:
    """Send to a worker. That it has died meanwhile is seen where it is listened to."""
    with suppress(OSError):
        worker.pipe.send(content)


def _heard(worker: _Worker) -> tuple[_Worker, str, Any]:
    """What a worker says, or that it has died."""
    try:
        kind, content = worker.pipe.recv()
    except (EOFError, OSError):
        return worker, "crashed", None
    return worker, kind, content


class _Parent:
    """The recorder, seen from a worker. A live stream commits from a thread of its own."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._one_at_a_time = Lock()

    def send(self, kind: str, content: object) -> None:
        """Tell the parent something."""
        with self._one_at_a_time:
            self._pipe.send((kind, content))

    def commit(self, units: Sequence[Unit]) -> None:
        """Hand units over, and wait until they are durable."""
        self.send("units", list(units))
        self._pipe.recv()


def _work(pipe: Connection, uri: str, parent: int) -> None:
    """What a worker process runs: one task after another, until the pipe closes."""
    _die_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tables: dict[str, Table] = {}

    def read(name: str, where: Where) -> Any:
        if name not in tables:
            tables[name] = Table(uri, name)
        tables[name].refresh()
        return tables[name].read(where=where)

    to = _Parent(pipe)
    while True:
        try:
            task = pipe.recv()
        except (EOFError, OSError):
            return
        owner = Owner(task, to, read)
        owner.on_progress = _Reports(to)
        owner.on_note = lambda text: to.send("note", text)
        try:
            to.send("done", owner.run())
        except StorageError as error:
            to.send("done", document.failed(task.stream, task.source, str(error)))


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


def _die_with(parent: int) -> None:
    """End this process when its parent is killed (Linux)."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)

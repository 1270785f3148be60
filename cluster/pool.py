"""Streams in processes of their own, without Ray.

Only this process writes the tables. Workers hand it their units and wait until they are durable; what arrives together
is committed together. A worker that dies takes one stream with it, and is replaced.
"""

from __future__ import annotations

import multiprocessing as mp
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from threading import Event
from typing import TYPE_CHECKING, Any

from actors import document
from actors.document import Document
from actors.errors import Fenced
from actors.recorder import Recorder, Unit
from actors.task import Task
from cluster.sources import is_live
from cluster.worker import work

if TYPE_CHECKING:
    from cluster.local import Note, ProgressOf


@dataclass(eq=False)
class _Worker:
    """A process, what it is at work on, and whether that is a live stream."""

    process: Any
    pipe: Connection
    task: Task | None = None
    live: bool = False

    @property
    def source(self) -> str:
        """The source at work on."""
        return self.task.source if self.task else ""


class Pool:
    """Worker processes, and the loop that serves them. Live streams do not count among the ``jobs``."""

    def __init__(
        self, recorder: Recorder, tasks: Iterator[Task], jobs: int, on_progress: ProgressOf, on_note: Note
    ) -> None:
        self._recorder, self._jobs, self._on_progress, self._on_note = recorder, jobs, on_progress, on_note
        self._tasks = tasks
        self._next = next(tasks, None)
        self._cut = False
        self._context = mp.get_context("spawn")
        self._workers: list[_Worker] = []

    def run(self, stop: Event | None) -> Iterator[Document]:
        """Serve the workers until every task is done.

        Raises:
            KeyboardInterrupt: It was stopped while there was more to do than watching live streams.
        """
        stopped = False
        self._fill()
        while busy := {worker.pipe: worker for worker in self._workers if worker.task}:
            if not stopped and stop is not None and stop.is_set():
                stopped = True
                for worker in busy.values():
                    _send(worker, "stop", None)
            said = [_heard(busy[pipe]) for pipe in wait(list(busy), timeout=1.0)]  # type: ignore[index]
            for worker, kind, content in said:
                if (ended := self._take(worker, kind, content)) is not None:
                    yield ended
            self._commit([(worker, content) for worker, kind, content in said if kind == "units"])
            if not stopped:
                self._fill()
        if self._cut or self._next is not None:
            raise KeyboardInterrupt

    def _take(self, worker: _Worker, kind: str, content: Any) -> Document | None:
        """Take in what a worker says, except for units; gives the document of a stream that has ended."""
        ended: Document | None = None
        match kind:
            case "progress":
                self._on_progress(worker.source, content)
            case "note":
                self._on_note(content)
            case "live":
                worker.live = True
            case "done" | "crashed" | "cut":
                ended = content if kind == "done" else self._crashed(worker) if kind == "crashed" else None
                self._cut = self._cut or kind == "cut"
                self._on_progress(worker.source, None)
                worker.task, worker.live = None, False
        return ended

    def stop(self) -> None:
        """End the workers: idle ones at once, busy ones by force."""
        for worker in self._workers:
            worker.pipe.close()
            if worker.task is not None:
                worker.process.kill()
        for worker in self._workers:
            worker.process.join()

    def _fill(self) -> None:
        """Begin what may be begun."""
        while (task := self._next) is not None:
            others = sum(worker.task is not None and not worker.live for worker in self._workers)
            if others >= self._jobs and not is_live(task.source):
                return
            worker = next((worker for worker in self._workers if worker.task is None), None) or self._start()
            worker.task, worker.live = task, is_live(task.source)
            _send(worker, "task", task)
            self._next = next(self._tasks, None)

    def _start(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=work, args=(theirs, self._recorder.uri, os.getpid()), daemon=True)
        process.start()
        theirs.close()
        self._workers.append(_Worker(process, ours))
        return self._workers[-1]

    def _commit(self, handed: Sequence[tuple[_Worker, list[Unit]]]) -> None:
        """Commit together what arrived together, and let those go on whose streams are still ours."""
        lost: tuple[str, ...] = ()
        try:
            if handed:
                self._recorder.commit([unit for _, units in handed for unit in units])
        except Fenced as error:
            lost = error.streams
        for worker, _ in handed:
            _send(worker, "ack", worker.task is not None and worker.task.stream not in lost)

    def _crashed(self, worker: _Worker) -> Document:
        """A worker died under its task: most likely a decoder hit by bytes that it cannot bear."""
        worker.process.join()
        self._workers.remove(worker)
        code = worker.process.exitcode
        why = signal.Signals(-code).name if code is not None and code < 0 else f"exit status {code}"
        stream = worker.task.stream if worker.task else ""
        return document.failed(stream, worker.source, f"{worker.source}: its decoder crashed ({why})")


def _send(worker: _Worker, kind: str, content: object) -> None:
    """Send to a worker. That it has died meanwhile is seen where it is listened to."""
    with suppress(OSError):
        worker.pipe.send((kind, content))


def _heard(worker: _Worker) -> tuple[_Worker, str, Any]:
    """What a worker says, or that it has died."""
    try:
        kind, content = worker.pipe.recv()
    except (EOFError, OSError):
        return worker, "crashed", None
    return worker, kind, content

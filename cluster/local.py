"""Many streams on one machine without Ray: one after another in this process, or several in processes of their own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import partial
from threading import Event
from typing import TYPE_CHECKING

from actors import document
from actors.datafile import DamagedError
from actors.document import Document
from actors.errors import Fenced
from actors.hop import Direct
from actors.owner import Owner
from actors.pipeline import Progress
from actors.recorder import Recorder
from actors.task import Task
from cluster.pool import Pool
from cluster.sources import may_be_live
from cluster.worker import taken_over

if TYPE_CHECKING:
    from actors.models.process import Processes

ProgressOf = Callable[[str, Progress | None], None]
"""Called with a source and how far it is, or None once it is finished."""
Note = Callable[[str], None]
"""Called with one line on what is done and why."""


def run(
    recorder: Recorder, sources: Collection[str], tasks: Iterator[Task], jobs: int, on_progress: ProgressOf,
    on_note: Note, stop: Event | None = None, host: Processes | None = None,
) -> Iterator[Document]:  # fmt: skip
    """Analyse streams, and give each one's document as it is finished.

    Args:
        recorder: Of the results.
        sources: Of the streams.
        tasks: The streams; each is asked for when its turn has come. Live ones come first.
        jobs: Streams at a time, beside live ones.
        on_progress: Told how far each is.
        on_note: Told what is done and why.
        stop: Ends live streams as if they were over, and the others where they are.
        host: Processes of users' models, where there are some.

    Raises:
        KeyboardInterrupt: It was stopped before every file was done.
        StorageError: The results cannot be written; streams under way are left where they are.
    """
    endless = stop is not None and any(map(may_be_live, sources))
    if len(sources) <= 1 or (jobs == 1 and not endless):
        for task in tasks:
            if stop is not None and stop.is_set():
                raise KeyboardInterrupt
            yield _alone(recorder, task, on_progress, on_note, stop, host)
            on_progress(task.source, None)
        return
    if host is not None:
        host.close()  # every worker has its own
    pool = Pool(recorder, tasks, jobs, on_progress, on_note)
    try:
        yield from pool.run(stop)
    finally:
        pool.stop()


def _alone(
    recorder: Recorder, task: Task, on_progress: ProgressOf, on_note: Note, stop: Event | None, host: Processes | None
) -> Document:
    """Analyse one stream in this process."""
    beside = (lambda hop: host) if host is not None else None
    hop = partial(Direct, device=task.limits.device)
    owner = Owner(task, recorder, lambda table, where: recorder.read(table, where=where), stop, hop, beside)
    owner.on_progress = lambda progress: on_progress(task.source, progress)
    owner.on_note = on_note
    try:
        return owner.run()
    except Fenced:
        return taken_over(task)
    except DamagedError as error:
        return document.failed(task.stream, task.source, str(error))

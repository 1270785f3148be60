"""Users' models for ``analyze``: loaded once before any source is read, so that what is wrong with one is said then."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cluster.sources import UsageError

if TYPE_CHECKING:
    from actors.models.process import Process, Processes
    from actors.models.spec import ModelSpec


@contextmanager
def loaded(models: Sequence[ModelSpec]) -> Iterator[Processes | None]:
    """Models in processes that are ready for the first stream, and end with the context; None where there are none.

    Raises:
        UsageError: One cannot be loaded.
    """
    if not models:
        yield None
        return
    from actors.models.process import Processes

    host = Processes()
    try:
        started = [host.start(model) for model in models]
        for process in started:
            host.keep(process)
        for process in started:
            _check(process)
        yield host
    finally:
        host.close()


def _check(process: Process) -> None:
    """Wait until a model is there.

    Raises:
        UsageError: It is not.
    """
    from actors.models.guarded import START_SECONDS, Died
    from actors.models.scores import Hello

    name, until = process.spec.name, time.monotonic() + START_SECONDS
    try:
        said = process.heard(max(0.0, until - time.monotonic()))
    except Died as error:
        raise UsageError(f"model {name}: it {error} while it was loaded") from error
    if not isinstance(said, Hello):
        raise UsageError(f"model {name}: was not loaded within {START_SECONDS:g} s")
    if said.fault is not None:
        raise UsageError(f"model {name}: {said.fault.text}")

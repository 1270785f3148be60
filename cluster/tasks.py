"""Runs functions as Ray tasks: a few at a time, each again where it fails, its process dies or it takes too long."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import ray
from ray.exceptions import RayError, RayTaskError

from actors.hop import HopBroken
from cluster import functions
from cluster.functions import Done, Work

MOST = 8
"""Tasks under way at once."""
ATTEMPTS = 3
"""How often a task is run before the stream gives up."""
TASK_SECONDS = 180.0
"""What a run may take, its waits for a processor and for the bucket included."""
ANSWER_SECONDS = 30.0


@dataclass(slots=True)
class _UnderWay:
    key: tuple[int, str]
    work: Work
    attempt: int
    until: float


class Tasks:
    """Work under way, by a key of its own. Ray's own retries are off: those are counted here, as they cost."""

    def __init__(self, cpus: float) -> None:
        """Nothing runs yet. ``cpus``: processors that are reserved for each."""
        self._run = ray.remote(functions.measure).options(num_cpus=cpus, max_retries=0)
        self._under_way: dict[ray.ObjectRef[Done], _UnderWay] = {}
        self.started = 0

    def __len__(self) -> int:
        return len(self._under_way)

    def start(self, key: tuple[int, str], work: Work, attempt: int = 1) -> None:
        """Begin, whatever else is under way."""
        self.started += 1
        answer: ray.ObjectRef[Done] = self._run.remote(work)
        self._under_way[answer] = _UnderWay(key, work, attempt, time.monotonic() + TASK_SECONDS)

    def finished(self, seconds: float) -> Iterator[tuple[tuple[int, str], Done]]:
        """Those that have ended by now; with none, wait so long for one.

        Raises:
            HopBroken: One has failed too often, or the bucket has.
        """
        ready, _ = ray.wait(list(self._under_way), num_returns=1, timeout=seconds)
        if ready:
            ready, _ = ray.wait(list(self._under_way), num_returns=len(self._under_way), timeout=0)
        for answer in ready:
            task = self._under_way.pop(answer)
            try:
                yield task.key, ray.get(answer, timeout=ANSWER_SECONDS)
            except RayTaskError as error:
                cause = error.cause
                if isinstance(cause, HopBroken):
                    raise cause from None  # it was patient already
                self._again(task, f"{type(cause).__name__}: {cause}")
            except RayError as error:
                self._again(task, f"{type(error).__name__}: {error}".splitlines()[0])
        self._overdue()

    def end(self, seconds: float = 5.0) -> None:
        """End all that is under way; what it still writes, it writes before this returns, or never."""
        for answer in self._under_way:
            _cancel(answer)
        if self._under_way:
            ray.wait(list(self._under_way), num_returns=len(self._under_way), timeout=seconds)
        self._under_way.clear()

    def _overdue(self) -> None:
        now = time.monotonic()
        for answer in [answer for answer, task in self._under_way.items() if task.until < now]:
            _cancel(answer)
            self._again(self._under_way.pop(answer), f"no answer within {TASK_SECONDS:g} s")

    def _again(self, task: _UnderWay, why: str) -> None:
        if task.attempt == ATTEMPTS:
            number, meter = task.key
            raise HopBroken(f"the meter {meter} has failed {ATTEMPTS} times on chunk {number}: {why}")
        self.start(task.key, task.work, task.attempt + 1)


def _cancel(answer: ray.ObjectRef[Done]) -> None:
    with suppress(RayError):
        ray.cancel(answer, force=True)

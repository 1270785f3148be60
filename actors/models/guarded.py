"""One model, watched from outside: what it does not survive or end is cut off from it, and from nobody else."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from actors.models.mark import At, Mark, own_bytes
from actors.models.scores import PASSED_OVER, WHY, Answer, Fault, Hello
from actors.models.spec import ModelSpec
from actors.url import shown

START_SECONDS = 120.0
"""In which a model must be loaded."""

RESTARTS = 2
"""So often is a model started again for one stream, each time at another picture."""

LOOK_SECONDS = 0.05
"""Between two looks at a model that is waited for."""

_FINAL = ("not_started", "wrong_shape", "not_finite")
"""Faults that no other process would be without."""


class Runner(Protocol):
    """A model's process, wherever it is on this machine."""

    mark: Mark

    @property
    def pid(self) -> int:
        """Its number; 0 while that is not known."""
        ...

    def send(self, parcel: Any) -> None:
        """Hand over a batch; answers come in the order of batches."""
        ...

    def heard(self, seconds: float) -> Hello | Answer | None:
        """What it says next; None: nothing within so many seconds.

        Raises:
            Died: It is there no more.
        """
        ...

    def kill(self) -> None:
        """End it, whatever it does."""
        ...


class Died(Exception):
    """A model's process has ended; the text says how."""


@dataclass(slots=True)
class Batched:
    """A batch under way at a model: ``first`` is the number of its first picture.

    ``values``: (count, metrics), once it is answered; ``why`` there is no number, where there is none. Once a model is
    cut off there is nothing but the metric that is judged: a run that goes on then knows of no other.
    """

    parcel: Any
    first: int
    count: int
    metrics: tuple[str, ...] = ()
    values: NDArray[np.float64] | None = None
    why: str = ""


class Guarded:
    """A model of one stream. ``cut_off``: why it is not asked any more, '' while it is."""

    def __init__(
        self, spec: ModelSpec, start: Callable[[ModelSpec], Runner], note: Callable[[str], None], cut_off: str = ""
    ) -> None:  # fmt: skip
        """Start it.

        Args:
            spec: What it is.
            start: Starts its process, and does not wait for it.
            note: Told when it is started again.
            cut_off: Why an earlier run has cut it off.
        """
        self.spec, self.cut_off = spec, cut_off
        self.metrics: tuple[str, ...] = (spec.judge.metric,)
        self.cpu_seconds, self.peak_bytes = 0.0, 0
        self._start, self._note = start, note
        self._faults: list[int] = []
        self._under_way: deque[Batched] = deque()
        self._runner: Runner | None = None
        if not cut_off:
            self._begin()

    @property
    def under_way(self) -> int:
        """Batches that are not answered."""
        return len(self._under_way)

    def send(self, parcel: Any, first: int, count: int) -> Batched:
        """Hand over a batch; what comes of it is in what is returned, sooner or later."""
        sent = Batched(parcel, first, count)
        if self._runner is None:
            self._give(sent, np.empty((0, len(self.metrics))), self.cut_off)
        else:
            self._under_way.append(sent)
            self._ask(sent)
        return sent

    def pass_over(self, first: int, count: int) -> Batched:
        """A batch that it is not given, since it has not kept up."""
        sent = Batched(None, first, count)
        self._give(sent, np.empty((0, len(self.metrics))), self.cut_off or PASSED_OVER)
        return sent

    def look(self, seconds: float) -> None:
        """Take what it has said, waiting at most so long, and see to what is wrong with it."""
        while self._runner is not None:
            try:
                said = self._runner.heard(seconds)
            except Died as error:
                self._failed(self._runner.mark.read(), Fault("crashed", str(error)))
                return
            seconds = 0.0
            if said is None:
                self._watch()
                return
            self._take(said)

    def release(self) -> Runner | None:
        """Its process, sound and with nothing to do; None: there is none."""
        runner, self._runner = self._runner, None
        if runner is not None and (self._under_way or not self._ready):
            runner.kill()
            return None
        return runner

    def _begin(self) -> None:
        self._began, self._ready = time.monotonic(), False
        self._runner = self._start(self.spec)
        for sent in self._under_way:
            self._ask(sent)

    def _ask(self, sent: Batched) -> None:
        assert self._runner is not None
        self._runner.send(sent.parcel)

    def _take(self, said: Hello | Answer) -> None:
        if isinstance(said, Hello):
            self._ready = True
            self.metrics = said.metrics or self.metrics
            if said.fault is not None:
                self._failed(None, said.fault)
            return
        self.cpu_seconds += said.cpu_seconds
        self.peak_bytes = max(self.peak_bytes, said.peak_bytes)
        if said.fault is None:
            self._give(self._under_way.popleft(), said.values, "")
            return
        done = len(said.values)
        self._failed(At(self._under_way[0].first + done, done, 0.0), said.fault, said.values)

    def _watch(self) -> None:
        """See whether it takes too long, or too much."""
        assert self._runner is not None
        at, now, pid = self._runner.mark.read(), time.monotonic(), self._runner.pid
        seconds = self.spec.timeout_seconds
        if not self._ready and now - self._began > START_SECONDS:
            self._failed(None, Fault("not_started", f"was not loaded within {START_SECONDS:g} s"))
        elif at is not None and now - at.since > seconds and self._runner.mark.read() == at:
            self._failed(at, Fault("timed_out", f"did not answer within {seconds:g} s"))
        elif pid and (held := own_bytes(pid)) > self.spec.memory_bytes:
            most = self.spec.memory_bytes
            text = f"held {held >> 20} MiB of memory for itself, of the {most >> 20} MiB that it may"
            self._failed(at, Fault("memory", text))

    def _failed(self, at: At | None, fault: Fault, values: NDArray[np.float64] | None = None) -> None:
        """End its process. Start it again, unless that has been in vain; else give nothing from there on."""
        assert self._runner is not None
        self._runner.kill()
        first = self._under_way[0].first if self._under_way else -1
        if values is None:
            done = at.done if at is not None and at.row - at.done == first else 0
            values = self._runner.mark.values(done, len(self.metrics))
        self._runner = None
        row = first if at is None else at.row
        if fault.kind not in _FINAL and row not in self._faults and len(self._faults) < RESTARTS:
            self._faults.append(row)
            self._note(f"model {self.spec.name} {shown(fault.text)}, at picture {row}: it is started again")
            self._begin()
            return
        self.cut_off = fault.line
        if self._under_way:
            self._give(self._under_way.popleft(), values, self.cut_off)
        self.metrics = (self.spec.judge.metric,)
        while self._under_way:
            self._give(self._under_way.popleft(), np.empty((0, 1)), self.cut_off)

    def _give(self, sent: Batched, values: NDArray[np.float64], why: str) -> None:
        sent.values = np.full((sent.count, len(self.metrics)), np.nan)
        sent.values[: len(values)] = values[: sent.count]
        sent.metrics, sent.why = self.metrics, why


def columns_of(sent: Batched) -> Iterator[tuple[str, NDArray[np.generic]]]:
    """What came of a batch, a column for each metric, and ``why``."""
    assert sent.values is not None
    for index, metric in enumerate(sent.metrics):
        yield metric, sent.values[:, index]
    missing = np.isnan(sent.values).all(axis=1)
    yield WHY, np.where(missing, sent.why, "").astype(np.object_)

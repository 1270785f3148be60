"""The work in a model's process: batches in, answers out. No fault of the model gets out of it as an exception."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from actors.media import Plane, VideoFormat
from actors.models.mark import Mark
from actors.models.pictures import prepared, ready
from actors.models.scores import Answer, Fault, Hello, Unfit
from actors.models.spec import ModelSpec
from actors.spending import peak_bytes
from actors.trust import NotTrusted, Trust
from actors.url import SourceError, shown

_LONGEST = 300


class Scorer:
    """One model, loaded."""

    def __init__(self, spec: ModelSpec, trust: Trust | None, mark: Mark) -> None:
        """Load it; ``hello`` says how that went.

        Args:
            spec: What it is.
            trust: What may be read and loaded; None for a person at the keyboard.
            mark: Where it says what it is at.
        """
        self._spec, self._mark = spec, mark
        self._burnt = time.process_time()
        try:
            from actors.models.loading import Loaded, WrongShape

            self._model, self._wrong_shape = Loaded(spec, trust), WrongShape
            ready()
            self.hello = Hello(self._model.metrics)
        except Exception as error:  # noqa: BLE001 - the class is anybody's
            self.hello = Hello((), Fault("not_started", worded(error)))

    def score(self, pictures: Sequence[tuple[Plane, ...]], fmt: VideoFormat, first_row: int) -> Answer:
        """Measure the pictures of a batch, a few at a time, up to the first fault.

        Args:
            pictures: At least one.
            fmt: Their format.
            first_row: The number of the first in its track.
        """
        count = self._spec.pictures
        values = np.full((len(pictures), len(self.hello.metrics)), np.nan)
        fault: Fault | None = None
        done = 0
        while done < len(pictures) and fault is None:
            self._mark.enter(first_row + done, done)
            given, fault = self._call(pictures[done : done + count], fmt)
            values[done : done + len(given)] = given
            self._mark.note(done, given)
            done += len(given)
        self._mark.leave()
        before, self._burnt = self._burnt, time.process_time()
        return Answer(values[:done], fault, self._burnt - before, peak_bytes())

    def _call(
        self, pictures: Sequence[tuple[Plane, ...]], fmt: VideoFormat
    ) -> tuple[NDArray[np.float64], Fault | None]:
        """What the model gives for pictures: all of them, or those before one that has no finite number."""
        nothing = np.empty((0, len(self.hello.metrics)))
        try:
            given = self._model(prepared(pictures, fmt, self._model.size, self._model.colour))
        except self._wrong_shape as error:
            return nothing, Fault("wrong_shape", str(error))
        except Exception as error:  # noqa: BLE001 - the model is anybody's
            return nothing, Fault("raised", worded(error))
        bad = np.flatnonzero(~np.isfinite(given).all(axis=1))
        if not len(bad):
            return given, None
        row = given[bad[0]]
        name = self.hello.metrics[int(np.flatnonzero(~np.isfinite(row))[0])]
        return given[: bad[0]], Fault("not_finite", f"gave {row[~np.isfinite(row)][0]} for {name}")


def worded(error: BaseException) -> str:
    """An exception in one line, without secrets; of those of other people with its kind."""
    text = shown(" ".join(str(error).split()))
    if isinstance(error, Unfit | SourceError | NotTrusted):
        return text
    return f"{type(error).__name__}: {text}"[:_LONGEST] if text else type(error).__name__

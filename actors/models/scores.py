"""What passes between a model and the owner of a stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["not_started", "raised", "timed_out", "wrong_shape", "not_finite", "memory", "crashed"]

PASSED_OVER = "passed over: the model has not kept up with the source"
"""Why a picture of a live source was not given to a model."""

WHY = "why"
"""Part of the name of a column: why a model gave no number for a picture; '' where it gave one."""


class Unfit(Exception):
    """A class or weights that cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What was wrong with a model, in one line that names no secret."""

    kind: Kind
    text: str

    @property
    def line(self) -> str:
        """It as one line, which :func:`kind_of` reads back."""
        return f"{self.kind}: {self.text}"


def kind_of(line: str) -> str:
    """The kind of the fault that a line was made from."""
    return line.partition(":")[0]


def column(model: str, metric: str) -> str:
    """The name of a metric of a model, in rows and in the table ``metrics``: ``snow.noise``."""
    return f"{model}.{metric}"


@dataclass(frozen=True, slots=True)
class Hello:
    """What a model says once it is there: the names of its metrics, or why it is not."""

    metrics: tuple[str, ...]
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model measured of a batch.

    ``values``: (m, metrics) float64 of its first m pictures: all of them, or those before a fault. ``cpu_seconds``:
    burnt since the answer before; ``peak_bytes``: the most memory that its process had resident.
    """

    values: NDArray[np.float64]
    fault: Fault | None
    cpu_seconds: float
    peak_bytes: int

"""What meters are: heavy, vectorised functions from batches to columns, with no thresholds in them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from actors.clock import TimeBase
from actors.media import Batch, Table

Columns = dict[str, NDArray[np.generic]]
"""One array per name, all of the same length; a list-valued metric is an (n, k) array."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A column of measurements.

    ``dtype``: what the tables hold. ``width``: 0 for a number per row, else the fixed length of a list per row, and -1
    for a list whose length follows the number of channels. A float that could not be measured is NaN inside and null
    in the tables; an empty list, likewise, where a list could not be measured.
    """

    name: str
    unit: str
    dtype: Literal["float64", "float32", "int64", "int32", "uint16", "bool", "string"]
    meaning: str
    width: int = 0


class Meter(Protocol):
    """Computes a family of metrics in one pass. A metric never depends on what else was wanted."""

    metrics: tuple[Metric, ...]

    def measure(self, batch: Batch, wanted: frozenset[str]) -> Columns:
        """Measure the frames of a batch (not its context), one row each."""
        ...


@dataclass(frozen=True, slots=True)
class Rows:
    """Measurements of one track in the order they were decoded, of one format and epoch.

    ``columns`` holds the metrics and always ``epoch``, ``wrap``, ``pts``, ``time``, ``duration`` (int64 ticks).
    ``time`` does not always rise: a damaged source may step back.
    """

    table: Table
    track: str
    base: TimeBase
    format: str
    first_row: int
    window: int
    columns: Columns
    made: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    """What one judge has made of these rows for the others, by the name of who made it."""

    def __len__(self) -> int:
        return len(self.columns["time"])

    def slice(self, start: int, stop: int) -> Rows:
        """Rows ``start`` to ``stop``, counted from this value's first."""
        if not start and stop >= len(self):
            return self
        return Rows(
            self.table, self.track, self.base, self.format, self.first_row + start, self.window,
            {name: values[start:stop] for name, values in self.columns.items()},
        )  # fmt: skip

    def where(self, chosen: NDArray[np.bool_]) -> Rows:
        """The times of chosen rows, without their metrics."""
        times = ("epoch", "wrap", "pts", "time", "duration")
        every = chosen.all()
        return replace(self, columns={name: self.columns[name][... if every else chosen] for name in times})

"""The picture meter: luma, differences to the frame before, and a signature, from one pass over the native planes."""

from __future__ import annotations

from typing import Literal

from actors.measure import Columns, Metric
from actors.measure.picture.metrics import METRICS, columns
from actors.measure.picture.sums import Backend, Group
from actors.media import Batch


class PictureMeter:
    """Measures pictures without a state: a batch and the frame before it give its rows."""

    metrics: tuple[Metric, ...] = tuple(metric for group in METRICS.values() for metric in group)

    def __init__(self, backend: Literal["numba", "reference"] = "numba") -> None:
        self._sums = _load(backend)

    def measure(self, batch: Batch, wanted: frozenset[str]) -> Columns:
        """Measure the frames of a batch, by the groups that the wanted metrics need.

        Args:
            batch: At least one frame.
            wanted: Names of metrics; those of other meters are passed over.

        Returns:
            (n,) float64 for each wanted metric of this meter, and (n, 144) uint16 for ``signature``. Differences are
            NaN for a frame that is not clean or has no frame before it.

        Raises:
            ValueError: Frames of different sizes are to be compared.
        """
        groups: frozenset[Group] = frozenset(
            group for group, metrics in METRICS.items() if any(metric.name in wanted for metric in metrics)
        )
        if not groups:
            return {}
        earlier = (batch.context[-1] if batch.context else None, *batch.frames[:-1])
        rows = [
            self._sums(frame.planes, before.planes if before and frame.clean else None, batch.format.depth, groups)
            for before, frame in zip(earlier, batch.frames, strict=True)
        ]
        return {name: values for name, values in columns(rows, batch.format).items() if name in wanted}


def _load(backend: Literal["numba", "reference"]) -> Backend:
    if backend == "numba":
        from actors.measure.picture.cpu import sums
    else:
        from actors.measure.picture.reference import sums
    return sums

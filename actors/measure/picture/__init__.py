"""The picture meter: luma, differences to the frame before, and a signature, from one pass over the native planes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import islice

from actors.measure import Columns, Metric
from actors.measure.picture.device import BackendName, Device
from actors.measure.picture.light import colour_of
from actors.measure.picture.metrics import METRICS, columns, needed
from actors.measure.picture.sums import Backend, Planes, one_by_one
from actors.media import Batch


class PictureMeter:
    """Measures pictures without a state: a batch and the frame before it give its rows.

    Every backend gives the same numbers. :func:`actors.measure.picture.device.chosen` says which one is for a machine.
    """

    metrics: tuple[Metric, ...] = tuple(metric for group in METRICS.values() for metric in group)

    def __init__(self, backend: BackendName = "numba", device: Device = "cpu") -> None:
        """Load a backend; torch is imported for its own only.

        Args:
            backend: Who computes.
            device: Where; only torch computes on ``cuda``.

        Raises:
            ValueError: The backend cannot compute there.
        """
        self._sums_of = _load(backend, device)

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
        (found,) = self.measure_many([batch], wanted)
        return found

    def measure_many(self, batches: Sequence[Batch], wanted: frozenset[str]) -> list[Columns]:
        """Measure batches of one format in one pass; each gets the columns that :meth:`measure` gives of it alone.

        Raises:
            ValueError: Batches of several formats, or frames of different sizes are to be compared.
        """
        if len({batch.format for batch in batches}) > 1:
            raise ValueError("batches of several formats cannot be measured in one pass")
        groups = needed(wanted)
        if not groups or not batches:
            return [{} for _ in batches]
        frames = [frame.planes for batch in batches for frame in batch.frames]
        before = [old for batch in batches for old in _before(batch)]
        fmt = batches[0].format
        sums = iter(self._sums_of(frames, before, fmt.depth, groups, colour=colour_of(fmt)))
        return [
            {name: values for name, values in columns(list(islice(sums, len(batch.frames))), batch.format).items()
             if name in wanted}
            for batch in batches
        ]  # fmt: skip


def _before(batch: Batch) -> list[Planes | None]:
    """What each frame of a batch is compared to."""
    earlier = (batch.context[-1] if batch.context else None, *batch.frames[:-1])
    return [old.planes if old and frame.clean else None for old, frame in zip(earlier, batch.frames, strict=True)]


def _load(backend: BackendName, device: Device) -> Backend:
    if backend == "torch":
        from actors.measure.picture.gpu import sums_of

        return partial(sums_of, device=device)
    if device != "cpu":
        raise ValueError(f"the backend {backend!r} computes on the CPU only; {device!r} needs the backend 'torch'")
    if backend == "numba":
        from actors.measure.picture.cpu import sums
    else:
        from actors.measure.picture.reference import sums
    return one_by_one(sums)

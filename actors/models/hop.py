"""A hop with models beside it: each batch goes to the meters as before, and to every model's process."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from actors.hop import Hop, Traffic
from actors.measure import Columns, Rows
from actors.measuring import Ear, stamps
from actors.media import AudioBatch, Batch
from actors.models.beside import Host
from actors.models.guarded import LOOK_SECONDS, Batched, Guarded, columns_of
from actors.models.scores import column
from actors.models.spec import ModelSpec

AHEAD = 2
"""Batches of a file that a model may have before it: then it is waited for."""

AHEAD_LIVE = 5
"""The same of a live source, a second of it: then pictures are passed over, for that model alone."""


@dataclass(slots=True)
class _UnderWay:
    """A batch (without its pictures) and what the models make of it. ``parcel``: None once they need it no more."""

    rows: Rows
    parcel: Any
    scored: list[Batched]


class WithModels:
    """Gives the rows of the hop within, and rows of the table ``metrics``: for each batch those of all models.

    A model that fails, hangs or falls behind changes nothing of the rows within, nor those of other models.
    """

    def __init__(
        self, inner: Hop, host: Host, models: Sequence[ModelSpec], cut_off: Mapping[str, str],
        note: Callable[[str], None], *, live: bool,
    ) -> None:  # fmt: skip
        """Start the models.

        Args:
            inner: The hop to the meters.
            host: Where models run.
            models: Which.
            cut_off: Those that an earlier run has cut off, and why.
            note: Told when one is started again.
            live: Whether the source is live: then pictures are passed over where a model does not keep up.
        """
        self.shape, self.bounds, self._live = inner.shape, inner.bounds, live
        self._inner, self._host, self._moved = inner, host, Traffic()
        self._models = [Guarded(spec, host.start, note, cut_off.get(spec.name, "")) for spec in models]
        self._under_way: deque[_UnderWay] = deque()

    @property
    def traffic(self) -> Traffic:
        """What the hop within has carried, and what the models have burnt."""
        inner, moved = self._inner.traffic, self._moved
        return replace(
            inner, copies=inner.copies + moved.copies, bytes_direct=inner.bytes_direct + moved.bytes_direct,
            bytes_object_store=inner.bytes_object_store + moved.bytes_object_store,
            cpu_seconds=inner.cpu_seconds + sum(model.cpu_seconds for model in self._models),
            peak_memory_bytes=inner.peak_memory_bytes + sum(model.peak_bytes for model in self._models),
        )  # fmt: skip

    def begin(self, *, live: bool, recorded: Mapping[str, int]) -> None:
        """Ready the hop within."""
        self._inner.begin(live=live, recorded=recorded)

    def send(self, batch: Batch) -> Iterator[Rows]:
        """Send a batch to the meters, and to every model that keeps up or can be waited for."""
        yield from self._inner.send(batch)
        for model in self._models:
            model.look(0.0)
            while not self._live and model.under_way >= AHEAD:
                model.look(LOOK_SECONDS)
        yield from self._answered()
        first, count = batch.first_row, len(batch.frames)
        asked = [not model.cut_off and model.under_way < AHEAD_LIVE for model in self._models]
        parcel = self._host.put(batch, self._moved) if any(asked) else None
        scored = [
            model.send(parcel, first, count) if ask else model.pass_over(first, count)
            for model, ask in zip(self._models, asked, strict=True)
        ]
        rows = Rows("metrics", batch.track, batch.base, batch.format.text, first, batch.window, stamps(batch.frames))
        self._under_way.append(_UnderWay(rows, parcel, scored))
        yield from self._answered()

    def hear(self, batch: AudioBatch, ear: Ear) -> Iterator[Rows]:
        """Hand sound on: models get none."""
        yield from self._inner.hear(batch, ear)

    def tell(self, facts: Rows) -> Iterator[Rows]:
        """Hand facts on."""
        yield from self._inner.tell(facts)

    def drain(self) -> Iterator[Rows]:
        """Wait for everything under way."""
        yield from self._inner.drain()
        for model in self._models:
            while model.under_way:
                model.look(LOOK_SECONDS)
        yield from self._answered()

    def settle(self) -> Iterator[Rows]:
        """Wait for what is under way at the meters, and for models unless the source is live."""
        if not self._live:
            yield from self.drain()
            return
        yield from self._inner.settle()
        for model in self._models:
            model.look(0.0)
        yield from self._answered()

    def close(self) -> None:
        """Give back what the hop within holds, and models that are sound; end the others."""
        try:
            self._inner.close()
        finally:
            for model in self._models:
                if (runner := model.release()) is not None:
                    self._host.keep(runner)
            for one in self._under_way:
                self._free(one)

    def _answered(self) -> Iterator[Rows]:
        """Rows of the batches that all models have answered, in the order in which they were sent."""
        for one in self._under_way:
            self._free(one)
        while self._under_way and all(scored.values is not None for scored in self._under_way[0].scored):
            one = self._under_way.popleft()
            columns: Columns = dict(one.rows.columns)
            for model, scored in zip(self._models, one.scored, strict=True):
                for metric, values in columns_of(scored):
                    columns[column(model.spec.name, metric)] = values
            yield replace(one.rows, columns=columns)

    def _free(self, one: _UnderWay) -> None:
        if one.parcel is not None and all(scored.values is not None for scored in one.scored):
            self._host.free(one.parcel)
            one.parcel = None

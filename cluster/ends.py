"""Where a hop's batches are measured: a detector that is sent frames."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import ray

from actors.media import Batch
from actors.remote import Measured
from cluster.share import Share


@dataclass(slots=True)
class Sent:
    """A batch in the store: which one, how many frames and bytes it has, and the nodes that it lies on by now."""

    batch: ray.ObjectRef[Batch]
    track: str
    first_row: int
    frames: int
    bytes: int
    nodes: set[str]


class Detector:
    """Measures some of the metrics of every batch, from frames in the object store.

    ``peak_bytes``: what part of its memory is this stream's.
    """

    def __init__(self, find: Callable[[], Any], wanted: frozenset[str]) -> None:
        """Begin.

        Args:
            find: Finds the handle of the detector actor; asked again when that one does not answer.
            wanted: Names of metrics.
        """
        self._find, self._wanted = find, wanted
        self._handle = find()
        self._share = Share()
        self.peak_bytes = 0

    def ask(self, sent: Sent, context: tuple[Sent, ...]) -> ray.ObjectRef[Measured]:
        """Have a batch measured; its context is in the batches before it, if any are given."""
        answer: ray.ObjectRef[Measured] = self._handle.measure.remote(
            self._wanted, sent.batch, *(earlier.batch for earlier in context)
        )
        return answer

    def renew(self) -> None:
        """Find the actor again, or another one in its place."""
        with suppress(ValueError):  # none of that name: the supervisor starts another
            self._handle = self._find()

    def count(self, measured: Measured) -> None:
        """Note what an answer says of its memory."""
        self.peak_bytes = self._share.of(measured.cpu_seconds, measured.all_seconds, measured.peak_bytes)

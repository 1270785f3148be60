"""Where a hop's batches are measured: by a detector that is sent frames, or by one that decodes the source again."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

import ray
from ray.exceptions import GetTimeoutError, RayActorError, RayTaskError

from actors.media import Batch
from actors.remote import Measured
from actors.url import shown
from cluster.share import Share

DEATHS = 1
"""So often is a process that decodes again started anew for one stream."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Sent:
    """A batch in the store: which one, how many frames and bytes it has, and the nodes that it lies on by now.

    ``mark``: see :func:`actors.again.mark`; empty where no end asks for it.
    """

    batch: ray.ObjectRef[Batch]
    track: str
    first_row: int
    frames: int
    bytes: int
    nodes: set[str]
    mark: str = ""


class End(Protocol):
    """Measures some of the metrics of every batch. ``peak_bytes``: what of its memory is this stream's."""

    peak_bytes: int

    @property
    def marks(self) -> bool:
        """Whether it needs the marks of batches."""
        ...

    def begin(self, *, live: bool, recorded: Mapping[str, int]) -> None:
        """See :meth:`actors.hop.Hop.begin`."""
        ...

    def ask(self, sent: Sent, context: tuple[Sent, ...]) -> ray.ObjectRef[Measured]:
        """Have a batch measured; its context is in the batches before it, if any are given."""
        ...

    def renew(self, error: Exception) -> None:
        """Ready it anew after an answer that did not come. Whatever is under way is asked for again then.

        Raises:
            Exception: That would be in vain.
        """
        ...

    def count(self, measured: Measured) -> None:
        """Note what an answer says of its memory."""
        ...

    def close(self) -> None:
        """End what serves this stream alone."""
        ...


class Detector:
    """Measures from frames in the object store."""

    marks = False

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

    def begin(self, *, live: bool, recorded: Mapping[str, int]) -> None:
        """All is ready."""

    def ask(self, sent: Sent, context: tuple[Sent, ...]) -> ray.ObjectRef[Measured]:
        """Send a batch, and those that its context is in."""
        answer: ray.ObjectRef[Measured] = self._handle.measure.remote(
            self._wanted, sent.batch, *(earlier.batch for earlier in context)
        )
        return answer

    def renew(self, error: Exception) -> None:
        """Find the actor again, or another one in its place.

        Raises:
            Exception: It is there, and measuring has failed: what it has raised.
        """
        if isinstance(error, RayTaskError):
            raise error.cause or error
        with suppress(ValueError):  # none of that name: the supervisor starts another
            self._handle = self._find()

    def count(self, measured: Measured) -> None:
        """Note its memory, which it has for several streams."""
        self.peak_bytes = self._share.of(measured.cpu_seconds, measured.all_seconds, measured.peak_bytes)

    def close(self) -> None:
        """It serves others, too."""


class Again:
    """Has the source decoded again where a detector would be sent frames, by an actor that serves this stream alone.

    The detector is there for what cannot be had in that way: a live source, one that is another there or cannot be
    read, an actor that dies twice, or does not answer in time. From then on it is sent frames; rows are the same.
    """

    def __init__(self, stream: str, start: Callable[[], Any], detector: Detector) -> None:
        """Ready.

        Args:
            stream: Its name, for the log.
            start: Starts the actor; does not wait for it.
            detector: For the same metrics.
        """
        self._stream, self._start, self._detector = stream, start, detector
        self._actor: Any = None
        self._recorded: Mapping[str, int] = {}
        self._deaths, self._own_bytes = 0, 0
        self.peak_bytes = 0

    @property
    def marks(self) -> bool:
        """Whether it decodes again."""
        return self._actor is not None

    def begin(self, *, live: bool, recorded: Mapping[str, int]) -> None:
        """Start the actor, which decodes up to the first batch that is not recorded; of a live source do nothing."""
        if live:
            log.info("%s: on air, so frames are sent, and it is not decoded again", self._stream)
            return
        self._recorded = dict(recorded)
        self._begin()

    def _begin(self) -> None:
        self._actor = self._start()
        self._actor.ready.remote(self._recorded)

    def ask(self, sent: Sent, context: tuple[Sent, ...]) -> ray.ObjectRef[Measured]:
        """Ask for a batch by its place and mark, or send it."""
        if self._actor is None:
            return self._detector.ask(sent, context)
        answer: ray.ObjectRef[Measured] = self._actor.measure.remote(sent.track, sent.first_row, sent.mark)
        return answer

    def renew(self, error: Exception) -> None:
        """Start the actor once more if it has died for the first time; else go over to sending frames.

        Raises:
            Exception: The detector is there, and measuring has failed: what it has raised.
        """
        if self._actor is None:
            self._detector.renew(error)
            return
        self.close()
        if isinstance(error, RayActorError) and self._deaths < DEATHS:
            self._deaths += 1
            log.warning("%s: what decodes it again has died and is started anew", self._stream)
            self._begin()
            return
        log.warning("%s: is not decoded again any more, frames are sent: %s", self._stream, _why(error))

    def count(self, measured: Measured) -> None:
        """Note the memory of the actor, which is this stream's alone, and of the detector."""
        if measured.node:
            self._detector.count(measured)
        else:
            self._own_bytes = max(self._own_bytes, measured.peak_bytes)
        self.peak_bytes = self._own_bytes + self._detector.peak_bytes

    def close(self) -> None:
        """End the actor."""
        actor, self._actor = self._actor, None
        if actor is not None:
            ray.kill(actor)


def _why(error: Exception) -> str:
    if isinstance(error, GetTimeoutError):
        return "no answer in time"
    if isinstance(error, RayActorError):
        return "it has died again"
    cause = error.cause if isinstance(error, RayTaskError) else error
    return shown((str(cause) or type(cause).__name__).splitlines()[0])

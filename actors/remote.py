"""The actors: thin typed shells round the plain classes. ``ray.remote`` is put on them where they are placed."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import pyarrow as pa
import ray
from ray.exceptions import GetTimeoutError, RayActorError, RayError

from actors.breadcrumb import Breadcrumb
from actors.desk import Desk
from actors.document import Document
from actors.hop import Direct, Hop, HopBroken
from actors.incident import Event
from actors.limits import Limits
from actors.measure import Rows
from actors.measure.picture import PictureMeter
from actors.measure.picture.device import chosen
from actors.media import CONTEXT_FRAMES, Batch
from actors.models.spec import ModelSpec
from actors.owner import Owner
from actors.pipeline import Progress
from actors.recorder import Fenced, Unit
from actors.remote_models import Actors
from actors.spending import Burnt, peak_bytes
from actors.storage import StorageError
from actors.stored import Stored
from actors.tables import Table, Where
from actors.task import Task
from actors.trust import Trust
from actors.url import shown

NAMESPACE = "sightline"
"""Where all actors are named."""

CALL_SECONDS = 60.0
"""What a call to the recorder may take."""

PATIENCE_SECONDS = 600.0
"""How long a recorder may be away before a stream gives up; what it has measured waits in memory."""

log = logging.getLogger(__name__)


def node() -> str:
    """The node that this process is on."""
    return ray.get_runtime_context().get_node_id()


@dataclass(frozen=True, slots=True)
class Named:
    """Finds an actor by its name."""

    name: str

    def __call__(self) -> Any:
        """Its handle.

        Raises:
            ValueError: There is none of that name.
        """
        return ray.get_actor(self.name, namespace=NAMESPACE)


@dataclass(frozen=True, slots=True)
class Measured:
    """Rows of a batch, and what the detector has burnt and held.

    ``cpu_seconds`` since the pass before, parted among those measured in one; ``all_seconds`` and ``peak_bytes`` in its
    whole life. ``node``: where it read the frames; '' where it has decoded them itself.
    """

    rows: Rows
    cpu_seconds: float
    all_seconds: float
    peak_bytes: int
    node: str


class DetectorActor:
    """Holds the meters. It remembers nothing: any batch may be sent to any detector, or again."""

    def __init__(self, device: Literal["auto", "cpu", "cuda"] = "cpu") -> None:
        """Ready the meters.

        Args:
            device: Where pictures are measured.

        Raises:
            ValueError: ``cuda`` without a GPU that can be used.
        """
        self._desk = Desk(PictureMeter(*chosen(device)))
        self._node = node()

    def measure(self, wanted: frozenset[str], batch: Batch, *earlier: Batch) -> Measured:
        """Measure a batch that lies in the object store, where it lies; with others of its format that wait.

        Args:
            wanted: Names of metrics.
            batch: Without its context, if that is in ``earlier``.
            earlier: The batches before it that hold its context, oldest first.
        """
        if earlier:
            frames = tuple(frame for one in earlier for frame in one.frames)
            batch = replace(batch, context=frames[-CONTEXT_FRAMES:])
        answer = self._desk.measure(batch, wanted)
        return Measured(answer.rows, answer.cpu_seconds, answer.all_seconds, peak_bytes(), self._node)

    def pid(self) -> int:
        """Its process, for those who watch it."""
        return os.getpid()


class RemoteCommits:
    """The recorder's actor, as a stream's owner sees it. One that died is waited for: commits repeat without harm."""

    def __init__(self, find: Callable[[], Any]) -> None:
        self._find = find

    def commit(self, units: Sequence[Unit]) -> None:
        """Hand units over, and wait until they are durable.

        Raises:
            Fenced: Another owner has taken over the stream.
            StorageError: The storage, or the recorder, has failed for good.
        """
        self.call("commit", list(units))

    def claim(self, stream: str) -> tuple[int, Stored | None]:
        """Become a stream's owner: its fence, and what the tables hold of it.

        Raises:
            StorageError: As above.
        """
        claimed: tuple[int, Stored | None] = self.call("claim", stream)
        return claimed

    def call(self, method: str, *arguments: object) -> Any:
        """Call the recorder until it answers."""
        began = time.monotonic()
        while True:
            try:
                return ray.get(getattr(self._find(), method).remote(*arguments), timeout=CALL_SECONDS)
            except (RayActorError, GetTimeoutError, LookupError) as error:
                away: Exception = error
            except ValueError as error:  # no actor of that name: its supervisor starts another
                if isinstance(error, RayError):
                    raise
                away = error
            if time.monotonic() - began > PATIENCE_SECONDS:
                raise StorageError(f"the recorder has not answered for {PATIENCE_SECONDS:.0f} s") from away
            time.sleep(0.2)


@dataclass(frozen=True, slots=True)
class Order:
    """What a decoder is to do: a stream, without what only its owner can know (see :class:`actors.task.Task`)."""

    stream: str
    source: str
    detectors: tuple[str, ...]
    settings: Mapping[str, Mapping[str, Any]]
    trust: Trust | None
    fresh: bool = False
    evidence: bool = False
    limits: Limits = field(default_factory=Limits)
    models: tuple[ModelSpec, ...] = ()


CRASHES = 3
"""So often may a decoder die of one packet; then its stream is put aside."""

Outcome = Literal["", "done", "stopped", "fenced", "broken", "quarantined"]
"""How the work of a decoder ended; '' while it goes on."""


@dataclass(frozen=True, slots=True)
class Report:
    """How a decoder stands.

    ``newest_at``: when the newest batch came, in seconds since 1970. ``open``: ids of incidents. ``dropped``: pictures
    passed over.
    """

    stream: str
    pid: int
    live: bool = False
    position_seconds: float | None = None
    newest_at: float | None = None
    frames: int = 0
    dropped: int = 0
    open: tuple[str, ...] = ()
    stalled: bool = False
    outcome: Outcome = ""
    document: Document | None = None
    error: str = ""
    burnt: Burnt | None = None


class DecoderActor:
    """Owns one stream: decodes it on a thread of its own, and answers how it stands."""

    def __init__(
        self, order: Order, uri: str, recorder: Callable[[], Any],
        hop: Callable[[frozenset[str]], Hop] = Direct,
    ) -> None:  # fmt: skip
        """Begin at once.

        Args:
            order: What is to be done.
            uri: The results, which are read directly; they are written through the recorder.
            recorder: Finds the recorder's actor.
            hop: Makes the hop to the meters.
        """
        self._order, self._uri, self._hop = order, uri, hop
        self._commits = RemoteCommits(recorder)
        self._stop = threading.Event()
        self._tables: dict[str, Table] = {}
        self._open: dict[str, Event] = {}
        self._report = Report(order.stream, os.getpid())
        self._thread = threading.Thread(target=self._work, name=f"sightline-{order.stream}", daemon=True)
        self._thread.start()

    def report(self) -> Report:
        """How it stands."""
        stalled = any(event.detector == "stalled" for event in list(self._open.values()))
        return replace(self._report, open=tuple(self._open), stalled=stalled)

    def stop(self) -> None:
        """End: a live stream as if it were over, any other where it is."""
        self._stop.set()

    def _work(self) -> None:
        trace = Breadcrumb(self._uri, self._order.stream)
        outcome: Outcome
        try:
            owner = self._owner()
            owner.on_packet = trace.leave
            if trace.crashes < CRASHES:
                document, outcome = owner.run(), "done"
            else:
                document, outcome = owner.put_aside(trace.place, trace.crashes), "quarantined"
            self._report = replace(self._report, document=document, outcome=outcome)
        except KeyboardInterrupt:
            self._report = replace(self._report, outcome="stopped")
        except Fenced as error:
            self._report = replace(self._report, outcome="fenced", error=str(error))
        except HopBroken as error:
            log.warning("%s: broken: %s", self._order.stream, error)
            self._report = replace(self._report, outcome="broken", error=shown(str(error)))
        except Exception as error:
            log.exception("%s: broken", self._order.stream)
            self._report = replace(self._report, outcome="broken", error=shown(f"{type(error).__name__}: {error}"))
        finally:
            trace.wipe()

    def _owner(self) -> Owner:
        order = self._order
        fence, stored = self._commits.claim(order.stream)
        task = Task(
            order.stream, order.source, order.detectors, order.settings, fence, stored, order.fresh,
            evidence=order.evidence, results=self._uri, limits=order.limits, trust=order.trust,
            models=order.models,
        )  # fmt: skip
        owner = Owner(
            task, self._commits, self._read, self._stop, self._hop, lambda hop: Actors(hop, order.trust)
        )  # fmt: skip
        owner.on_progress, owner.on_event = self._progress, self._event
        owner.on_note = lambda text: log.info("%s", text)
        for event in stored.events if stored else ():
            self._event(event)
        return owner

    def _progress(self, progress: Progress) -> None:
        self._report = replace(
            self._report, position_seconds=progress.seconds, newest_at=time.time() - progress.late_seconds,
            frames=progress.frames, dropped=progress.dropped, live=progress.live, burnt=progress.burnt,
        )  # fmt: skip

    def _event(self, event: Event) -> None:
        key = event.id(self._order.stream)
        if event.kind == "closed":
            self._open.pop(key, None)
        elif event.kind != "marker":
            self._open[key] = event

    def _read(self, name: str, where: Where) -> pa.Table:
        if name not in self._tables:
            self._tables[name] = Table(self._uri, name)
        self._tables[name].refresh()
        return self._tables[name].read(where=where)

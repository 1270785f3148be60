"""The actors: thin typed shells round the plain classes. ``ray.remote`` is put on them where they are placed."""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import ray
from ray.exceptions import GetTimeoutError, RayActorError, RayError

from actors.desk import Desk
from actors.errors import StorageError
from actors.hop import Direct, Hop
from actors.hosted import Hosted, Order, Report
from actors.lease import keep
from actors.measure import Rows
from actors.measure.picture import PictureMeter
from actors.measure.picture.device import chosen
from actors.media import CONTEXT_FRAMES, Batch
from actors.recorder import Unit
from actors.remote_models import Actors
from actors.sharing import Process
from actors.spending import peak_bytes
from actors.stored import Stored

NAMESPACE = "sightline"
"""Where all actors are named."""

ON_HEAD: dict[str, Any] = {"num_cpus": 0, "resources": {"node:__internal_head__": 0.001}}
"""Options of actors that each cluster has one of: where nothing is drained, and no spot machine is taken away."""

CALL_SECONDS = 60.0
"""What a call to the recorder may take."""

ASK_SECONDS = 5.0
"""What it may take to ask whether a node is one of the cluster's."""

PATIENCE_SECONDS = 600.0
"""How long a recorder may be away before a stream gives up; what it has measured waits in memory."""


def node() -> str:
    """The node that this process is on."""
    return ray.get_runtime_context().get_node_id()


def worker() -> Any:
    """This process's own access to Ray: of a node's state, its public functions tell less."""
    module: Any = importlib.import_module("ray._private.worker")
    return module.global_worker


def belongs() -> bool | None:
    """Whether the cluster counts the node of this process among its own; None: it does not answer."""
    mine = ray.NodeID.from_hex(node())
    try:
        alive: bool = worker().gcs_client.check_alive([mine], timeout=ASK_SECONDS)[0]
    except RayError:
        return None
    return alive


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
            actors.recorder.Fenced: Another owner has taken over the stream.
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


class DecoderActor:
    """Owns streams, decodes each on a thread of its own, and answers how they stand. Takes calls one at a time."""

    def __init__(self, uri: str, recorder: Callable[[], Any], lease_seconds: float) -> None:
        """Wait for orders.

        Args:
            uri: The results, which are read directly; they are written through the recorder.
            recorder: Finds the recorder's actor.
            lease_seconds: How long it goes on without an answer of the cluster.
        """
        keep(belongs, lease_seconds)
        self._uri, self._commits, self._process = uri, RemoteCommits(recorder), Process()
        self._streams: dict[str, Hosted] = {}

    def begin(self, order: Order, hop: Callable[[frozenset[str]], Hop] = Direct) -> None:
        """Begin a stream at once, unless it is under way here.

        Args:
            order: What is to be done.
            hop: Makes the hop to the meters.
        """
        before = self._streams.get(order.stream)
        if before is None or before.report().outcome:
            self._streams[order.stream] = Hosted(
                order, self._uri, self._commits, hop, self._process, lambda beside: Actors(beside, order.trust)
            )
            self._count()

    def reports(self) -> list[Report]:
        """How each stream stands."""
        return [stream.report() for stream in self._streams.values()]

    def stop(self, stream: str) -> None:
        """End a stream: a live one as if it were over, any other where it is."""
        if stream in self._streams:
            self._streams[stream].stop()

    def leave(self, stream: str) -> None:
        """Forget a stream that has ended."""
        if stream in self._streams and self._streams[stream].report().outcome:
            del self._streams[stream]
            self._count()

    def _count(self) -> None:
        for stream in self._streams.values():
            stream.beside(others=len(self._streams) > 1)

"""Users' models in actors of their own, on the node of their stream's decoder: they read its batches where they lie."""

from __future__ import annotations

import os
import signal
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, RayActorError, RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from actors.hop import Hop, Traffic
from actors.media import Batch
from actors.models.guarded import Died, Runner
from actors.models.mark import Mark
from actors.models.scores import Answer, Fault, Hello
from actors.models.scoring import Scorer
from actors.models.spec import ModelSpec
from actors.trust import Trust

GPUS = 0.25
"""Share of a GPU that a model of the device ``cuda`` asks for."""

TAKE_SECONDS = 10.0
"""In which an answer that is there must have been taken."""


class ModelActor:
    """Holds one model of one stream."""

    def __init__(self, spec: ModelSpec, trust: Trust | None, mark: str) -> None:
        """Load it.

        Args:
            spec: What it is.
            trust: What may be read and loaded.
            mark: Path of the file in which it says what it is at.
        """
        os.dup2(2, 1)
        self._scorer = Scorer(spec, trust, Mark(Path(mark)))

    def hello(self) -> tuple[Hello, int]:
        """How loading went, and its process."""
        return self._scorer.hello, os.getpid()

    def score(self, batch: Batch) -> Answer:
        """Measure a batch that lies in the object store, where it lies."""
        return self._scorer.score([frame.planes for frame in batch.frames], batch.format, batch.first_row)


class Acting:
    """A model's actor, as the owner of its stream sees it."""

    def __init__(self, spec: ModelSpec, trust: Trust | None) -> None:
        """Start it; does not wait for it."""
        self.mark, self.pid = Mark.make(), 0
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        self._actor: Any = ray.remote(ModelActor).options(
            num_cpus=0, num_gpus=GPUS if spec.device == "cuda" else 0, max_restarts=0, scheduling_strategy=here,
        ).remote(spec, trust, str(self.mark.path))  # fmt: skip
        actor: Any = self._actor
        self._said: deque[ray.ObjectRef[Any]] = deque([actor.hello.remote()])

    def send(self, parcel: ray.ObjectRef[Batch]) -> None:
        """Hand over a batch that lies in the object store."""
        self._said.append(self._actor.score.remote(parcel))

    def heard(self, seconds: float) -> Hello | Answer | None:
        """What it says next; None: nothing within so many seconds.

        Raises:
            Died: It is there no more.
        """
        if not self._said or not ray.wait([self._said[0]], timeout=seconds, fetch_local=False)[0]:
            return None
        try:
            said = ray.get(self._said.popleft(), timeout=TAKE_SECONDS)
        except RayActorError:
            raise Died("ended its process") from None
        except (GetTimeoutError, RayError) as error:
            return Hello((), Fault("not_started", str(error).splitlines()[0]))
        if not isinstance(said, tuple):
            return said  # type: ignore[no-any-return]
        hello, self.pid = said
        return hello  # type: ignore[no-any-return]

    def kill(self) -> None:
        """End it, whatever it does."""
        ray.kill(self._actor)
        if self.pid:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        self.mark.unlink()


class Actors:
    """Starts models as actors. They end with the stream: its decoder's process owns them."""

    def __init__(self, hop: Hop, trust: Trust | None) -> None:
        """Ready.

        Args:
            hop: That to the meters; what it has put into the object store is not put there again.
            trust: What may be read and loaded.
        """
        self._hop, self._trust = hop, trust

    def start(self, spec: ModelSpec) -> Acting:
        """Start a model."""
        return Acting(spec, self._trust)

    def put(self, batch: Batch, moved: Traffic) -> ray.ObjectRef[Batch]:
        """Where the batch lies in the object store."""
        stored: ray.ObjectRef[Batch] | None = getattr(self._hop, "newest", None)
        if stored is None:
            stored = ray.put(batch)
            moved.copies += 1
            moved.bytes_object_store += sum(plane.nbytes for frame in batch.frames for plane in frame.planes)
        return stored

    def free(self, parcel: ray.ObjectRef[Batch]) -> None:
        """The object store lets go of what nobody refers to."""

    def keep(self, runner: Runner) -> None:
        """End it: the next stream starts its own."""
        runner.kill()

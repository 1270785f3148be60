"""What a stream's owner knows of users' models: their judges, and the hop with them beside it. Without models: nothing.

:mod:`actors.models.hop` and what is behind it is imported only where there are some.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from actors.detectors.detector_failed import DetectorFailed
from actors.detectors.model import ModelJudge
from actors.hop import Hop, Traffic
from actors.incident import Detector
from actors.judging import Judges
from actors.media import Batch
from actors.models.spec import ModelSpec
from actors.task import Task

if TYPE_CHECKING:
    from actors.models.guarded import Runner


class Host(Protocol):
    """Where models run, on this machine."""

    def start(self, spec: ModelSpec) -> Runner:
        """Start a model, or take one that is there; does not wait for it."""
        ...

    def put(self, batch: Batch, moved: Traffic) -> Any:
        """A batch, as processes of models are sent it, all of them the same; what is moved for it is counted."""
        ...

    def free(self, parcel: Any) -> None:
        """No model needs that batch any more."""
        ...

    def keep(self, runner: Runner) -> None:
        """Take back a model that nothing is wrong with."""
        ...


def judges_of(models: Sequence[ModelSpec]) -> list[Detector[Any, Any]]:
    """The detectors that models bring: a judge each, and one for models that fail."""
    return [*(ModelJudge(model) for model in models), DetectorFailed(models)] if models else []


def level(recorded: Mapping[str, int]) -> dict[str, int]:
    """Recorded windows, with those of pictures and of models on one level.

    A kill between the commits of two tables leaves one of them ahead. Its last window is measured once more, with the
    other's; the recorder passes over what it has.
    """
    found = dict(recorded)
    for name in [name for name in recorded if name.startswith(("video/", "metrics/"))]:
        track = name.partition("/")[2]
        found[name] = min(recorded.get(f"{table}/{track}", -1) for table in ("video", "metrics"))
    return found


@contextmanager
def beside(
    hop: Hop, task: Task, host: Callable[[Hop], Host] | None, judges: Judges, note: Callable[[str], None], *,
    live: bool,
) -> Iterator[Hop]:  # fmt: skip
    """The hop of a stream, with its models beside it as long as the context lasts.

    Args:
        hop: That to the meters.
        task: The stream's.
        host: Where models run beside a hop; None: in processes of their own, which end with the context.
        judges: They know which models were cut off before.
        note: Told when a model is started again.
        live: Whether the source is live: then no model is waited for.
    """
    if not task.models:
        yield hop
        return
    from actors.models.hop import WithModels
    from actors.models.process import Processes

    own = Processes(task.trust)
    where = own if host is None else host(hop)
    with_models = WithModels(hop, where, task.models, judges.failed_models(), note, live=live)
    try:
        yield with_models
    finally:
        with_models.close()
        own.close()

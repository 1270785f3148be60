"""Plan to placement group and actors: the only file that knows placement groups.

A cell is a detached placement group with detached actors in it. Their names tell a new supervisor what there is, and
nothing dies with the old one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, RayActorError
from ray.util import (
    get_placement_group,
    list_named_actors,
    placement_group,
    placement_group_table,
    remove_placement_group,
)
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from actors.hop import Direct, Hop
from actors.hosted import Order, Report
from actors.limits import Limits
from actors.remote import ASK_SECONDS, NAMESPACE, DecoderActor, DetectorActor, Named, worker
from actors.remote_again import AgainActor
from actors.trust import Trust
from cluster import recording
from cluster.ends import Again, Detector, End
from cluster.hops import ObjectStore
from cluster.places import Cell, Decoder, Seat, detector_name
from cluster.settings import Chunks
from cluster.shape import Placed, Plan

TOGETHER = 32
"""Calls that wait within a detector with a GPU, to be measured in one pass. On a CPU joining gains nothing."""


@dataclass(frozen=True)
class Clone:
    """Starts an actor in a detector's bundle that decodes a stream's source again; it dies with who starts it."""

    cell: str
    bundle: int
    cpus: float
    source: str
    limits: Limits
    trust: Trust | None

    def __call__(self, wanted: frozenset[str]) -> Any:
        """Its handle; it measures the metrics named. Does not wait until it runs."""
        made = ray.remote(AgainActor).options(
            num_cpus=self.cpus, max_restarts=0, scheduling_strategy=_bundle(self.cell, self.bundle)
        )
        return made.remote(self.source, self.limits, self.trust, wanted)


@dataclass(frozen=True)
class Meters:
    """Makes the hop of a decoder to its cell's detectors, in a shape. Travels to the decoder's process.

    ``subsets``: the metrics of each detector, where there are several. ``clones``: beside each but the first, where
    they decode the source of ``stream`` again.
    """

    detectors: tuple[Named, ...]
    shape: Placed
    subsets: tuple[frozenset[str], ...] = ()
    clones: tuple[Clone, ...] = ()
    stream: str = ""

    def __call__(self, wanted: frozenset[str]) -> ObjectStore:
        """The hop, for meters that give the metrics named."""
        if not self.subsets:
            return ObjectStore(self.detectors[0], wanted, self.shape)
        parts = [wanted & mine for mine in self.subsets]
        others = [self._end(number, mine) for number, mine in enumerate(parts) if number and mine]
        return ObjectStore(self.detectors[0], parts[0], self.shape, others=others)

    def _end(self, number: int, wanted: frozenset[str]) -> End:
        detector = Detector(self.detectors[number], wanted)
        if not self.clones:
            return detector
        return Again(self.stream, partial(self.clones[number - 1], wanted), detector)


def create(cell: str, plan: Plan) -> None:
    """Ask for a cell. It is placed once nodes have room for all of it; until then it is demand for the autoscaler."""
    placement_group(plan.bundles, strategy=plan.strategy, name=cell, lifetime="detached")
    for number in range(plan.detectors):
        begin_detector(cell, plan, number)


def begin_detector(cell: str, plan: Plan, number: int = 0) -> None:
    """Start a detector of a cell in its bundle; does not wait until it runs. Ray starts it again where it dies."""
    bundle = plan.detector_bundle(number)
    detector = ray.remote(DetectorActor).options(
        name=detector_name(cell, number), namespace=NAMESPACE, lifetime="detached", max_restarts=-1,
        num_cpus=_fitting(plan.detector(number), cell, bundle), num_gpus=plan.detector_gpus,
        max_concurrency=TOGETHER if plan.detector_gpus else 1, get_if_exists=True,
        scheduling_strategy=_bundle(cell, bundle),
    )  # fmt: skip
    detector.remote("cuda" if plan.detector_gpus else "cpu")


def begin(
    seat: Seat, plan: Plan, order: Order, uri: str, bucket: Chunks, lease_seconds: float
) -> None:  # fmt: skip
    """Start a stream in its decoder, which is started in its bundle if it is not there; does not wait until it runs.

    Raises:
        UsageError: The plan needs a bucket, and there is none.
    """
    hop = _hop(seat, plan, order, uri, bucket)
    decoder = handle(seat.decoder.name)
    if decoder is None:
        bundle = plan.decoder_bundle(seat.slot)
        made = ray.remote(DecoderActor).options(
            name=seat.decoder.name, namespace=NAMESPACE, lifetime="detached", max_restarts=0,
            num_cpus=_fitting(plan.decoder_cpus, seat.cell, bundle), scheduling_strategy=_bundle(seat.cell, bundle),
        )  # fmt: skip
        decoder = made.remote(uri, Named(recording.NAME), lease_seconds)
    decoder.begin.remote(order, hop)


def _hop(seat: Seat, plan: Plan, order: Order, uri: str, bucket: Chunks) -> Callable[[frozenset[str]], Hop]:
    if plan.shape == "staged":
        from cluster.staged import Staging

        return Staging.of(bucket, order.stream, uri)
    if not plan.detectors:
        return Direct
    detectors = tuple(Named(detector_name(seat.cell, number)) for number in range(plan.detectors))
    subsets, clones = tuple(subset.metrics for subset in plan.subsets), _clones(seat.cell, plan, order)
    return Meters(detectors, plan.shape, subsets, clones, order.stream)


def _clones(cell: str, plan: Plan, order: Order) -> tuple[Clone, ...]:
    """What decodes a stream again beside each detector but the first, within what its bundle has left for that."""
    if not plan.decodes_again:
        return ()
    bundles = {number: plan.detector_bundle(number) for number in range(1, plan.detectors)}
    return tuple(
        Clone(cell, bundle, _fitting(plan.decoder_cpus, cell, bundle, plan.detector(number), plan.decoders),
              order.source, order.limits, order.trust)
        for number, bundle in bundles.items()
    )  # fmt: skip


def decoders() -> list[Decoder]:
    """Every decoder that has a name, alive or just dying."""
    return [decoder for decoder in map(Decoder.parse, names()) if decoder]


def ask(among: Sequence[Decoder], seconds: float) -> dict[Decoder, list[Report] | RayActorError | None]:
    """Ask decoders how their streams stand, all at once: the reports, that it is dead, or None: no answer in time."""
    asked = {one: found.reports.remote() for one in among if (found := handle(one.name)) is not None}
    if not asked:
        return {}
    ready, _ = ray.wait(list(asked.values()), num_returns=len(asked), timeout=seconds)
    return {decoder: _answer(ref) if ref in set(ready) else None for decoder, ref in asked.items()}


def _answer(ref: Any) -> list[Report] | RayActorError | None:
    try:
        reports: list[Report] = ray.get(ref, timeout=1.0)
    except RayActorError as error:
        return error
    except GetTimeoutError:
        return None
    return reports


def cells(decoder_cpus: float, beside: float = 0.0) -> list[Cell]:
    """Every cell that is not removed.

    Args:
        decoder_cpus: Processors of a decoder.
        beside: Those of a detector that shares the decoders' bundle.
    """
    groups = [group for group in placement_group_table().values() if group["state"] != "REMOVED"]
    found = (
        Cell.parse(g["name"], [g["bundles"][n] for n in sorted(g["bundles"])], decoder_cpus,
                   placed=g["state"] == "CREATED", beside=beside, lost=g["state"] == "RESCHEDULING")
        for g in groups
    )  # fmt: skip
    return [cell for cell in found if cell]


def nodes() -> list[float]:
    """Processors of every node that is alive."""
    return [node["Resources"].get("CPU", 0.0) for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]


def leaving() -> list[str]:
    """Cells with a bundle on a node that is drained: nothing is placed there any more, and it may be gone soon."""
    going = worker().gcs_client.get_draining_nodes(timeout=ASK_SECONDS)
    groups = placement_group_table().values() if going else ()
    return [group["name"] for group in groups if set(group["bundles_to_node_id"].values()) & set(going)]


def handle(name: str) -> Any:
    """An actor by its name; None: there is none."""
    try:
        return ray.get_actor(name, namespace=NAMESPACE)
    except ValueError:
        return None


def end(name: str) -> None:
    """End an actor by its name, if there is one."""
    if (actor := handle(name)) is not None:
        ray.kill(actor)


def leave(seat: Seat) -> None:
    """Have a decoder forget a stream that has ended."""
    if (decoder := handle(seat.decoder.name)) is not None:
        decoder.leave.remote(seat.stream)


def remove(cell: str) -> None:
    """End the actors of a cell, then give its resources back: a group must not go from under its actors."""
    for name in names():
        if name == detector_name(cell) or name.startswith((f"detector/{cell}/", f"decoder/{cell}/")):
            end(name)
    try:
        remove_placement_group(get_placement_group(cell))
    except ValueError:
        return


def names() -> list[str]:
    """Every actor of ours that has a name, alive, about to be, or just dying."""
    return [entry["name"] for entry in list_named_actors(all_namespaces=True) if entry["namespace"] == NAMESPACE]


def _fitting(cpus: float, cell: str, index: int, beside: float = 0.0, among: int = 1) -> float:
    """So many processors, or those of the bundle if it has less: it may be of another size than a new one.

    Args:
        cpus: Processors.
        cell: The cell.
        index: Its bundle.
        beside: What else takes of it.
        among: How many share the rest.
    """
    has: float = placement_group_table(get_placement_group(cell))["bundles"][index].get("CPU", cpus)
    return min(cpus, max(0.0, round((has - beside) / among, 4)))


def _bundle(cell: str, index: int) -> PlacementGroupSchedulingStrategy:
    return PlacementGroupSchedulingStrategy(get_placement_group(cell), placement_group_bundle_index=index)

"""Plan to placement group and actors: the only file that knows placement groups.

A cell is a detached placement group with detached actors in it. Their names tell a new supervisor what there is, and
nothing dies with the old one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
from actors.remote import NAMESPACE, DecoderActor, DetectorActor, Named
from cluster import recording
from cluster.hops import ObjectStore
from cluster.places import Cell, Decoder, Seat, detector_name
from cluster.settings import Chunks
from cluster.shape import Placed, Plan
from cluster.staged import Staging


@dataclass(frozen=True)
class Meters:
    """Makes the hop of a decoder to its cell's detector, in a shape. Travels to the decoder's process."""

    detector: Named
    shape: Placed

    def __call__(self, wanted: frozenset[str]) -> ObjectStore:
        """The hop, for meters that give the metrics named."""
        return ObjectStore(self.detector, wanted, self.shape)


def create(cell: str, plan: Plan) -> None:
    """Ask for a cell. It is placed once nodes have room for all of it; until then it is demand for the autoscaler."""
    placement_group(plan.bundles, strategy=plan.strategy, name=cell, lifetime="detached")
    if plan.detectors:
        detector = ray.remote(DetectorActor).options(
            name=detector_name(cell), namespace=NAMESPACE, lifetime="detached", max_restarts=-1,
            num_cpus=plan.detector_cpus, num_gpus=plan.detector_gpus,
            scheduling_strategy=_bundle(cell, plan.detector_bundle),
        )  # fmt: skip
        detector.remote("cuda" if plan.detector_gpus else "cpu")


def begin(seat: Seat, plan: Plan, order: Order, uri: str, bucket: Chunks) -> None:
    """Start a stream in its decoder, which is started in its bundle if it is not there; does not wait until it runs.

    Raises:
        UsageError: The plan needs a bucket, and there is none.
    """
    hop = _hop(seat, plan, order, uri, bucket)
    decoder = handle(seat.decoder.name)
    if decoder is None:
        made = ray.remote(DecoderActor).options(
            name=seat.decoder.name, namespace=NAMESPACE, lifetime="detached", max_restarts=0,
            num_cpus=plan.decoder_cpus, scheduling_strategy=_bundle(seat.cell, plan.decoder_bundle(seat.slot)),
        )  # fmt: skip
        decoder = made.remote(uri, Named(recording.NAME))
    decoder.begin.remote(order, hop)


def _hop(seat: Seat, plan: Plan, order: Order, uri: str, bucket: Chunks) -> Callable[[frozenset[str]], Hop]:
    if plan.shape == "staged":
        return Staging.of(bucket, order.stream, uri)
    return Meters(Named(detector_name(seat.cell)), plan.shape) if plan.detectors else Direct


def decoders() -> list[Decoder]:
    """Every decoder that has a name, alive or just dying."""
    return [decoder for decoder in map(Decoder.parse, _names()) if decoder]


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


def cells(decoder_cpus: float) -> list[Cell]:
    """Every cell that is not removed. ``decoder_cpus``: processors of a decoder."""
    groups = [group for group in placement_group_table().values() if group["state"] != "REMOVED"]
    found = (
        Cell.parse(g["name"], [g["bundles"][n] for n in sorted(g["bundles"])], decoder_cpus,
                   placed=g["state"] == "CREATED")
        for g in groups
    )  # fmt: skip
    return [cell for cell in found if cell]


def nodes() -> int:
    """How many nodes are alive."""
    return sum(bool(node["Alive"]) for node in ray.nodes())  # type: ignore[no-untyped-call]


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
    for name in _names():
        if name == detector_name(cell) or name.startswith(f"decoder/{cell}/"):
            end(name)
    try:
        remove_placement_group(get_placement_group(cell))
    except ValueError:
        return


def _names() -> list[str]:
    return [entry["name"] for entry in list_named_actors(all_namespaces=True) if entry["namespace"] == NAMESPACE]


def _bundle(cell: str, index: int) -> PlacementGroupSchedulingStrategy:
    return PlacementGroupSchedulingStrategy(get_placement_group(cell), placement_group_bundle_index=index)

"""A job in each shape before it is run: stages, boundaries, bundles, bytes and money. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, get_args

from actors.probe import Pictures
from cluster.asking import Asked
from cluster.clones import settled, ways
from cluster.cost import HOUR_SECONDS, bill, total
from cluster.estimate import ASSUMED, CARRIES, estimate
from cluster.prices import Sheet
from cluster.settings import Placement
from cluster.shape import Placed, Plan, Shape, plan
from cluster.sources import is_live

_SCOPES: dict[Placed, str] = {
    "fused": "one process for each stream, which does all",
    "colocated": "a process for each stream, and one for meters that a cell shares, all on one node",
    "spread": "as colocated, but meters and decoders on different nodes",
    "staged": "tasks of a state machine, with a bucket between them",
}
_BOUNDARIES: dict[tuple[str, ...], str] = {
    (): "a reference: no byte moves",
    ("bytes_object_store",): "shared memory: one copy in, read in place",
    ("bytes_object_store", "bytes_network"): "shared memory, then the network to the store of the meters' node",
    ("bytes_bucket",): "a bucket: put once, compressed, and got by each of the meters",
}
_MEGA = 10**6


@dataclass(frozen=True, slots=True)
class Explained:
    """A job in one shape. ``lines`` of the bill: kind, what, money per stream-hour. ``chosen``: the job asks for it."""

    plan: Plan
    chosen: bool
    bytes_per_second: dict[str, int]
    cpu: Decimal
    memory_bytes: int
    money: Decimal
    lines: tuple[tuple[str, str, Decimal], ...]


def explain(asked: Sequence[Asked], shape: Shape, placement: Placement, gpus: float, sheet: Sheet) -> list[Explained]:
    """A job in each shape.

    Args:
        asked: Its sources.
        shape: What it asks for.
        placement: Sizes of cells.
        gpus: What the cluster has.
        sheet: Prices.
    """
    placement = settled(placement, sheet)
    chosen = plan(shape, placement, gpus).shape
    return [_one(plan(one, placement, gpus), asked, chosen, sheet) for one in get_args(Placed)]


def _one(made: Plan, asked: Sequence[Asked], chosen: Placed, sheet: Sheet) -> Explained:
    streams = [_together(one.pictures) for one in asked]
    moved = round(sum(one.bytes_per_second for one in streams))
    files = sum(own.bytes_per_second for own, one in zip(streams, asked, strict=True) if not is_live(one.source))
    again = made.clones * round(files) if made.decodes_again else 0
    ways = _ways(made, moved, again)
    usage = estimate(made.shape, streams)
    if made.subsets:
        burnt = usage.cpu_seconds["pictures"] + usage.cpu_seconds["decode"] * again / max(moved, 1)
        usage = replace(
            usage, cpu_seconds={**usage.cpu_seconds, "pictures": round(burnt, 6)},
            bytes_network=ways.get("bytes_network", 0) * HOUR_SECONDS,
        )  # fmt: skip
    lines = bill(usage, sheet)
    cpu = sum((Decimal(str(burnt)) for burnt in usage.cpu_seconds.values()), Decimal(0)) / HOUR_SECONDS / len(streams)
    return Explained(
        made, made.shape == chosen, ways, cpu, usage.peak_memory_bytes,
        total(lines), tuple((line.kind, line.what, line.money) for line in lines),
    )  # fmt: skip


def _ways(made: Plan, moved: int, again: int) -> dict[str, int]:
    """Bytes a second on each way: detectors on other nodes than the decoders are sent all that they do not decode."""
    found = dict.fromkeys(CARRIES[made.shape], moved)
    pulled = moved * (made.nodes - 1) - again
    return found | {"bytes_network": pulled} if pulled > 0 else found


def _together(tracks: Sequence[Pictures]) -> Pictures:
    """All tracks of a source as one, of as many bytes a second."""
    return Pictures(0, 0, "", 1, sum(track.bytes_per_second for track in tracks))


def text(asked: Sequence[Asked], explained: Sequence[Explained], shape: Shape, sheet: Sheet) -> str:
    """All of it for people."""
    lines = [_sources(asked)]
    lines += [f"  assumed for {one.source}: {one.assumed}" for one in asked if one.assumed]
    mine = " (this job's, where there is no GPU)" if shape == "auto" else " (this job's)"
    for one in explained:
        mark = mine if one.chosen else ""
        parted = f"; parted, on {one.plan.nodes} nodes" if one.plan.subsets else ""
        lines += ["", f"{one.plan.shape}{mark}: {_SCOPES[one.plan.shape]}{parted}", *_stages(one.plan)]
        ways = tuple(one.bytes_per_second)
        rate = max(one.bytes_per_second.values(), default=0)
        lines.append(f"  boundary   decoder > meters: {_BOUNDARIES[ways]}{f', {_rate(rate)} in all' if rate else ''}")
        lines.append(f"  bundles    {_bundles(one.plan)}")
        if one.plan.subsets:
            lines.append(_beside(one.plan, sheet))
        parts = ", ".join(f"{what} {money:.4f}" for _, what, money in one.lines)
        lines.append(f"  estimate   {one.cpu:.3f} processors and {one.memory_bytes >> 20} MiB for each stream")
        lines.append(f"  estimate   {one.money:.4f} {sheet.currency} per stream-hour: {parts}")
    lines += ["", "Bundles are as set; a cluster that has measured streams of a shape sizes its new cells by that."]
    lines += [f"Estimates: of costs measured elsewhere, at list prices of {sheet.region}. Nothing was submitted."]
    return "\n".join(lines)


def _beside(made: Plan, sheet: Sheet) -> str:
    """How the clones (the detectors but the first) come by pictures, what that costs, and what the other way would."""
    cost = ways(made.clones, sheet)
    frames, decode = f"{cost.frames:.4f} {sheet.currency} an hour", f"{cost.decode:.4f} {sheet.currency} an hour"
    one = f"a stream of {ASSUMED.width}x{ASSUMED.height} {ASSUMED.per_second:g}/s"
    if made.decodes_again:
        return f"  clones     decode files again, {decode} for {one}; sending them frames would cost {frames}"
    return f"  clones     are sent frames, {frames} for {one}; decoding files again would cost {decode}"


def _sources(asked: Sequence[Asked]) -> str:
    kinds: dict[str, int] = {}
    for one in asked:
        for track in one.pictures:
            kind = f"{track.width}x{track.height} {track.pixel_format} {track.per_second:g}/s"
            kinds[kind] = kinds.get(kind, 0) + 1
    counted = ", ".join(f"{count} x {kind}" for kind, count in kinds.items()) or "no pictures"
    return f"{len(asked)} {'stream' if len(asked) == 1 else 'streams'}: {counted}"


def _stages(made: Plan) -> list[str]:
    after = "judges > explain > journal"
    if made.shape == "staged":
        return [
            f"  stages     source > converter; aggregator > {after}: one process for both, {made.decoder_cpus:g} CPU",
            "             meters of pictures: a task for each chunk and meter, at most 8 at once",
        ]
    if not made.detectors:
        return [f"  stages     source > decoder > meters > {after}: one process, {made.decoder_cpus:g} CPU"]
    gpu = f", {made.detector_gpus:g} GPU" if made.detector_gpus else ""
    if made.subsets:
        return [
            f"  stages     source > decoder, sound, {after}: one process each, {made.decoder_cpus:g} CPU",
            f"             meters of pictures: too much for one node, {made.detectors} for {made.decoders} streams",
            *_clones(made, gpu),
        ]
    shared = f"{made.detectors} for {made.decoders} streams, {made.detector_cpus:g} CPU{gpu}"
    return [
        f"  stages     source > decoder, sound, {after}: one process each, {made.decoder_cpus:g} CPU",
        f"             meters of pictures: {shared}",
    ]


def _clones(made: Plan, gpu: str) -> list[str]:
    again = "decodes again; sent frames of live sources"
    return [
        f"             {number}. {', '.join(subset.groups)}: {subset.cpus:g} CPU{gpu}; "
        f"{again if made.decodes_again and number > 1 else 'sent every frame'}"
        for number, subset in enumerate(made.subsets, 1)
    ]


def _bundles(made: Plan) -> str:
    kinds: dict[str, int] = {}
    for bundle in made.bundles:
        kind = " ".join(f"{amount:g} {name}" for name, amount in bundle.items())
        kinds[kind] = kinds.get(kind, 0) + 1
    listed = " + ".join(f"{count} x ({kind})" for kind, count in kinds.items())
    where = f"on {made.nodes} nodes" if made.nodes > 1 else "on one node"
    return f"{listed} {where} ({made.strategy}), for {made.decoders} streams"


def _rate(count: int) -> str:
    return f"{count / _MEGA:.1f} MB/s"


def document(asked: Sequence[Asked], explained: Sequence[Explained], sheet: Sheet) -> dict[str, Any]:
    """All of it for programs."""
    return {
        "estimate": True, "currency": sheet.currency,
        "sources": [
            {"source": one.source, "assumed": one.assumed or None, "pictures": [
                {"width": p.width, "height": p.height, "pixel_format": p.pixel_format,
                 "frames_per_second": p.per_second, "bytes_per_frame": p.bytes_each} for p in one.pictures
            ]} for one in asked
        ],
        "shapes": [
            {"shape": one.plan.shape, "chosen": one.chosen, "strategy": one.plan.strategy, "bundles": one.plan.bundles,
             "sizes": "settings",
             "streams_per_cell": one.plan.decoders,
             "subsets": [{"groups": subset.groups, "cpu": subset.cpus} for subset in one.plan.subsets],
             "clones": ("decode" if one.plan.decodes_again else "frames") if one.plan.subsets else None,
             "bytes_per_second": one.bytes_per_second,
             "cpu": float(one.cpu), "memory_bytes": one.memory_bytes, "money_per_stream_hour": float(one.money),
             "money": [{"kind": kind, "what": what, "money": float(money)} for kind, what, money in one.lines]}
            for one in explained
        ],
    }  # fmt: skip

"""A comparison as plain values: what ``--json`` prints, and what the table and the page are made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from actors.url import shown
from cluster import comparison, spent
from cluster.breakeven import BreakEven
from cluster.comparison import Jpeg, Meeting, Priced
from cluster.cost import Line, Usage
from cluster.prices import Price, Sheet
from serve.comparing.machine import Facts

if TYPE_CHECKING:
    from pydantic import BaseModel

    from actors.document import Document
    from actors.equality import Compared

SCHEMA = 1
LONG_SECONDS = 60
CHANNELS = ("bytes_direct", "bytes_object_store", "bytes_network", "bytes_bucket")
_COUNTED = ("cpu_seconds", "wall_seconds", *CHANNELS, "requests_bucket", "transitions", "functions")
_ALSO = ("media_seconds", "peak_memory_bytes", "batches", "copies", "function_gb_seconds")
_BILLED = ("money_per_stream_hour", "ratio_to_fused", "money_by_line", "bill")
_NO_FRAMES = "it takes one run in fused and one in colocated that has burnt more CPU, of a source with pictures"


@dataclass(frozen=True, slots=True)
class Shown:
    """A shape that was run: its stream's document and how its tables compare, or else why it has none.

    ``jpeg_bytes``: of one picture of the source as JPEG, on average.
    """

    shape: str
    error: str | None = None
    document: Document | None = None
    compared: Compared | None = None
    jpeg_bytes: float | None = None


def as_document(
    source: str, runs: Sequence[Shown], skipped: Mapping[str, str], sheet: Sheet, machine: Facts
) -> Document:
    """The document of a comparison.

    Args:
        source: What was analysed.
        runs: The shapes in the order in which they ran; the first that has a document is what others are compared to.
        skipped: Shapes that were not run, and why not.
        sheet: Prices.
        machine: See :func:`serve.comparing.machine.machine`.
    """
    usages = {run.shape: _usage(run.document) for run in runs if run.document is not None}
    shape, first = next(((run.shape, run.document) for run in runs if run.document is not None), (None, None))
    tracks = first["tracks"] if first else []
    frames = sum(track.get("frames", 0) for track in tracks)
    bills = comparison.priced(list(usages.values()), sheet, _as_jpeg(runs, frames))
    return {
        "schema": SCHEMA, "source": shown(source), "machine": dict(machine), "tracks": tracks,
        "baseline": shape, "media_seconds": first["usage"]["media_seconds"] if first else None,
        "currency": sheet.currency, "region": sheet.region,
        "packing": {"host": sheet.packing.host, "utilisation": float(sheet.packing.utilisation)},
        "shapes": [_shape(run, usages.get(run.shape), bills) for run in runs],
        "skipped": [{"shape": shape, "reason": reason} for shape, reason in skipped.items()],
        "break_even": _break_even(usages, frames, sheet),
        "prices": [_price(name, price) for name, price in _prices(sheet, ())],
    }  # fmt: skip


def caution(document: Document) -> str | None:
    """What is to be said of a source that is too short to tell of an hour; None: it is not."""
    seconds = document["media_seconds"]
    if seconds is None or seconds >= LONG_SECONDS:
        return None
    return f"what it takes to start counts in these figures: the source has {seconds:.1f} s; a minute or more says more"


def columns(document: Document) -> list[tuple[str, Document]]:
    """What a comparison shows side by side: each shape that has run, and ``staged`` once more as it is with JPEG."""
    found = []
    for entry in document["shapes"]:
        if entry["money_per_stream_hour"] is None:
            continue
        jpeg = entry["as_jpeg"]
        found.append((f"{entry['shape']}, lossless" if jpeg else entry["shape"], entry))
        if jpeg:
            found.append((f"{entry['shape']}, JPEG", {**entry, **jpeg}))
    return found


def _shape(run: Shown, usage: Usage | None, bills: Sequence[Priced]) -> Document:
    """The entry of one shape; of one that failed, without figures."""
    entry: Document = {"shape": run.shape, "status": "failed", "error": run.error, "events": 0, "equal": False}
    if run.document is None or usage is None:
        return entry | dict.fromkeys((*_COUNTED, *_ALSO, *_BILLED, "per_stream_hour", "as_jpeg"))
    measured = run.document["usage"]
    own, hourly = [one for one in bills if one.usage.shape == run.shape], _hourly(measured, usage)
    return entry | {
        "status": run.document["status"], "error": run.error and shown(run.error),
        **{name: measured[name] for name in (*_COUNTED, *_ALSO)}, "cpu_by_stage": dict(usage.cpu_seconds),
        "requests": asdict(usage.requests_bucket), "per_stream_hour": hourly, **_bill(own[0]),
        "as_jpeg": _with_jpeg(own[1], hourly, run.jpeg_bytes) if len(own) > 1 else None, **_equality(run.compared),
    }  # fmt: skip


def _usage(document: Document) -> Usage:
    return Usage.of(spent.Usage.model_validate(document["usage"]))


def _hourly(measured: Mapping[str, float], usage: Usage) -> Document:
    return {
        **{name: comparison.hourly(measured[name], usage) for name in _COUNTED},
        "cpu_by_stage": {stage: comparison.hourly(burnt, usage) for stage, burnt in usage.cpu_seconds.items()},
    }


def _as_jpeg(runs: Sequence[Shown], frames: int) -> Jpeg | None:
    """What the pictures of ``staged`` would be as JPEG, if that was measured."""
    for run in runs:
        if run.shape == "staged" and run.document is not None and run.jpeg_bytes is not None:
            return Jpeg(round(run.jpeg_bytes * frames), run.document["usage"]["batches"])
    return None


def _with_jpeg(priced: Priced, hourly: Document, picture: float | None) -> Document:
    """What differs for ``staged`` with pictures as JPEG; ``bytes_per_picture`` is their mean."""
    usage = priced.usage
    counts = {"bytes_bucket": usage.bytes_bucket, "requests_bucket": sum(asdict(usage.requests_bucket).values())}
    per_hour = {name: comparison.hourly(count, usage) for name, count in counts.items()}
    return {**counts, "bytes_per_picture": picture, "per_stream_hour": {**hourly, **per_hour}, **_bill(priced)}


def _bill(priced: Priced) -> Document:
    return {
        "money_per_stream_hour": float(priced.money), "ratio_to_fused": _plain(priced.ratio),
        "money_by_line": {kind: float(money) for kind, money in priced.by_kind.items()},
        "bill": [_line(line) for line in priced.lines],
    }  # fmt: skip


def _line(line: Line) -> Document:
    return {
        "line": line.kind, "of": line.what, "amount": float(line.amount), "unit": line.unit,
        "price": float(line.price), "money": float(line.money),
    }  # fmt: skip


def _equality(compared: Compared | None) -> Document:
    """Whether its tables are equal, and what was compared."""
    if compared is None:
        return {"equal": False, "events": 0, "compared": None, "mismatches": ["nothing was compared"]}
    counted = sorted(compared.events.items())
    return {
        "equal": compared.equal, "events": compared.others, "mismatches": list(compared.mismatches),
        "compared": {
            "streams": compared.streams, "rows": dict(compared.rows), "incidents": compared.incidents,
            "stretches": compared.stretches, "text": compared.text(),
            "events": [{"detector": detector, "kind": kind, "count": n} for (detector, kind), n in counted],
        },
    }  # fmt: skip


def _break_even(usages: Mapping[str, Usage], frames: int, sheet: Sheet) -> Document:
    """When decoding again is cheaper than sending frames; without figures where they were not measured."""
    fused, colocated = usages.get("fused"), usages.get("colocated")
    found = comparison.frames(fused, colocated, frames) if fused and colocated else None
    if found is None:
        return {"unknown": _NO_FRAMES, "measured": None, "by_detectors": []}
    met = comparison.meetings(found, sheet)
    return {"unknown": None, "measured": asdict(found), "by_detectors": [_meeting(one) for one in met]}


def _meeting(one: Meeting) -> Document:
    return {
        "detectors": one.detectors, "decode_again": float(one.object_store.decode_again),
        "object_store": _carried(one.object_store), "network": _carried(one.network),
    }  # fmt: skip


def _carried(found: BreakEven) -> Document:
    return {
        "send": float(found.send), "from_detectors": found.detectors,
        "bytes_per_frame": _plain(found.bytes_per_frame), "sent_per_second": _plain(found.sent_per_second),
    }  # fmt: skip


def _prices(part: BaseModel, steps: tuple[str, ...]) -> list[tuple[str, Price[Any]]]:
    """Every price of a sheet, by where it stands in it."""
    found = []
    for name in type(part).model_fields:
        value = getattr(part, name)
        if isinstance(value, Price):
            found.append((".".join((*steps, name)), value))
        elif hasattr(value, "model_fields_set"):
            found += _prices(value, (*steps, name))
    return found


def _price(name: str, price: Price[Any]) -> Document:
    return {
        "name": name, "price": float(price.price), "per": float(price.per), "unit": price.unit,
        "source": shown(price.source), "date": price.date.isoformat(), "confirmed": price.confirmed,
    }  # fmt: skip


def _plain(value: Decimal | None) -> float | None:
    return None if value is None else float(value)

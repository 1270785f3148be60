"""Which drawings a comparison has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from serve.comparing.charts import Bar, Part, curves, logarithmic, stacked
from serve.comparing.document import CHANNELS
from serve.comparing.words import channel, money, number, size, times

if TYPE_CHECKING:
    from actors.document import Document

Drawing = tuple[str, str, Sequence[str], str]
"""Heading, note, names of the colours in their order, and the drawing."""
Columns = Sequence[tuple[str, "Document"]]


def all_of(document: Document, found: Columns) -> Iterator[Drawing]:
    """Money as a whole and by line, bytes by channel, CPU by stage; all per stream-hour."""
    currency = document["currency"]
    whole = [
        Bar(name, [Part("money", entry["money_per_stream_hour"], "")], _total(entry, currency))
        for name, entry in found
    ]  # fmt: skip
    title = f"Money per stream-hour, {currency}"
    yield title, "Every step to the right is ten times as much.", (), logarithmic(title, whole)
    yield _money(found, currency)
    yield _bytes(found)
    yield _cpu(found)


def break_even(document: Document) -> str:
    """Money per stream-hour over the number of detectors, for each way."""
    met = document["break_even"]["by_detectors"]
    lines = {
        "decode again": [(one["detectors"], one["decode_again"]) for one in met],
        "shared memory": [(one["detectors"], one["object_store"]["send"]) for one in met],
        "between zones": [(one["detectors"], one["network"]["send"]) for one in met],
    }
    across = f"detectors, and {document['currency']} per stream-hour for having frames at them"
    return curves("Decoding again, or sending frames", lines, across)


def _total(entry: Document, currency: str) -> str:
    ratio = entry["ratio_to_fused"]
    cost = money(entry["money_per_stream_hour"], currency)
    return cost if ratio is None else f"{cost}, {times(ratio)} fused"


def _money(found: Columns, currency: str) -> Drawing:
    kinds = [kind for kind in found[0][1]["money_by_line"] if any(e["money_by_line"][kind] for _, e in found)]
    bars = [
        Bar(
            name, [Part(kind, spent[kind], f"{kind} {money(spent[kind], currency)}") for kind in kinds],
            _total(entry, currency),
        )
        for name, entry in found for spent in [entry["money_by_line"]]
    ]  # fmt: skip
    drawing = stacked("What the money is for", bars, _numbered(kinds), shares=True)
    return "What the money is for", "Each bar is the whole bill of its shape.", kinds, drawing


def _bytes(found: Columns) -> Drawing:
    names = [channel(name) for name in CHANNELS]
    bars = []
    for name, entry in found:
        sent = {channel(one): entry["per_stream_hour"][one] for one in CHANNELS}
        parts = [Part(one, sent[one], f"{one} {size(sent[one])}") for one in names]
        bars.append(Bar(name, parts, size(sum(sent.values()))))
    drawing = stacked("Bytes of frames by channel", bars, _numbered(names))
    return "Bytes of frames by channel, per stream-hour", "By reference in one process no byte moves.", names, drawing


def _cpu(found: Columns) -> Drawing:
    stages = list(found[0][1]["per_stream_hour"]["cpu_by_stage"])
    bars = []
    for name, entry in found:
        burnt = entry["per_stream_hour"]["cpu_by_stage"]
        parts = [Part(stage, burnt[stage], f"{stage} {number(burnt[stage])} s") for stage in stages]
        bars.append(Bar(name, parts, f"{number(sum(burnt.values()))} s"))
    drawing = stacked("CPU seconds by stage", bars, _numbered(stages))
    return "CPU seconds by stage, per stream-hour", "By the operating system's count.", stages, drawing


def _numbered(names: Sequence[str]) -> dict[str, int]:
    return {name: number for number, name in enumerate(names)}

"""A comparison as a table: a column for each shape, a row for each figure per stream-hour."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from serve.comparing.document import CHANNELS, caution, columns
from serve.comparing.words import channel, money, number, size, times
from serve.terminal.exits import plain

if TYPE_CHECKING:
    from rich.console import Console

    from actors.document import Document

MISMATCHES_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Cell:
    """What a cell says, and the number that it is made from; None where there is none."""

    text: str
    value: float | None


Row = tuple[str, list[Cell]]


def groups(document: Document, found: Sequence[tuple[str, Document]]) -> Iterator[tuple[str, list[Row]]]:
    """Rows under headings; the first ones have none.

    Args:
        document: The comparison.
        found: Its columns (see :func:`serve.comparing.document.columns`).
    """
    entries = [entry for _, entry in found]
    hours = [entry["per_stream_hour"] for entry in entries]

    def row(name: str, values: Sequence[float | None], say: Callable[[Any], str]) -> Row:
        return name, [Cell("-" if value is None else say(value), value) for value in values]

    def cost(value: float) -> str:
        return money(value, document["currency"])

    yield "", [
        ("tables equal", [Cell("yes" if entry["equal"] else "NO", None) for entry in entries]),
        row("events, in this run", [entry["events"] for entry in entries], str),
        row("wall time, s", [hour["wall_seconds"] for hour in hours], number),
        row("memory at most", [entry["peak_memory_bytes"] for entry in entries], size),
    ]
    stages = list(hours[0]["cpu_by_stage"])
    yield "CPU seconds", [
        *(row(stage, [hour["cpu_by_stage"][stage] for hour in hours], number) for stage in stages),
        row("all", [hour["cpu_seconds"] for hour in hours], number),
    ]
    yield "bytes of frames", [row(channel(name), [hour[name] for hour in hours], size) for name in CHANNELS]
    yield "counts", [
        row("bucket requests", [hour["requests_bucket"] for hour in hours], number),
        row("transitions", [hour["transitions"] for hour in hours], number),
        row("functions", [hour["functions"] for hour in hours], number),
    ]
    kinds = list(entries[0]["money_by_line"])
    yield "money", [
        *(row(kind, [entry["money_by_line"][kind] for entry in entries], cost) for kind in kinds),
        row("all", [entry["money_per_stream_hour"] for entry in entries], cost),
        row("to fused", [entry["ratio_to_fused"] for entry in entries], times),
    ]


def print_table(console: Console, document: Document) -> None:
    """The table, what was compared, and what was not equal."""
    if found := columns(document):
        table = Table(box=None, padding=(0, 2, 0, 0))
        table.add_column("per stream-hour", no_wrap=True)
        for name, _ in found:
            table.add_column(plain(name), justify="right")
        for group, rows in groups(document, found):
            if group:
                table.add_row(Text(group, style="bold"))
            for name, cells in rows:
                table.add_row(f"  {name}" if group else name, *(cell.text for cell in cells))
        console.print(table)
    if short := caution(document):
        console.print(Text(short, style="dim"))
    for line in ways(document):
        console.print(Text(line))
    for entry in document["shapes"]:
        if entry.get("compared"):
            _print_equality(console, entry, document["baseline"])


def ways(document: Document) -> list[str]:
    """When decoding again is cheaper than sending frames, a line for each carrier."""
    met = document["break_even"]["by_detectors"]
    return [
        f"frames through {where}, or decoded again: {_cheaper(met[0][carrier]['from_detectors'])}"
        for carrier, where in (("object_store", "shared memory"), ("network", "the network between zones")) if met
    ]  # fmt: skip


def _cheaper(least: int | None) -> str:
    """From how many detectors on sending is worth it."""
    if least is None:
        return "decoding again is cheaper, however many detectors there are"
    if least == 1:
        return "sending is cheaper, from the first detector on"
    return f"decoding again is cheaper up to {least - 1} detectors, sending from {least} on"


def _print_equality(console: Console, entry: Document, baseline: str) -> None:
    """What was compared of one shape, and where it is not equal."""
    if entry["equal"]:
        if entry["shape"] != baseline:
            console.print(Text(f"{entry['shape']} is equal to {baseline}: {entry['compared']['text']}"))
        return
    for line in entry["mismatches"][:MISMATCHES_SHOWN]:
        console.print(Text(f"{entry['shape']} is not equal: {plain(line)}", style="red"))
    if (more := len(entry["mismatches"]) - MISMATCHES_SHOWN) > 0:
        console.print(Text(f"{entry['shape']} is not equal: {more} more; --json has all", style="red"))

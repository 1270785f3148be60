"""How jobs, streams and events look on a terminal, and as JSON. Every text of the server's is made plain here."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping

from rich.table import Table
from rich.text import Text

from actors.document import Document
from serve.client.answers import ENDED, Coverage, Event, Incident, Job, StreamState
from serve.terminal.exits import plain
from serve.terminal.output import clock

STYLES = {
    "running": "green", "starting": "cyan", "pending": "cyan", "stalled": "yellow", "partial": "yellow",
    "failed": "bold red", "quarantined": "bold red", "completed": "dim", "stopped": "dim",
    "critical": "bold red", "warning": "yellow", "info": "dim",
}  # fmt: skip
"""Of statuses and severities."""


def write_document(document: Document) -> None:
    """One JSON document on standard output."""
    print(json.dumps(document, indent=1, allow_nan=False))


def write_list(items: Iterable[Document]) -> None:
    """A list as the API gives it, whole, item by item."""
    sys.stdout.write('{"items": [')
    comma = "\n"
    for item in items:
        sys.stdout.write(comma + json.dumps(item, allow_nan=False))
        comma = ",\n"
    sys.stdout.write('], "next": null}\n')


def write_line(document: Mapping[str, object]) -> None:
    """One JSON document in one line, at once."""
    print(json.dumps(document, allow_nan=False), flush=True)


def cell(value: object, style: str = "") -> Text:
    """A text of one line, without markup."""
    return Text("-" if value is None or value == "" else plain(str(value)), style=style)


def status(name: str) -> Text:
    """A status or severity in its colour."""
    return cell(name, STYLES.get(name, ""))


def grid(*columns: str) -> Table:
    """An empty table; names of columns that begin with ``>`` are those of numbers."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in columns:
        right = name.startswith(">")
        table.add_column(name.removeprefix(">"), justify="right" if right else "left", no_wrap=name != "why")
    return table


def jobs_table(jobs: Iterable[Job]) -> Table:
    """A row for each job."""
    table = grid("job", "status", "submitted", ">streams", ">ended", "shape", "tags")
    for job in jobs:
        ended = sum(stream.status in ENDED for stream in job.streams)
        table.add_row(
            cell(job.id), status(job.status), cell(job.created_at[:19] + "Z"), cell(len(job.streams)), cell(ended),
            cell(job.shape), cell(labels(job.tags)),
        )  # fmt: skip
    return table


def streams_table(streams: Iterable[StreamState], later_seconds: float = 0.0, one_line: bool = False) -> Table:
    """A row for each stream. ``later_seconds``: how long ago that was so. ``one_line``: of each, whatever it costs."""
    table = grid("stream", "status", ">newest frame", ">analysed to", ">open", ">dropped", ">restarts", "job", "why")
    for one in streams:
        aged = one.newest_frame_age_seconds
        table.add_row(
            cell(one.stream), status(one.status), cell(age(None if aged is None else aged + later_seconds)),
            cell(None if one.position_seconds is None else clock(one.position_seconds)),
            cell(one.open_incidents, "bold red" if one.open_incidents else ""), cell(one.dropped), cell(one.restarts),
            cell(one.job), cropped(cell(one.error)) if one_line else cell(one.error),
        )  # fmt: skip
    return table


def cropped(line: Text) -> Text:
    """A line that ends in dots where there is no room for it."""
    line.no_wrap, line.overflow = True, "ellipsis"
    return line


def coverage_table(covered: Iterable[Coverage]) -> Table:
    """A row for each stretch."""
    table = grid("track", ">from", ">to", "state", "why")
    for one in covered:
        style = "dim" if one.state == "analysed" else "yellow"
        cells = (one.track, clock(one.start_seconds), clock(one.end_seconds), one.state, one.reason)
        table.add_row(*(cell(text, style) for text in cells))
    return table


def incident_line(one: Incident) -> Text:
    """An incident in one line."""
    marker = one.severity == "info" and one.start_seconds == one.end_seconds
    until = "" if marker else f" - {clock(one.end_seconds)}"
    why = " (explained by another incident)" if one.explained_by else ""
    what = f"{one.detector} {one.track}  {clock(one.start_seconds)}{until}  {one.message}{why}"
    return Text.assemble(status(one.severity), "  ", cell(one.stream), "  ", cell(what))


def event_line(event: Event) -> Text:
    """An event in one line."""
    return Text.assemble(cell(event.id, "dim"), "  ", cell(f"{event.kind:7}"), " ", incident_line(event.incident))


def stream_line(one: StreamState) -> Text:
    """A stream in one line."""
    aged = age(one.newest_frame_age_seconds)
    facts = [f"newest frame {aged} ago"] if aged else []
    facts += [f"{one.open_incidents} open"] if one.open_incidents else []
    facts += [one.error] if one.error else []
    return Text.assemble(cell(one.stream), "  ", status(one.status), *(Text("  ") + cell(fact) for fact in facts))


def age(seconds: float | None) -> str | None:
    """How long ago, for people."""
    if seconds is None:
        return None
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


def labels(tags: Mapping[str, str]) -> str:
    """Tags in one line."""
    return " ".join(f"{name}={value}" for name, value in tags.items())

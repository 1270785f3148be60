"""What is left to say of a stream once its work has ended: its document, and what it has burnt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from actors import document
from actors.clock import TimeBase
from actors.coverage import Stretch
from actors.document import Document
from actors.incident import Event
from actors.recorder import Unit, application
from actors.schema import USAGE
from actors.source import Source
from actors.task import Task
from actors.url import shown

Covered = Mapping[str, tuple[TimeBase, Sequence[Stretch]]]


def whole(task: Task, summary: Mapping[str, Any], covered: Covered, events: Iterable[Event]) -> Document:
    """A stream's document.

    Args:
        task: Names stream and source.
        summary: What the last checkpoint says.
        covered: Coverage by track.
        events: All there were, in their order.
    """
    spans = [entry for track, (base, of) in sorted(covered.items()) for entry in document.coverage(track, base, of)]
    return {
        "stream": task.stream, "source": shown(task.source), "status": summary["status"],
        "error": summary["error"], "epochs": summary["epochs"], "tracks": summary["entries"], "coverage": spans,
        "verdicts": summary["verdicts"], "incidents": document.incidents(events, task.stream),
        "usage": {**document.NO_USAGE, **summary["usage"]},
    }  # fmt: skip


def outcome(source: Source, frames: int, *, resumed: bool) -> tuple[str, str | None]:
    """Status and error of a stream whose source has ended.

    A source that led to what may not be read has failed. So has a live source of which nothing could be decoded,
    however quietly: one that is off must not look healthy.

    Args:
        source: It, read to its end.
        frames: Pictures and samples that it gave.
        resumed: It was watched before, and gave some then.
    """
    if source.status == "denied":
        return "failed", source.reason
    if source.live and not frames:
        what = "nothing of what arrived could be decoded" if source.tracks else "nothing arrived; is it being sent?"
        return ("partial" if resumed else "failed"), f"{shown(source.url)}: {what}"
    return ("partial" if source.status == "partial" else "completed"), source.reason


def usage_unit(task: Task, run: int, sequence: int, usage: Mapping[str, Any]) -> Unit:
    """The row of usage, committed with the event of that sequence number."""
    row = {"stream": task.stream, "run": run, **usage}
    table = pa.table({name: [row[name]] for name, _ in USAGE}, schema=pa.schema(list(USAGE)))
    return Unit("usage", application(task.stream, run), sequence, task.stream, task.fence, table)

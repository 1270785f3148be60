"""Documents for people and for programs: a table, JSON, lines, CSV."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text
from typing_extensions import override

from actors.url import shown
from serve.terminal.exits import FAILED, INCIDENT, SEVERITIES, plain

if TYPE_CHECKING:
    from actors.document import Document

SCHEMA = 1
_WIDE = 200
_SELDOM_KNOWN = ("av_sync",)
"""Detectors that need what few sources have (markers), so that not to know is no news; documents say it."""
_STYLES = {"critical": "bold red", "warning": "yellow", "info": "dim"}
CSV_COLUMNS = (
    "stream", "source", "id", "detector", "track", "start_seconds", "end_seconds", "severity", "peak", "unit", "cause",
    "explained_by", "message",
)  # fmt: skip


class _Console(Console):
    """A console that leaves a closed pipe to the command."""

    @override
    def on_broken_pipe(self) -> None:
        raise  # noqa: PLE0704 - rich calls this from its except clause


def console() -> Console:
    """Standard output; as wide as lines get where it is no terminal. File names are text, never markup."""
    settings = {"markup": False, "emoji": False, "highlight": False}
    known = _Console(**settings)  # type: ignore[arg-type]
    return known if known.is_terminal else _Console(width=_WIDE, **settings)  # type: ignore[arg-type]


def as_document(results: str, streams: Sequence[Document]) -> Document:
    """The document of all streams, as the contract has it."""
    return {"schema": SCHEMA, "results": shown(results), "streams": list(streams)}


def write_json(target: TextIO, results: str, streams: Sequence[Document]) -> None:
    """Write that document, and nothing else."""
    target.write(json.dumps(as_document(results, streams), indent=1, allow_nan=False))
    target.write("\n")


def as_line(stream: Document) -> str:
    """One stream in one line."""
    return json.dumps(stream, allow_nan=False)


def write_csv(target: TextIO, streams: Iterable[Document]) -> None:
    """A row for each incident and marker. What a spreadsheet would take for a formula is quoted with an apostrophe."""
    writer = csv.DictWriter(target, CSV_COLUMNS, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writeheader()
    for stream in streams:
        for incident in stream["incidents"]:
            row = {**incident, "stream": stream["stream"], "source": stream["source"]}
            writer.writerow({name: _inert(row[name]) for name in CSV_COLUMNS})


def _inert(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def is_marker(incident: Mapping[str, object]) -> bool:
    """Whether it is an event that is no defect: a cut, a change of format."""
    return incident["severity"] == "info" and incident["start_seconds"] == incident["end_seconds"]


def counted(stream: Document) -> list[Document]:
    """The incidents that count: not markers, and not those that another one explains which is as severe or worse.

    One fault counts once, as what it comes from. A mild cause does not make little of what follows from it: a critical
    freeze counts beside the warning that explains it.
    """
    ranks = {incident["id"]: SEVERITIES.index(incident["severity"]) for incident in stream["incidents"]}
    return [
        incident for incident in stream["incidents"]
        if not is_marker(incident) and ranks.get(incident["explained_by"], -1) < ranks[incident["id"]]
    ]  # fmt: skip


def print_stream(console: Console, stream: Document) -> None:
    """A stream's incidents as a table, under one line that says what it is."""
    facts = ", ".join(_fact(track) for track in stream["tracks"])
    console.print(Text.assemble((plain(stream["source"]), "bold"), "  ", (facts, "dim")))
    if stream["error"]:
        console.print(Text(f"  {plain(problem(stream))}", style="red"))
    incidents = [incident for incident in stream["incidents"] if not is_marker(incident)]
    if incidents:
        console.print(_table(incidents, {incident["id"] for incident in counted(stream)}))
    elif stream["status"] == "completed":
        console.print(Text("  no incidents", style="green"))
    for line in (*marked(stream), *unknown(stream)):
        console.print(Text(f"  {plain(line)}", style="dim"))


def _fact(track: Document) -> str:
    if track["kind"] == "video":
        return f"{track['codec']} {track['width']}x{track['height']} {clock(track['duration_seconds'])}"
    integrated = track["loudness"]["integrated_lufs"]
    level = "" if integrated is None else f" {integrated:.1f} LUFS"
    return f"{track['codec']} {track['channels']} ch{level}"


def problem(stream: Document) -> str:
    """Why a stream failed or was cut short, without its name."""
    return f"{stream['status']}: {stream['error'].removeprefix(plain(stream['source']) + ': ')}"


def marked(stream: Document) -> list[str]:
    """A line on a stream's markers, if it has any."""
    counts = Counter(incident["detector"] for incident in stream["incidents"] if is_marker(incident))
    listed = ", ".join(f"{name} {count} times" if count > 1 else name for name, count in counts.items())
    return [f"marked: {listed}"] if counts else []


def unknown(stream: Document) -> list[str]:
    """A line on everything that could not be judged, of a source that gave anything."""
    return [
        f"{verdict['detector']} on {verdict['track']}: unknown, {verdict['reason']}"
        for verdict in stream["verdicts"]
        if verdict["state"] == "unknown" and verdict["track"] and verdict["detector"] not in _SELDOM_KNOWN
    ]


def _table(incidents: Sequence[Document], bright: Collection[str]) -> Table:
    detectors = {incident["id"]: incident["detector"] for incident in incidents}
    table = Table(box=None, padding=(0, 2, 0, 2))
    for name in ("start", "end"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("severity", "detector", "track"):
        table.add_column(name, no_wrap=True)
    table.add_column("what")
    for incident in incidents:
        style = _STYLES[incident["severity"]] if incident["id"] in bright else "dim"
        what = incident["message"]
        if incident["explained_by"]:
            what += f" (explained by {detectors.get(incident['explained_by'], 'another incident')})"
        cells = (
            clock(incident["start_seconds"]), clock(incident["end_seconds"]), incident["severity"],
            incident["detector"], incident["track"], plain(what),
        )  # fmt: skip
        table.add_row(*(Text(cell, style=style) for cell in cells))
    return table


def clock(seconds: float | None) -> str:
    """Seconds as hours, minutes, seconds and milliseconds; hours only where there are some."""
    if seconds is None:
        return "open"
    millis = round(abs(seconds) * 1000)
    minutes, rest = divmod(millis, 60_000)
    hours, minutes = divmod(minutes, 60)
    sign = "-" if seconds < 0 and millis else ""
    return f"{sign}{f'{hours}:' if hours else ''}{minutes:02}:{rest // 1000:02}.{rest % 1000:03}"


class Tally:
    """What many streams come to, without keeping them."""

    def __init__(self) -> None:
        self.streams: Counter[str] = Counter()
        """By status."""
        self.incidents: Counter[str] = Counter()
        """By severity, of those that count (see :func:`counted`)."""
        self.seconds = self.cpu_seconds = 0.0

    def add(self, stream: Document) -> None:
        """Count one stream."""
        self.streams[stream["status"]] += 1
        self.incidents.update(incident["severity"] for incident in counted(stream))
        self.seconds += max((track["duration_seconds"] for track in stream["tracks"]), default=0.0)
        self.cpu_seconds += stream["usage"]["cpu_seconds"]

    def exit_status(self, fail_on: str | None) -> int:
        """The contract's exit status; ``fail_on`` is the least severity that counts, or None."""
        if self.streams["failed"] or self.streams["partial"]:
            return FAILED
        if fail_on is None:
            return 0
        counted = SEVERITIES[SEVERITIES.index(fail_on) :]
        return INCIDENT if any(self.incidents[severity] for severity in counted) else 0


def totals(tally: Tally, results: str) -> str:
    """The closing line."""
    parts = [
        _many(tally.streams.total(), "stream"),
        f"{clock(tally.seconds)} analysed in {tally.cpu_seconds:.1f} CPU seconds",
        f"{tally.incidents['critical']} critical, {_many(tally.incidents['warning'], 'warning')}",
        f"{tally.streams['failed']} failed, {tally.streams['partial']} cut short",
        f"results: {plain(shown(results))}",
    ]
    return "; ".join(parts)


def _many(count: int, name: str) -> str:
    return f"{count} {name}" if count == 1 else f"{count} {name}s"

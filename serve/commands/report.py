"""``sightline report``: what the tables hold, as a page, or for other programs."""

from __future__ import annotations

import gzip
import io
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from serve.commands.stored import Results, chosen
from serve.terminal.exits import plain, told_apart

if TYPE_CHECKING:
    from serve.report.told import Told

Streams = Annotated[list[str] | None, typer.Argument(metavar="[STREAM]...", help="Only these; all by default.")]
Format = Annotated[
    str,
    typer.Option(
        "--format", metavar="NAME",
        help="html, csv or json; of one stream also webvtt, edl, otio, qctools or ebu-qc.",
    ),
]  # fmt: skip
Output = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="FILE", help="By default standard output; compressed if it ends in .gz."),
]

STOPPED = "stopped; the report is not whole"


def report(
    streams: Streams = None, results: Results = "./sightline-results", format_: Format = "html", output: Output = None
) -> None:
    """Write a report on stored results: a page with graphs and pictures, or what players, editors and tools read.

    Exit status: 0 it is written, 1 the results cannot be read or the file not be written, 2 wrong usage.
    """
    with told_apart(STOPPED):
        from actors.reader import Reader
        from cluster.sources import UsageError, results_uri
        from serve.report.formats import SEVERAL, SINGLE
        from serve.report.told import told
        from serve.terminal import targets

        if format_ not in {*SEVERAL, *SINGLE}:
            raise UsageError(f"--format {format_}: allowed are {', '.join((*SEVERAL, *SINGLE))}")
        targets.check({"--output": output}, [])
        reader = Reader(results_uri(results))
        found = [told(reader, name, stored) for name, stored in chosen(reader, streams or []).items()]
        if format_ in SEVERAL:
            _write(SEVERAL[format_](found, results), output)
        else:
            _write(SINGLE[format_](_one(found, format_)), output)
        if output is not None:
            incidents = sum(len(stream.document["incidents"]) for stream in found)
            print(f"{plain(str(output))}: {len(found)} streams, {incidents} incidents and markers")


def _one(found: Sequence[Told], format_: str) -> Told:
    from cluster.sources import UsageError

    if len(found) != 1:
        listed = ", ".join(stream.name for stream in found[:20]) or "none"
        raise UsageError(f"--format {format_} is of one stream; name one of: {listed}")
    return found[0]


def _write(pieces: Iterable[str], output: Path | None) -> None:
    from actors.errors import StorageError

    if output is None:
        for piece in pieces:
            sys.stdout.write(piece)
        return
    try:
        with output.open("wb") as raw:
            packed = gzip.GzipFile(fileobj=raw, mode="wb", mtime=0) if output.suffix == ".gz" else raw
            with io.TextIOWrapper(packed, encoding="utf-8", newline="") as target:
                target.writelines(pieces)
    except OSError as error:
        raise StorageError(f"--output {output}: cannot be written ({error.strerror})") from error

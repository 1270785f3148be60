"""``sightline analyze``: files, folders and URLs in, incidents out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from serve.terminal.exits import SEVERITIES, interruptible, say, told_apart

if TYPE_CHECKING:
    from rich.console import Console

    from actors.document import Document
    from cluster.job import Analysis
    from cluster.local import ProgressOf
    from serve.terminal.output import Tally

Mode = Literal["table", "json", "jsonl"]


Sources = Annotated[list[str] | None, typer.Argument(metavar="SOURCE...", help="Files, folders, globs, URLs.")]
Manifest = Annotated[
    str | None, typer.Option("--from", metavar="FILE", help="A source in each line; - reads them from standard input.")
]
Include = Annotated[str | None, typer.Option(metavar="GLOB", help="Which files of folders to take, by name.")]
Jobs = Annotated[
    int | None,
    typer.Option(min=1, max=1024, help="Files at a time, beside live sources; one for each processor by default."),
]
Shape = Annotated[str, typer.Option(help="Where the stages run: auto, fused, colocated, spread or staged.")]
Bucket = Annotated[
    str | None,
    typer.Option(metavar="URL", envvar="SIGHTLINE_BUCKET", help="s3:// URL of a bucket that the shape staged needs."),
]
Device = Annotated[
    str,
    typer.Option(
        help="What decodes and measures pictures in the shape fused: cpu, cuda (a GPU) or auto (a GPU where there is "
        "one). See docs/gpu.md."
    ),
]
Detectors = Annotated[str | None, typer.Option(metavar="NAME,...", help="Only these; see `sightline detectors`.")]
Results = Annotated[str, typer.Option(metavar="URI", help="Folder or s3:// URI of the result tables.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="DETECTOR.FIELD=VALUE", help="Another threshold; may be given many times."),
]
Model = Annotated[
    list[Path] | None,
    typer.Option(metavar="FILE.yaml", help="Models of your own, beside the detectors; see docs/models.md."),
]
Fresh = Annotated[bool, typer.Option("--fresh", help="Start over instead of going on.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
Jsonl = Annotated[bool, typer.Option("--jsonl", help="A line of JSON for each finished stream.")]
Csv = Annotated[Path | None, typer.Option(metavar="FILE", help="Write incidents as CSV.")]
Report = Annotated[Path | None, typer.Option(metavar="FILE.html", help="Write a report as one HTML page.")]
FailOn = Annotated[
    str | None,
    typer.Option(
        metavar="[=SEVERITY]",
        help="Exit with 3 on an incident as severe or worse, also one that a milder one explains; alone: critical. "
        "Markers (cuts, changes of format) are no incidents and do not count.",
    ),
]


def analyze(
    sources: Sources = None, manifest: Manifest = None, include: Include = None, jobs: Jobs = None,
    shape: Shape = "auto", device: Device = "cpu", detectors: Detectors = None,
    results: Results = "./sightline-results", set_: Set = None, model: Model = None, bucket: Bucket = None,
    fresh: Fresh = False, json: Json = False, jsonl: Jsonl = False, csv: Csv = None, report: Report = None,
    fail_on_incident: FailOn = None,
) -> None:  # fmt: skip
    """Find what a viewer would notice: black, frozen, silent, damaged, missing.

    Run it again with the same --results to go on where it was cut off. Exit status: 0 every source was analysed,
    1 a source failed or was cut short, 2 wrong usage, 3 see --fail-on-incident.
    """
    with told_apart(), interruptible() as stop:
        from cluster.sources import UsageError, expand
        from serve.terminal import targets

        if json and jsonl:
            raise UsageError("--json and --jsonl exclude each other")
        if fail_on_incident is not None and fail_on_incident not in SEVERITIES:
            raise UsageError(f"--fail-on-incident={fail_on_incident}: allowed are {', '.join(SEVERITIES)}")
        mode: Mode = "json" if json else "jsonl" if jsonl else "table"
        wanted = _wanted(jobs, shape, device, bucket, detectors, results, set_ or [], fresh, model or [])
        found = expand(sources or [], _lines(manifest), include)
        read = [*([manifest] if manifest else []), *map(str, model or []), *(one.weights for one in wanted.models)]
        targets.check({"--csv": csv, "--report": report}, [*found, *read])
        tally = _analyse(found, wanted, stop, mode, csv, report)
    raise typer.Exit(tally.exit_status(fail_on_incident))


def _wanted(
    jobs: int | None, shape: str, device: str, bucket: str | None, detectors: str | None, results: str,
    sets: Sequence[str], fresh: bool, files: Sequence[Path],
) -> Analysis:  # fmt: skip
    from pydantic import ValidationError

    from cluster.job import Analysis
    from cluster.sources import UsageError

    given: dict[str, Any] = {
        "shape": shape, "device": device, "results": results, "settings": settings(sets), "fresh": fresh,
    }  # fmt: skip
    if bucket:
        given["bucket"] = bucket
    if jobs is not None:
        given["jobs"] = jobs
    if files:
        from serve.job.modelfile import load

        given["models"] = tuple(model for file in files for model in load(file))
    if detectors is not None:
        given["detectors"] = tuple(dict.fromkeys(name.strip() for name in detectors.split(",") if name.strip()))
    try:
        return Analysis(**given)
    except ValidationError as error:
        first = error.errors()[0]
        if first["loc"][0] == "models":
            raise UsageError(f"--model: {first['msg'].removeprefix('Value error, ')}") from error
        raise UsageError(f"--{first['loc'][0]}: {first['msg']} (given: {first['input']!r})") from error


def settings(sets: Sequence[str]) -> dict[str, dict[str, str]]:
    """``DETECTOR.FIELD=VALUE`` texts by detector and field.

    Raises:
        UsageError: If one is not of that form.
    """
    from cluster.sources import UsageError

    given: dict[str, dict[str, str]] = {}
    for text in sets:
        name, equals, value = text.partition("=")
        detector, dot, field = name.partition(".")
        if not (equals and dot and detector and field):
            raise UsageError(f"--set {text}: write it as DETECTOR.FIELD=VALUE, for example freeze.minimum_seconds=1")
        given.setdefault(detector, {})[field] = value
    return given


def _lines(manifest: str | None) -> list[str]:
    from cluster.sources import UsageError, manifest_lines

    if manifest is None:
        return []
    if manifest == "-":
        return manifest_lines(sys.stdin.buffer.read())
    try:
        return manifest_lines(Path(manifest).read_bytes())
    except (OSError, ValueError) as error:
        raise UsageError(f"--from {manifest}: cannot be read ({getattr(error, 'strerror', None) or error})") from error


def _analyse(
    found: Sequence[str], wanted: Analysis, stop: Event, mode: Mode, csv: Path | None, report: Path | None
) -> Tally:
    """Analyse, show each stream as it is finished, and write what was asked for at the end, be it a bad one."""
    from actors.errors import StorageError
    from cluster.analysis import analyse, in_order
    from serve.terminal import output

    console, tally = output.console(), output.Tally()
    show = _shower(mode, console)
    kept: list[Document] = []
    try:
        with _progress(len(found)) as on_progress:
            for stream in analyse(found, wanted, on_progress, stop, say):
                tally.add(stream)
                show(stream)
                if mode == "json" or csv or report:
                    kept.append(stream)
    except (KeyboardInterrupt, StorageError):
        if kept:
            _write(in_order(kept, found), wanted.results, mode, csv, report)
        raise
    _write(in_order(kept, found), wanted.results, mode, csv, report)
    if mode == "table":
        console.print(output.totals(tally, wanted.results))
    return tally


def _write(streams: Sequence[Document], results: str, mode: Mode, csv: Path | None, report: Path | None) -> None:
    from serve.terminal import output, targets

    if csv is not None:
        with targets.writing("--csv", csv) as target:
            output.write_csv(target, streams)
    if report is not None:
        from serve.report.page import page

        with targets.writing("--report", report) as target:
            target.write(page(streams, results))
    if mode == "json":
        output.write_json(sys.stdout, results, streams)


def _shower(mode: Mode, console: Console) -> Callable[[Document], None]:
    """What is shown of a stream once it is finished."""
    from serve.terminal import output

    def show(stream: Document) -> None:
        if mode == "table":
            output.print_stream(console, stream)
            return
        if mode == "jsonl":
            print(output.as_line(stream), flush=True)
        if stream["error"]:
            say(stream["error"])

    return show


@contextmanager
def _progress(count: int) -> Iterator[ProgressOf]:
    """A bar on standard error, where that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda source, progress: None
        return
    from serve.commands.progress import bar

    with bar(count) as on_progress:
        yield on_progress

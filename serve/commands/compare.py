"""``sightline compare``: the same job in each shape, equal tables, and a bill for each."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from serve.terminal.exits import FAILED, say, told_apart

if TYPE_CHECKING:
    from actors.document import Document

STOPPED = "stopped; nothing was compared"

Source = Annotated[str, typer.Argument(metavar="SOURCE", help="A file or URL that ends.")]
Shapes = Annotated[
    str | None, typer.Option(metavar="NAME,...", help="Only these, in this order: fused, colocated, spread, staged.")
]
PriceSheet = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Your own prices, as YAML; list prices by default.")
]
Bucket = Annotated[
    str | None,
    typer.Option(
        metavar="URL", envvar="SIGHTLINE_BUCKET", show_envvar=True,
        help="For staged: s3://BUCKET/PREFIX; else a server of its own is started for it on this machine.",
    ),
]
Results = Annotated[
    str | None, typer.Option(metavar="FOLDER", help="Keep the tables of each shape here; else they are removed.")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
Report = Annotated[Path | None, typer.Option(metavar="FILE.html", help="Write it as one HTML page, with drawings.")]


def compare(
    source: Source, shapes: Shapes = None, price_sheet: PriceSheet = None, bucket: Bucket = None,
    results: Results = None, as_json: Json = False, report: Report = None,
) -> None:  # fmt: skip
    """Run the same analysis in each shape, one after another; prove the results equal, and say what each costs.

    Per stream-hour: CPU seconds by stage, bytes by channel, requests, transitions, wall time, and money by line from a
    sheet of prices. Exit status: 0 every shape ran and the results are equal, 1 not so, 2 wrong usage.
    """
    with told_apart(STOPPED):
        from cluster import prices
        from serve.comparing import ask
        from serve.comparing.document import as_document
        from serve.comparing.machine import machine
        from serve.comparing.series import series
        from serve.terminal import targets

        wanted, skipped = ask.shapes(shapes, bucket)
        sheet = prices.load(price_sheet)
        targets.check({"--report": report}, [source, *([str(price_sheet)] if price_sheet else [])])
        ask.readable(source)
        for shape, why in skipped.items():
            say(f"{shape} is left out: {why}")
        facts = machine()
        with ExitStack() as held:
            runs = series(source, wanted, ask.folder(results, held), bucket)
        document = as_document(source, runs, skipped, sheet, facts)
        _write(document, as_json, report)
    raise typer.Exit(0 if all(entry["equal"] for entry in document["shapes"]) else FAILED)


def _write(document: Document, as_json: bool, report: Path | None) -> None:
    from serve.terminal import targets

    if report is not None:
        from serve.comparing.page import page

        with targets.writing("--report", report) as target:
            target.write(page(document))
    if as_json:
        sys.stdout.write(json.dumps(document, indent=1, allow_nan=False) + "\n")
        return
    from serve.comparing.table import print_table
    from serve.terminal.output import console

    print_table(console(), document)

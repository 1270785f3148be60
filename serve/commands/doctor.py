"""``sightline doctor``: is everything here that is needed, and what to do where it is not."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from serve.commands.asked import STOPPED, Json, Url
from serve.commands.up import STORE_BYTES, Host, Port
from serve.terminal.exits import FAILED, told_apart

if TYPE_CHECKING:
    from rich.console import RenderableType

    from serve.doctor.finding import Finding

Results = Annotated[str, typer.Option(metavar="URI", help="Folder or s3:// URI that results are to go to.")]

SCHEMA = 1
STYLES = {"ok": "green", "warning": "yellow", "problem": "bold red", "skipped": "dim"}


def doctor(
    results: Results = "./sightline-results", host: Host = "127.0.0.1", port: Port = 8080, as_json: Json = False,
    url: Url = None,
) -> None:  # fmt: skip
    """Check versions, codecs, GPU, storage, ports, authentication and clock, and say what to do.

    Status 1 where there is a problem.
    """
    with told_apart(STOPPED):
        from cluster.sources import results_uri
        from serve.doctor.checks import run
        from serve.terminal.output import console

        found = list(run(results_uri(results), host, port, url, STORE_BYTES))
        if as_json:
            print(json.dumps({"schema": SCHEMA, "findings": [asdict(one) for one in found]}, indent=1))
        else:
            console().print(_table(found))
            console().print(_totals(found))
    raise typer.Exit(FAILED if any(one.state == "problem" for one in found) else 0)


def _table(findings: Iterable[Finding]) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    from serve.terminal.exits import plain

    table = Table.grid(padding=(0, 2, 0, 0))
    for one in findings:
        told = Text(plain(one.found), style="dim" if one.state == "skipped" else "")
        if one.remedy is not None:
            told.append(f"\n{plain(one.remedy)}", style="dim" if one.state == "skipped" else "bold")
        table.add_row(Text(one.state, style=STYLES[one.state]), Text(one.check, no_wrap=True), told)
    return table


def _totals(findings: Sequence[Finding]) -> str:
    ok, warnings, problems, skipped = (sum(one.state == state for one in findings) for state in STYLES)
    return (
        f"{ok} ok, {warnings} warning{'s' * (warnings != 1)}, {problems} problem{'s' * (problems != 1)}, "
        f"{skipped} skipped"
    )

"""``sightline verify``: is a results folder whole?"""

from __future__ import annotations

import json
from typing import Annotated

import typer

from serve.terminal.exits import FAILED, told_apart

Results = Annotated[str, typer.Option(metavar="URI", help="Folder or s3:// URI of the result tables.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]


def verify(results: Results = "./sightline-results", as_json: Json = False) -> None:
    """Check that a results folder is whole: every file readable, nothing twice, nothing missing."""
    with told_apart():
        from actors import verify as checks
        from actors.url import shown
        from cluster.sources import results_uri

        findings, where = checks.verify(results_uri(results)), shown(results)
        if as_json:
            listed = [{"table": f.table, "stream": f.stream, "text": f.text} for f in findings]
            print(json.dumps({"results": where, "findings": listed}, indent=1))
        else:
            for finding in findings:
                print(f"{finding.table}: {finding.stream or 'all streams'}: {finding.text}")
            print(f"{where}: {len(findings)} findings" if findings else f"{where}: whole")
    raise typer.Exit(FAILED if findings else 0)

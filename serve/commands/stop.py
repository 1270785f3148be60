"""``sightline stop``: no more of a job."""

from __future__ import annotations

from typing import Annotated

import typer

from serve.commands.asked import STOPPED, Json, Url
from serve.terminal.exits import plain, told_apart


def stop(
    job: Annotated[str, typer.Argument(metavar="JOB", help="Its id, as `sightline ls` lists it.")],
    as_json: Json = False,
    url: Url = None,
) -> None:
    """Stop a job. What it has found stays; the cluster ends its streams a moment later."""
    with told_apart(STOPPED):
        from serve.client.client import connect
        from serve.commands.listing import write_document

        with connect(url) as client:
            stopped = client.stop(job)
            if as_json:
                write_document(stopped.document)
            else:
                print(plain(f"job {stopped.id}: asked to stop; it is {stopped.status} now"))

"""``sightline show``: one job or one stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from serve.commands.asked import STOPPED, Json, Url
from serve.terminal.exits import CommandFailedError, plain, told_apart

if TYPE_CHECKING:
    from actors.document import Document
    from serve.client.answers import Job, StreamState
    from serve.client.client import Client

Name = Annotated[str, typer.Argument(metavar="JOB_OR_STREAM", help="The id of a job or the name of a stream.")]

STRETCHES = 40
"""Of coverage, that are printed; a live stream that is watched for months may have thousands."""


def show(name: Name, as_json: Json = False, url: Url = None) -> None:
    """Show a job and its streams, or a stream, its open incidents, and what was analysed of it."""
    with told_apart(STOPPED):
        from serve.client.client import connect
        from serve.commands.listing import write_document

        with connect(url) as client:
            found = _found(client, name)
            if as_json:
                write_document({**found.document, **_more(client, name, found)})
            else:
                _print(client, name, found)


def _found(client: Client, name: str) -> Job | StreamState:
    from serve.client.client import RefusedError

    for look in (client.job, client.stream):
        try:
            return look(name)
        except RefusedError as error:
            if error.status not in {404, 422}:  # 422: a name of a stream that no job can have
                raise
    raise CommandFailedError(f"there is no job and no stream {name!r}; see `sightline ls` and `sightline ls --streams`")


def _more(client: Client, name: str, found: Job | StreamState) -> Document:
    """What a stream has beside its state."""
    from serve.client.answers import Job

    return {} if isinstance(found, Job) else {"coverage": [one.document for one in client.coverage(name)]}


def _print(client: Client, name: str, found: Job | StreamState) -> None:
    from serve.client.answers import Job
    from serve.commands.listing import cell, coverage_table, grid, incident_line, labels, status
    from serve.terminal.output import clock, console

    screen = console()
    if isinstance(found, Job):
        screen.print(cell(f"job {found.id}", "bold"), status(found.status), cell(found.created_at), soft_wrap=True)
        screen.print(cell(f"shape {found.shape}, tags: {labels(found.tags) or 'none'}"), soft_wrap=True)
        table = grid("stream", "status", "source", "why")
        for one in found.streams:
            table.add_row(cell(one.stream), status(one.status), cell(one.source), cell(one.error))
        screen.print(table)
        return
    facts = {
        "status": found.status, "source": found.source, "job": found.job, "why": found.error,
        "shape": found.shape, "cell": found.cell, "newest frame": _ago(found),
        "analysed to": found.position_seconds and clock(found.position_seconds), "frames": found.frames,
        "dropped": found.dropped, "restarts": found.restarts, "tags": labels(found.tags),
    }  # fmt: skip
    screen.print(cell(f"stream {found.stream}", "bold"), soft_wrap=True)
    for fact, value in facts.items():
        if value is not None and value != "":
            print(f"  {fact:13} {plain(str(value))}")
    for incident in client.incidents(name, "open"):
        screen.print(incident_line(incident), soft_wrap=True)
    covered = list(client.coverage(name))
    if covered:
        screen.print(coverage_table(covered[-STRETCHES:]))
    if len(covered) > STRETCHES:
        print(f"  and {len(covered) - STRETCHES} stretches before these; --json has them all")


def _ago(found: StreamState) -> str | None:
    from serve.commands.listing import age

    aged = age(found.newest_frame_age_seconds)
    return aged and f"{aged} ago"

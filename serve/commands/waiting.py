"""Waiting for a job: until every stream has ended, through restarts of the server."""

from __future__ import annotations

import sys
import time

import typer
from rich.console import Console
from rich.status import Status

from serve.client.answers import ENDED, Job
from serve.client.client import Client, RefusedError, UnreachableError
from serve.commands.listing import cell
from serve.terminal.exits import INTERRUPTED, CommandFailedError, say

LEAST_SECONDS, MOST_SECONDS = 1.0, 5.0
"""Between two looks: the longer it takes, the rarer."""
PATIENCE_SECONDS = 300.0
"""For how long a server may not answer."""


def until_ended(client: Client, job: Job) -> Job:
    """The job when every stream has ended.

    Raises:
        CommandFailedError: The server refuses, or has not answered for too long; the job runs on.
        typer.Exit: The user will wait no longer; that the job runs on has been said.
    """
    screen = Console(stderr=True, markup=False, emoji=False, highlight=False)
    heard = began = time.monotonic()
    try:
        with screen.status("", spinner="line") as bar:
            while not _over(job):
                _tell(bar, job)
                time.sleep(min(LEAST_SECONDS + (time.monotonic() - began) / 60, MOST_SECONDS))
                try:
                    job, heard = client.job(job.id), time.monotonic()
                except (RefusedError, UnreachableError) as error:
                    lasting = isinstance(error, RefusedError) and not error.passing
                    if lasting or time.monotonic() - heard > PATIENCE_SECONDS:
                        raise CommandFailedError(f"{error}; the job {job.id} may run on") from error
    except KeyboardInterrupt:
        say(f"waiting no longer; the job runs on: `sightline show {job.id}`, `sightline stop {job.id}`")
        raise typer.Exit(INTERRUPTED) from None
    return job


def ended_well(job: Job) -> bool:
    """Whether every stream was analysed to its end."""
    return all(stream.status == "completed" for stream in job.streams)


def _over(job: Job) -> bool:
    return all(stream.status in ENDED for stream in job.streams)


def _tell(bar: Status, job: Job) -> None:
    if sys.stderr.isatty():
        ended = sum(stream.status in ENDED for stream in job.streams)
        bar.update(cell(f"job {job.id}: {ended} of {len(job.streams)} streams ended"))

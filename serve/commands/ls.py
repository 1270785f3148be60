"""``sightline ls``: what was submitted, and what is watched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, get_args

import typer

from serve.commands.asked import STOPPED, Json, Tags, Url, one_of, tags
from serve.terminal.exits import told_apart

Streams = Annotated[bool, typer.Option("--streams/--jobs", help="Streams, or jobs.")]
Status = Annotated[str | None, typer.Option(help="Only those that have it: running, failed, ...")]


def ls(
    streams: Streams = False, tag: Tags = None, status: Status = None, as_json: Json = False, url: Url = None
) -> None:
    """List jobs, newest first; or with --streams the streams of all jobs, by name."""
    with told_apart(STOPPED):
        from serve.api.values import JobStatus, StreamStatus
        from serve.client.client import connect
        from serve.commands.listing import jobs_table, streams_table, write_list
        from serve.terminal.output import console

        wanted = tags(tag)
        one_of("--status", status, get_args(StreamStatus if streams else JobStatus))
        with connect(url) as client:
            if streams:
                watched = (one for one in client.streams(status) if _has(one.tags, wanted))
                if as_json:
                    write_list(one.document for one in watched)
                else:
                    console().print(streams_table(watched))
            else:
                jobs = (job for job in client.jobs(status) if _has(job.tags, wanted))
                if as_json:
                    write_list(job.document for job in jobs)
                else:
                    console().print(jobs_table(jobs))


def _has(tags: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    return all(tags.get(name) == value for name, value in wanted.items())

"""``sightline submit``: let a cluster watch sources, whether this command stays or not."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from serve.commands.asked import Json, Tags, Url, tags
from serve.terminal.exits import FAILED, plain, say, told_apart

if TYPE_CHECKING:
    from actors.document import Document
    from serve.client.answers import Job

SECRET = "SIGHTLINE_WEBHOOK_SECRET"
Sources = Annotated[
    list[str] | None, typer.Argument(metavar="SOURCE...", help="URLs; files, folders and globs that the cluster reads.")
]
File = Annotated[Path | None, typer.Option(metavar="JOBS.yaml", help="A job in YAML or JSON; see --schema.")]
Name = Annotated[str | None, typer.Option(help="Of the stream, where there is one source.")]
Detectors = Annotated[str | None, typer.Option(metavar="NAME,...", help="Only these; see `sightline detectors`.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="DETECTOR.FIELD=VALUE", help="Another threshold; may be given many times."),
]
Shape = Annotated[str | None, typer.Option(help="Where the stages run: auto, fused, colocated or spread.")]
Webhook = Annotated[
    str | None, typer.Option(metavar="URL", help=f"Is told of incidents; signed with the secret in {SECRET}.")
]
Wait = Annotated[bool, typer.Option("--wait", help="Until every stream has ended; 1 if one failed or was cut short.")]
Idempotency = Annotated[
    str | None, typer.Option(metavar="TEXT", help="New for each job; the same again gives the job that is there.")
]
Explain = Annotated[
    bool, typer.Option("--explain", help="Print what the job would be and cost in each shape, and submit nothing.")
]
Schema = Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of a jobs file, and do no more.")]


def submit(
    sources: Sources = None, file: File = None, name: Name = None, detectors: Detectors = None, set_: Set = None,
    shape: Shape = None, tag: Tags = None, webhook: Webhook = None, wait: Wait = False,
    idempotency_key: Idempotency = None, explain: Explain = False, schema: Schema = False, as_json: Json = False,
    url: Url = None,
) -> None:  # fmt: skip
    """Submit a job: sources to watch, from the command line or from a file.

    Relative paths are made absolute. Exit status: 0 it is submitted (with --wait: every stream was analysed), 1 the
    server refused or cannot be reached (with --wait: a stream failed or was cut short), 2 wrong usage.
    """
    with told_apart("stopped; whether the job is stored is not known, see `sightline ls`"):
        from serve.commands.listing import write_document

        if schema:
            from serve.job.jobfile import schema as job_schema

            write_document(job_schema())
            return
        options = {
            "--name": name, "--detectors": detectors, "--set": set_, "--shape": shape, "--tag": tag,
            "--webhook": webhook,
        }  # fmt: skip
        given = {key: value for key, value in options.items() if value not in (None, [])}
        document = _document(sources or [], file, given)
        if explain:
            _explain(document, as_json)
            return
        good = _submit(document, idempotency_key, wait, as_json, url)
    raise typer.Exit(0 if good else FAILED)


def _submit(document: Document, idempotency_key: str | None, wait: bool, as_json: bool, url: str | None) -> bool:
    """Submit it, and wait if that is wanted. Gives whether all is well."""
    from cluster.sources import UsageError
    from serve.client.client import connect
    from serve.commands.listing import write_document
    from serve.commands.waiting import ended_well, until_ended

    if idempotency_key is not None and not re.fullmatch("[!-~]{1,255}", idempotency_key):
        raise UsageError("--idempotency-key: 255 letters, digits and signs of ASCII at most, and no blanks")
    with connect(url) as client:
        job, new = client.submit(document, idempotency_key)
        if wait:
            say(_told(job, new))
            job = until_ended(client, job)
        if as_json:
            write_document(job.document)
        elif not wait:
            print(_told(job, new))
        else:
            print(plain(f"job {job.id}: {job.status}"))
    return not wait or ended_well(job)


def _explain(document: Document, as_json: bool) -> None:
    """Print the job's plans."""
    from cluster import explain, prices
    from cluster.asking import ask
    from cluster.settings import Placement
    from serve.commands.listing import write_document

    sheet, shape = prices.load(), document.get("shape", "auto")
    asked = ask([stream["source"] for stream in document["streams"]])
    explained = explain.explain(asked, shape, Placement(), 0.0, sheet)
    if as_json:
        write_document(explain.document(asked, explained, sheet))
    else:
        print("\n".join(map(plain, explain.text(asked, explained, shape, sheet).split("\n"))))


def _told(job: Job, new: bool) -> str:
    count = len(job.streams)
    known = "" if new else ", which this idempotency key led to before"
    return plain(f"job {job.id}{known}: {count} {'stream' if count == 1 else 'streams'}; see `sightline show {job.id}`")


def _document(sources: Sequence[str], file: Path | None, options: Mapping[str, Any]) -> Document:
    """What is sent: from a file, or from the command line, and checked."""
    from cluster.sources import UsageError
    from serve.job.jobfile import load

    if file is None:
        return _from_options(sources, options)
    if sources or options:
        other = next(iter(options), "SOURCE")
        raise UsageError(f"--file and {other} exclude each other; write it in the file")
    return load(file, os.environ)


def _from_options(sources: Sequence[str], options: Mapping[str, Any]) -> Document:
    from cluster.sources import UsageError, UsageErrors, expand
    from serve.job.jobcheck import check
    from serve.job.jobfile import absolute

    found = [absolute(source, Path.cwd()) for source in expand(sources)] if sources else []
    if not found:
        raise UsageError("no source is named: give URLs or files, or --file JOBS.yaml")
    if "--name" in options and len(found) > 1:
        raise UsageError(f"--name {options['--name']}: there are {len(found)} sources; name them in a file (--file)")
    for source in found:
        if not source.isascii() and "\\udc" in ascii(source):
            raise UsageError(f"{source}: a name that is no UTF-8, which the API does not take; rename the file")
    document: Document = {"version": 1, "streams": [{"source": source} for source in found]}
    if "--name" in options:
        document["streams"][0]["name"] = options["--name"]
    if "--shape" in options:
        document["shape"] = options["--shape"]
    document["defaults"] = _defaults(options)
    if "--webhook" in options:
        document["webhook"] = {"url": options["--webhook"], "secret": _secret()}
    if flaws := check(document):
        raise UsageErrors([_option_line(flaw.path, flaw.message, found) for flaw in flaws[:20]])
    return document


def _defaults(options: Mapping[str, Any]) -> Document:
    from cluster.sources import UsageError
    from serve.commands.analyze import settings
    from serve.job.yamltext import scalar

    made: Document = {}
    if "--detectors" in options:
        names = (name.strip() for name in options["--detectors"].split(","))
        made["detectors"] = list(dict.fromkeys(name for name in names if name))
    if "--set" in options:
        given = settings(options["--set"])
        try:
            made["settings"] = {
                detector: {name: scalar(value) for name, value in fields.items()} for detector, fields in given.items()
            }
        except ValueError as error:
            raise UsageError(f"--set: {error}") from error
    if "--tag" in options:
        made["tags"] = tags(options["--tag"])
    return made


def _secret() -> str:
    from cluster.sources import UsageError

    secret = os.environ.get(SECRET)
    if not secret:
        raise UsageError(f"--webhook: set {SECRET} to the secret that signs what is sent")
    return secret


def _option_line(path: tuple[str | int, ...], message: str, sources: Sequence[str]) -> str:
    """A flaw as one of the command line."""
    from actors.url import shown

    names = {"detectors": "--detectors", "settings": "--set", "tags": "--tag"}
    if path[0] == "streams" and len(path) > 1:
        named = path[-1] == "name"
        return f"--name: {message}" if named else f"{shown(sources[int(path[1])])}: {message}"
    if path[0] == "defaults":
        rest = ".".join(step for step in path[2:] if isinstance(step, str))
        return f"{names[str(path[1])]}{' ' if rest else ''}{rest}: {message}"
    if path[0] == "webhook":
        return f"{'--webhook' if path[-1] == 'url' else SECRET}: {message}"
    return f"{'--shape' if path[0] == 'shape' else 'SOURCE'}: {message}"

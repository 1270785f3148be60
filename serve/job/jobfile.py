"""``jobs.yaml``: a job in a file. Whatever is wrong with it is told with line, column, path and what is allowed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from actors.document import Document
from actors.url import is_url
from cluster.sources import UsageError, UsageErrors
from serve.job.jobcheck import Flaw, check, written
from serve.job.jobschema import job_schema
from serve.job.yamltext import MOST_BYTES, Place, Read, YamlError, read
from serve.job.yamltext import Path as Steps
from serve.terminal.exits import plain

MOST_TOLD = 20
"""Flaws of one file that are told."""

_REFERENCE = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$\{")
_EMPTY = "is empty; the least is: streams: [{source: clip.mp4}]"


def load(path: Path, environment: Mapping[str, str]) -> Document:
    """The job that a file asks for, as it is sent: paths absolute (from the file's folder), ``${NAME}`` filled in.

    Args:
        path: YAML or JSON.
        environment: What ``${NAME}`` in ``webhook.secret`` and in sources stands for; ``$${`` is ``${``.

    Raises:
        UsageErrors: A line for each thing that is wrong.
        UsageError: The file cannot be read.
    """
    try:
        with path.open("rb") as source:
            data = source.read(MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"--file {path}: cannot be read ({error.strerror})") from error
    return parse(str(path), data, path.parent, environment)


def parse(name: str, data: bytes, folder: Path, environment: Mapping[str, str]) -> Document:
    """See :func:`load`; ``name`` is what errors call the file, and ``folder`` where relative paths begin."""
    try:
        found = read(data)
    except YamlError as error:
        raise UsageErrors([line(name, error.place, Flaw(error.path, str(error)))]) from error
    if found.value is None:
        raise UsageErrors([line(name, Place(1, 1), Flaw((), _EMPTY))])
    hidden, unset = _fill_in(found.value, environment)
    flaws = unset or check(found.value, hidden)
    if flaws:
        told = sorted(((place(found, flaw), flaw) for flaw in flaws), key=lambda one: (one[0].line, one[0].column))
        lines = [line(name, at, flaw) for at, flaw in told[:MOST_TOLD]]
        more = len(flaws) - MOST_TOLD
        raise UsageErrors([*lines, f"{plain(name)}: and {more} more"] if more > 0 else lines)
    document: Document = found.value
    for stream in document["streams"]:
        stream["source"] = absolute(stream["source"], folder)
    for part in (document.get("defaults") or {}, *document["streams"]):
        for model in part.get("models") or ():
            model["weights"] = absolute(model["weights"], folder)
    return document


def absolute(source: str, folder: Path) -> str:
    """A source as any process can read it: URLs as they are, paths from the root."""
    return source if is_url(source) else str((folder / source).absolute())


def schema() -> Document:
    """The JSON Schema of such a file: that of a job, and ``${NAME}`` where a secret stands."""
    made = job_schema()
    secret = made["$defs"]["Webhook"]["properties"]["secret"]
    for name in ("minLength", "maxLength", "writeOnly", "format"):
        secret.pop(name, None)
    secret["anyOf"] = [{"pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*\}"}, {"minLength": 8, "maxLength": 256}]
    made["$defs"]["StreamSpec"]["properties"]["source"]["description"] = (
        "A relative path begins in the folder of this file; ${NAME} is taken from the environment."
    )
    made["title"] = "A job of Sightline"
    return {**made, "$id": "urn:sightline:schema:jobfile:1"}


def _fill_in(document: Any, environment: Mapping[str, str]) -> tuple[set[Steps], list[Flaw]]:
    """Put the environment's values in; give the paths where that was done, and what could not be."""
    held: list[tuple[Steps, dict[str, Any], str]] = []
    if isinstance(document, dict):
        streams, webhook = document.get("streams"), document.get("webhook")
        if isinstance(webhook, dict):
            held.append((("webhook", "secret"), webhook, "secret"))
        for index, stream in enumerate(streams if isinstance(streams, list) else ()):
            if isinstance(stream, dict):
                held.append((("streams", index, "source"), stream, "source"))
    filled: set[Steps] = set()
    flaws: list[Flaw] = []
    for path, part, field in held:
        text = part.get(field)
        if isinstance(text, str) and "${" in text:
            filled.add(path)
            part[field], wrong = _filled(text, environment)
            flaws += [Flaw(path, why) for why in wrong]
    return filled, flaws


def _filled(text: str, environment: Mapping[str, str]) -> tuple[str, list[str]]:
    wrong: list[str] = []

    def value(match: re.Match[str]) -> str:
        if match[0] == "$${":
            return "${"
        if match[1] is None:
            wrong.append("a ${ without a name and }; write ${NAME}, or $${ for the characters themselves")
        elif not environment.get(match[1]):
            wrong.append(f"the environment has no {match[1]}; set it before this command")
        return environment.get(match[1] or "", "")

    return _REFERENCE.sub(value, text), wrong


def place(found: Read, flaw: Flaw) -> Place:
    """Where a flaw is; of what is missing, where its nearest parent begins."""
    if flaw.at_key and flaw.path in found.keys:
        return found.keys[flaw.path]
    path = flaw.path
    while path not in found.values:
        path = path[:-1]
    return found.values[path]


def line(name: str, at: Place, flaw: Flaw) -> str:
    """A flaw as it is told."""
    where = f"{written(flaw.path)}: " if flaw.path else ""
    return plain(f"{name}:{at.line}:{at.column}: {where}{flaw.message}")

"""Options that the commands which talk to the API have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

Url = Annotated[
    str | None,
    typer.Option(
        envvar="SIGHTLINE_URL", metavar="URL",
        help="Of the API; by default what `sightline up` started. Its key is taken from SIGHTLINE_API_KEY.",
    ),
]  # fmt: skip
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
JsonLines = Annotated[bool, typer.Option("--json", help="JSON on standard output; a line for each when following.")]
Tags = Annotated[list[str] | None, typer.Option("--tag", metavar="NAME=VALUE", help="May be given many times.")]

STOPPED = "stopped"
"""What a command says that was interrupted and has nothing to go on with."""


def tags(given: Sequence[str] | None) -> dict[str, str]:
    """``NAME=VALUE`` texts by name.

    Raises:
        UsageError: One is not of that form.
    """
    from cluster.sources import UsageError

    found: dict[str, str] = {}
    for text in given or ():
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise UsageError(f"--tag {text}: write it as NAME=VALUE, for example team=sport")
        found[name] = value
    return found


def one_of(option: str, given: str | None, allowed: Sequence[str]) -> None:
    """See that a value is allowed.

    Raises:
        UsageError: It is not.
    """
    from cluster.sources import UsageError

    if given is not None and given not in allowed:
        raise UsageError(f"{option} {given}: allowed are {', '.join(allowed)}")

"""``sightline events``: what was found, in the order in which it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from serve.commands.asked import STOPPED, JsonLines, Url, one_of
from serve.terminal.exits import SEVERITIES, say, told_apart

if TYPE_CHECKING:
    from serve.client.answers import Event
    from serve.client.client import Client

Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is found from now on, until Ctrl-C.")]
After = Annotated[str | None, typer.Option(metavar="ID", help="Only what came after this event.")]
Stream = Annotated[str | None, typer.Option(metavar="NAME", help="Only of this stream.")]
Severity = Annotated[list[str] | None, typer.Option(help="Only of this severity; may be given many times.")]


def events(
    follow: Follow = False, after: After = None, stream: Stream = None, severity: Severity = None,
    as_json: JsonLines = False, url: Url = None,
) -> None:  # fmt: skip
    """Print every event so far; or with --follow those from now on, or from after an event. Ctrl-C ends with 0."""
    with told_apart(STOPPED):
        from cluster.sources import UsageError
        from serve.client import following
        from serve.client.client import connect, named
        from serve.commands.listing import write_list

        for one in severity or ():
            one_of("--severity", one, SEVERITIES)
        if after is not None and not following.ID.fullmatch(after):
            raise UsageError(f"--after {after}: write it as the events have it, for example 0.4711.2")
        if stream is not None:
            named(stream)
        with connect(url) as client:
            if follow:
                _follow(client, after, stream, severity or [], as_json)
                return
            found = (
                event
                for event in following.backlog(client, after or following.BEGINNING, say)
                if stream in {None, event.stream} and (not severity or event.incident.severity in severity)
            )
            if as_json:
                write_list(event.document for event in found)
            else:
                show = _printer()
                for event in found:
                    show(event)


def _follow(client: Client, after: str | None, stream: str | None, severities: list[str], as_json: bool) -> None:
    from serve.client import following
    from serve.commands.listing import write_line

    last, show = after, _printer()
    try:
        for event in following.follow(client, {"stream": stream, "severity": severities}, after, say):
            if as_json:
                write_line(event.document)
            else:
                show(event)
            last = event.id
    except KeyboardInterrupt:
        say(f"stopped; --after {last} goes on from here" if last else STOPPED)


def _printer() -> Callable[[Event], None]:
    from serve.commands.listing import event_line
    from serve.terminal.output import console

    screen = console()
    return lambda event: screen.print(event_line(event), soft_wrap=True)

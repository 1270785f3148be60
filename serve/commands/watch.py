"""``sightline watch``: streams and incidents as they are now, until Ctrl-C."""

from __future__ import annotations

from typing import Annotated

import typer

from serve.commands.asked import JsonLines, Url
from serve.terminal.exits import told_apart

Streams = Annotated[list[str] | None, typer.Argument(metavar="[STREAM...]", help="Only these; all by default.")]


def watch(streams: Streams = None, as_json: JsonLines = False, url: Url = None) -> None:
    """Watch streams: a table of them, and incidents as they arrive. Ctrl-C ends it with 0.

    Where standard output is no terminal: a line for each stream whose state changes, and one for each incident.
    """
    with told_apart():
        from serve.client.client import connect
        from serve.commands import watching
        from serve.terminal.output import console

        screen = console()
        try:
            with connect(url) as client:
                news = watching.begun(client, frozenset(streams or ()))
                if as_json:
                    watching.write_lines(news)
                elif screen.is_terminal:
                    watching.draw(news, screen)
                else:
                    watching.print_lines(news, screen)
        except KeyboardInterrupt:
            return

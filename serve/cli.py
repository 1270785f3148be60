"""The ``sightline`` command."""

from __future__ import annotations

import sys

import typer

from serve.analyze import analyze
from serve.compare import compare
from serve.detectors import detectors
from serve.events import events
from serve.inject import inject
from serve.keys import keys
from serve.livedemo import demo
from serve.ls import ls
from serve.measurements import measurements
from serve.show import show
from serve.stop import stop
from serve.streams import flushed, ready
from serve.submit import submit
from serve.up import down, up
from serve.verify import verify
from serve.watch import watch

app = typer.Typer(
    name="sightline", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help="Watches audio/video streams for defects that a viewer would notice, and says so while it happens.",
)  # fmt: skip
LOCAL = (analyze, compare, verify, detectors, inject, up, down, demo)
REMOTE = (submit, ls, show, watch, stop, events, measurements)
for command in (*LOCAL, *REMOTE):
    app.command()(command)
app.add_typer(keys, name="keys")


def main() -> None:
    """Run the command. ``--fail-on-incident`` alone means critical."""
    ready()
    with flushed():
        app(["--fail-on-incident=critical" if given == "--fail-on-incident" else given for given in sys.argv[1:]])

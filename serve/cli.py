"""The ``sightline`` command."""

from __future__ import annotations

import sys

import typer

from serve.commands.analyze import analyze
from serve.commands.compare import compare
from serve.commands.detectors import detectors
from serve.commands.doctor import doctor
from serve.commands.events import events
from serve.commands.inject import inject
from serve.commands.keys import keys
from serve.commands.livedemo import demo
from serve.commands.ls import ls
from serve.commands.measurements import measurements
from serve.commands.rejudge import rejudge
from serve.commands.report import report
from serve.commands.show import show
from serve.commands.stop import stop
from serve.commands.submit import submit
from serve.commands.up import down, up
from serve.commands.verify import verify
from serve.commands.watch import watch
from serve.terminal.streams import flushed, ready

app = typer.Typer(
    name="sightline", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help="Watches audio/video streams for defects that a viewer would notice, and says so while it happens.",
)  # fmt: skip
LOCAL = (analyze, rejudge, report, compare, verify, detectors, inject, up, down, demo, doctor)
REMOTE = (submit, ls, show, watch, stop, events, measurements)
for command in (*LOCAL, *REMOTE):
    app.command()(command)
app.add_typer(keys, name="keys")


def main() -> None:
    """Run the command. ``--fail-on-incident`` alone means critical."""
    ready()
    with flushed():
        app(["--fail-on-incident=critical" if given == "--fail-on-incident" else given for given in sys.argv[1:]])

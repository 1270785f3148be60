"""The ``sightline`` command."""

from __future__ import annotations

import sys

import typer

from serve.analyze import analyze
from serve.detectors import detectors
from serve.inject import inject
from serve.verify import verify

app = typer.Typer(
    name="sightline", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help="Watches audio/video streams for defects that a viewer would notice, and says so while it happens.",
)  # fmt: skip
for command in (analyze, verify, detectors, inject):
    app.command()(command)


def main() -> None:
    """Run the command. ``--fail-on-incident`` alone means critical; output that cannot be encoded is escaped."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    app(["--fail-on-incident=critical" if given == "--fail-on-incident" else given for given in sys.argv[1:]])

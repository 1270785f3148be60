"""How a command ends: its exit status, and one line on standard error instead of a traceback."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event

import typer

FAILED, WRONG_USAGE, INCIDENT, INTERRUPTED, CLOSED = 1, 2, 3, 130, 141
"""Contract (DESIGN.md 7), and what shells show for a program ended by Ctrl-C or by a reader that closed the pipe."""

SEVERITIES = ("info", "warning", "critical")


GO_ON = "stopped; run the same command again to go on"


class CommandFailedError(Exception):
    """What was asked for cannot be done, and not by a mistake of the user's; the message says why and what to do."""


@contextmanager
def told_apart(stopped: str = GO_ON) -> Iterator[None]:
    """A user's mistake ends with status 2, storage or a server that fails with 1, a closed pipe with 141.

    Ctrl-C ends with 130, and with the line ``stopped``.
    """
    try:
        from actors.errors import Fenced, SettingError, StorageError
        from cluster.sources import UsageError, UsageErrors

        try:
            yield
            sys.stdout.flush()
        except UsageErrors as error:
            for line in error.lines:
                say(line)
            raise typer.Exit(WRONG_USAGE) from error
        except (UsageError, SettingError) as error:
            say(str(error))
            raise typer.Exit(WRONG_USAGE) from error
        except (StorageError, CommandFailedError) as error:
            say(str(error))
            raise typer.Exit(FAILED) from error
        except Fenced as error:
            say(f"another run has taken over {', '.join(error.streams)}; what was committed is whole")
            raise typer.Exit(FAILED) from error
    except KeyboardInterrupt:
        say(stopped)
        raise typer.Exit(INTERRUPTED) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(CLOSED) from None


@contextmanager
def interruptible() -> Iterator[Event]:
    """An event that the first Ctrl-C sets, which ends a live stream; the second one interrupts as usual."""
    stop = Event()

    def ask(number: int, frame: object) -> None:
        signal.signal(signal.SIGINT, before)
        stop.set()

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


def say(text: str) -> None:
    """A line on standard error, without secrets and without what a terminal would obey."""
    from actors.url import shown

    with suppress(OSError):
        print(f"sightline: {plain(shown(text))}", file=sys.stderr)


def plain(text: str) -> str:
    """Text of one line in which every character prints."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)

"""Standard output and error of a command: there, able to write any text, and no cause of a traceback when full."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from serve.terminal.exits import CLOSED, FAILED, say

_STANDARD = 3
"""Standard input, output and error are the first descriptors."""


def ready() -> None:
    """See that the standard streams are there: a file must not take the place of one that was closed.

    Text that cannot be encoded is escaped.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) < _STANDARD:
        pass
    os.close(descriptor)
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


@contextmanager
def flushed() -> Iterator[None]:
    """Standard output that cannot be written is one line and status 1; a reader that has gone, status 141."""
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except OSError as error:
        if error.filename is not None:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            sys.exit(CLOSED)
        say(f"standard output cannot be written ({error.strerror})")
        sys.exit(FAILED)

"""What FFmpeg's decoders say while they conceal damage: their messages, told apart by thread and by kind.

Most damage raises nothing and sets no flag; it is said in the log only. With one decoding thread the messages are the
same on every run.
"""

from __future__ import annotations

import logging
import re
import threading
from functools import cache

import av.logging

_NUMBERS = re.compile(r"0x[0-9a-fA-F]+|[-+]?\d+(\.\d+)?")
_KIND_LENGTH = 60
_said = threading.local()


class _Listener(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        messages: list[str] | None = getattr(_said, "messages", None)
        if messages is not None:
            messages.append(record.getMessage())


@cache
def listen() -> None:
    """Take FFmpeg's error messages out of the terminal and into :func:`heard`, for the whole process."""
    av.logging.set_level(av.logging.ERROR)
    av.logging.set_skip_repeated(False)
    logger = logging.getLogger("libav")
    logger.addHandler(_Listener())
    logger.propagate = False


def start() -> None:
    """Forget what this thread has heard."""
    _said.messages = []


def heard() -> list[str]:
    """The kinds of message that this thread has heard since :func:`start`, in order, each once."""
    return list(dict.fromkeys(kind(message) for message in getattr(_said, "messages", ())))


def kind(message: str) -> str:
    """A message without its numbers: what went wrong, and not where."""
    return _NUMBERS.sub("#", message).strip()[:_KIND_LENGTH].strip()

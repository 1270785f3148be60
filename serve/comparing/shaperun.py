"""A shape's run: ``sightline analyze`` in a process of its own, so that no shape knows of what another one started."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from serve.terminal.exits import say

if TYPE_CHECKING:
    from actors.document import Document

_ROOT = Path(__file__).resolve().parents[2]
_ENDS_BY_ITSELF_SECONDS, _ENDS_WHEN_TOLD_SECONDS = 3.0, 30.0
_PREFIX = "sightline: "


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a shape: the stream's document, or why there is none; and where its tables are."""

    shape: str
    results: str
    document: Document | None
    error: str | None


def run(shape: str, source: str, results: str, environment: Mapping[str, str]) -> Ran:
    """Analyse a source in a shape, from its start.

    What the process says on standard error, other than why it failed, is said on. An interrupt that comes while it is
    being started is held until it can be ended.

    Args:
        shape: Its name.
        source: A path or URL.
        results: Where its tables go.
        environment: Added to this process's.

    Raises:
        KeyboardInterrupt: It was interrupted, and the process has ended.
    """
    command = [
        sys.executable, "-P", "-m", "serve", "analyze", "--shape", shape, "--results", results, "--fresh", "--json",
        "--", source,
    ]  # fmt: skip
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
    held: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: held.append(number))
    try:
        process = subprocess.Popen(
            command, env={**os.environ, **environment, "PYTHONPATH": path}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
        )  # fmt: skip
    finally:
        signal.signal(signal.SIGINT, before)
    try:
        if held:
            raise KeyboardInterrupt
        out, err = process.communicate()
    except BaseException:
        _end(process)
        raise
    said = [line.removeprefix(_PREFIX) for line in err.splitlines() if line.strip()]
    document = _document(out)
    if document is None or document["status"] == "failed":
        why = document["error"] if document else said[-1] if said else f"ended with status {process.returncode}"
        return Ran(shape, results, None, why)
    for line in said:
        if line != document["error"]:
            say(f"{shape}: {line}")
    return Ran(shape, results, document, document["error"])


def _document(out: str) -> Document | None:
    """The stream's document; None where the process ended before it had written all of it."""
    try:
        streams: list[Document] = json.loads(out)["streams"]
    except ValueError:
        return None
    return streams[0] if streams else None


def _end(process: subprocess.Popen[str]) -> None:
    """End a process that may have been told so already, as by Ctrl-C in a terminal; it ends what it has started."""
    try:
        process.communicate(timeout=_ENDS_BY_ITSELF_SECONDS)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=_ENDS_WHEN_TOLD_SECONDS)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()

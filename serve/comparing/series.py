"""A series of runs: each shape in its turn, and each one's tables beside those of the first."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from actors.errors import StorageError
from serve.comparing.document import Shown
from serve.comparing.shaperun import Ran, run
from serve.terminal.exits import say

if TYPE_CHECKING:
    from actors.equality import Compared

_BUCKET = "SIGHTLINE_BUCKET"


def series(source: str, shapes: Sequence[str], folder: Path, bucket: str | None) -> list[Shown]:
    """Run every shape, and go on where one fails.

    Args:
        source: A path or URL.
        shapes: In their order.
        folder: Each shape's tables go into a folder of its name in it.
        bucket: For ``staged``; None starts a server of its own for it.
    """
    from actors.measuring import compile_all

    compile_all()
    found: list[Shown] = []
    baseline: str | None = None
    for number, shape in enumerate(shapes, 1):
        began = time.monotonic()
        with _told(f"{shape} ({number} of {len(shapes)})"):
            ran = _run(shape, source, folder, bucket)
        if ran.document is None or not ran.document["usage"]["media_seconds"]:
            why = ran.error or "nothing of the source could be analysed"
            say(f"{shape}: failed: {why}")
            found.append(Shown(shape, why))
            continue
        if ran.error:
            say(f"{shape}: {ran.error}")
        baseline = baseline or ran.results
        say(f"{shape}: {ran.document['usage']['cpu_seconds']:.1f} CPU seconds; {time.monotonic() - began:.1f} s in all")
        jpeg = _jpeg_bytes(source) if shape == "staged" else None
        found.append(Shown(shape, ran.error, ran.document, _compared(ran, baseline), jpeg))
    return found


def _run(shape: str, source: str, folder: Path, bucket: str | None) -> Ran:
    results = str(folder / shape)
    if shape != "staged":
        return run(shape, source, results, {})
    if bucket is not None:
        return run(shape, source, results, {_BUCKET: bucket})
    from cluster.bucketserver import ServerMissing, bucket_server

    try:
        with bucket_server() as server:
            return run(shape, source, results, {_BUCKET: server.url})
    except ServerMissing as error:
        return Ran(shape, results, None, str(error))


def _jpeg_bytes(source: str) -> float | None:
    """Of a picture of a source as JPEG, on average; None where it has none."""
    import av

    from actors import mjpeg

    try:
        return mjpeg.sample(source).mean_bytes or None
    except (av.error.FFmpegError, ValueError) as error:
        say(f"staged: its pictures as JPEG are not known: {error}")
        return None


def _compared(ran: Ran, baseline: str) -> Compared | None:
    """How a shape's tables compare; None where they cannot be read."""
    from actors.equality import compare

    try:
        return compare(ran.results, baseline)
    except StorageError as error:
        say(f"{ran.shape}: {error}")
        return None


@contextmanager
def _told(text: str) -> Iterator[None]:
    """Say what is under way, on a terminal as long as it is."""
    if not sys.stderr.isatty():
        say(text)
        yield
        return
    from rich.console import Console

    with Console(stderr=True, markup=False, highlight=False).status(text):
        yield

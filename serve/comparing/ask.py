"""What a comparison is asked for, seen to be possible before long work."""

from __future__ import annotations

import difflib
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

from actors.source import open_source
from actors.url import SourceError, is_url, shown
from cluster import bucketurl
from cluster.shape import Placed
from cluster.sources import UsageError, is_live
from serve.terminal.exits import CommandFailedError

SHAPES: tuple[str, ...] = get_args(Placed)
_NO_RAY = "needs Ray, which is not installed: pip install 'sightline[cluster]'"
_NO_BUCKET = "needs a bucket: name one by --bucket s3://BUCKET, or let one start here: pip install 'sightline[bucket]'"


def shapes(named: str | None, bucket: str | None) -> tuple[tuple[str, ...], dict[str, str]]:
    """Shapes to run, in their order, and those that cannot be run here, with the reason.

    Args:
        named: What the user named, between commas; None: all.
        bucket: URL of the bucket for ``staged``; None: a server of its own is started for it.

    Raises:
        UsageError: There is no such shape, one that was named cannot be run, or the bucket's URL is none.
    """
    if bucket is not None:
        bucketurl.parse(bucket)
    given = SHAPES if named is None else (name.strip() for name in named.split(","))
    wanted = tuple(dict.fromkeys(name for name in given if name))
    if not wanted:
        raise UsageError(f"--shapes: name at least one of {', '.join(SHAPES)}")
    for name in wanted:
        if name not in SHAPES:
            near = difflib.get_close_matches(name, SHAPES, 1)
            guess = f"; did you mean {near[0]}?" if near else ""
            raise UsageError(f"--shapes {name}: there is no such shape{guess} (allowed: {', '.join(SHAPES)})")
    skipped = {name: why for name in wanted if (why := _lacking(name, bucket))}
    if named is not None and skipped:
        name, why = next(iter(skipped.items()))
        raise UsageError(f"--shapes {name}: {why}")
    return tuple(name for name in wanted if name not in skipped), skipped


def readable(source: str) -> None:
    """See that a source can be opened, and ends.

    Raises:
        UsageError: It is live, or several.
        CommandFailedError: It cannot be read.
    """
    if is_live(source):
        raise _endless(source)
    try:
        with open_source(source) as opened:
            if opened.live:
                raise _endless(source)
    except SourceError as error:
        if error.kind == "folder":
            raise UsageError(f"{shown(source)}: is a folder; name one file or URL") from error
        raise CommandFailedError(str(error)) from error


def folder(results: str | None, held: ExitStack) -> Path:
    """Where tables go: the folder that was named, or one that is removed in the end.

    Raises:
        UsageError: It is no folder, or cannot be made.
    """
    if results is None:
        return Path(held.enter_context(TemporaryDirectory(prefix="sightline-compare-", ignore_cleanup_errors=True)))
    if is_url(results) or not results:
        raise UsageError(f"--results {shown(results)}: is no folder on this machine; name one")
    path = Path(results)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--results {results}: cannot be made ({error.strerror}); name another folder") from error
    return path


def _lacking(shape: str, bucket: str | None) -> str | None:
    """Why a shape cannot be run here."""
    if shape != "fused" and find_spec("ray") is None:
        return _NO_RAY
    if shape == "staged" and bucket is None and not (find_spec("moto") and find_spec("flask")):
        return _NO_BUCKET
    return None


def _endless(source: str) -> UsageError:
    return UsageError(
        f"{shown(source)}: is live, and each shape has to read the same; record a piece of it into a file first, and "
        "compare that"
    )

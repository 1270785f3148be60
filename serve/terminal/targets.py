"""Files that a command is asked to write: apart from what it reads, and seen to be writable before long work."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import combinations
from pathlib import Path
from typing import TextIO

from actors.errors import StorageError
from actors.url import SourceError, local_path, same_file
from cluster.sources import UsageError


def check(targets: Mapping[str, Path | None], read: Iterable[str]) -> None:
    """See that files can be written at the end, and that none of them is read, or written twice.

    Args:
        targets: By option.
        read: Sources, and whatever else is read: paths and URLs.

    Raises:
        UsageError: They cannot be written, or must not.
    """
    given = {option: path for option, path in targets.items() if path is not None}
    for option, path in given.items():
        _check_writable(option, path)
    for (one, path), (other, twin) in combinations(given.items(), 2):
        if _holds(path) and same_file(path, twin):
            raise UsageError(f"{one} {path} and {other} {twin} are one file; name two")
    kept = {key: (option, path) for option, path in given.items() if _holds(path) and (key := _key(path))}
    for source in read if kept else ():
        key = _key(_local(source))
        if key in kept:
            option, path = kept[key]
            raise UsageError(f"{option} {path}: would overwrite {source}, which is read; name another file")


def _holds(path: Path) -> bool:
    """Whether what is written there replaces what was there: not so with devices and pipes."""
    return path.is_file() or not path.exists()


def _key(path: Path | None) -> tuple[int, int] | None:
    """What two names of one file have in common; None where there is no file."""
    try:
        facts = None if path is None else os.stat(path)  # noqa: PTH116 - for each file of an archive
    except (OSError, ValueError):
        return None
    return facts and (facts.st_dev, facts.st_ino)


def _local(source: str) -> Path | None:
    try:
        return local_path(source)
    except SourceError:
        return None


def _check_writable(option: str, path: Path) -> None:
    """See, before long work, that a file can be written at its end; leave it as it is.

    Raises:
        UsageError: It cannot.
    """
    try:
        if path.is_fifo() or path.is_char_device():
            return
        new = not path.exists()
        path.open("a").close()
        if new:
            path.resolve().unlink()
    except OSError as error:
        why = f"{option} {path}: cannot be written ({error.strerror}); name a file in a folder that is there"
        raise UsageError(why) from error


@contextmanager
def writing(option: str, path: Path) -> Iterator[TextIO]:
    """A text file, written anew.

    Raises:
        StorageError: It cannot be written.
    """
    try:
        with path.open("w", encoding="utf-8", newline="") as target:
            yield target
    except OSError as error:
        raise StorageError(f"{option} {path}: cannot be written ({error.strerror})") from error

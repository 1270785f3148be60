"""Files of this machine: opened once, judged as they lie open, and explained where they cannot be read."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from actors.trust import Gate, NotTrusted
from actors.url import SourceError


class LocalFile(io.FileIO):
    """An open file, as the file object that PyAV reads."""

    error: SourceError | None = None


def open_file(path: Path, gate: Gate) -> LocalFile:
    """Open a regular file with something in it.

    For others it is judged by name first, so that nothing is told of what is outside; and once it is open by where it
    lies then, since a name may have come to lead elsewhere.

    Raises:
        SourceError: It cannot be read, or may not.
    """
    if gate.trust is not None:
        with _explained(path):
            _judge(path, os.path.realpath(path), gate)
    check_file(path)
    with _explained(path):
        file = LocalFile(os.fspath(path), opener=_without_waiting)
    try:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise _irregular(path)
        if gate.trust is not None:
            with _explained(path):
                _judge(path, _whereabouts(file), gate)
    except SourceError:
        file.close()
        raise
    return file


def check_file(path: Path) -> None:
    """See that a regular file with something in it can be read.

    Raises:
        SourceError: It cannot.
    """
    with _explained(path):
        if path.is_dir():
            next(path.iterdir(), None)
            raise SourceError(f"{path}: is a folder without media files; name its files, or --include them", "folder")
        if not path.exists():
            raise SourceError(f"{path}: no such file; check the path", "missing")
        if not path.is_file():
            raise _irregular(path)
        with path.open("rb") as handle:
            if not handle.read(1):
                raise SourceError(f"{path}: is empty; copy or record it again", "empty")


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except PermissionError as error:
        raise SourceError(f"{path}: may not be read; check its permissions", "permission") from error
    except (OSError, ValueError) as error:
        raise SourceError(f"{path}: cannot be read ({error})", "io") from error


def _irregular(path: Path) -> SourceError:
    return SourceError(f"{path}: is no regular file; copy its content into one", "not_a_file")


def _without_waiting(path: str, flags: int) -> int:
    """A pipe that has taken the place of a file must not make its reader wait for a writer."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)


def _judge(path: Path, real: str, gate: Gate) -> None:
    assert gate.trust is not None
    try:
        gate.trust.judge_file(real)
    except NotTrusted as error:
        raise gate.refuse(str(path), str(error)) from error


def _whereabouts(file: LocalFile) -> str:
    """The real path of an open file; where the system does not tell, that of its name, if it is still that file."""
    try:
        return str(Path(f"/proc/self/fd/{file.fileno()}").readlink())
    except FileNotFoundError:
        real = Path(os.path.realpath(file.name))
        return str(real) if os.path.samestat(real.stat(), os.fstat(file.fileno())) else ""

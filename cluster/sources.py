"""Which sources a command line names: files, URLs, folders, globs and manifests."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path

from actors.url import is_url, local_path

MEDIA_SUFFIXES = frozenset((
    ".3g2", ".3gp", ".aac", ".ac3", ".aif", ".aiff", ".amr", ".asf", ".avi", ".caf", ".dts", ".dv", ".eac3", ".f4v",
    ".flac", ".flv", ".gxf", ".h264", ".h265", ".hevc", ".ivf", ".m2p", ".m2t", ".m2ts", ".m2v", ".m4a", ".m4v",
    ".mka", ".mkv", ".mov", ".mp2", ".mp3", ".mp4", ".mpeg", ".mpg", ".mts", ".mxf", ".nut", ".oga", ".ogg", ".ogv",
    ".opus", ".rm", ".ts", ".vob", ".w64", ".wav", ".webm", ".wma", ".wmv", ".y4m",
))  # fmt: skip
"""Files of a folder that are taken without ``--include``."""


class UsageError(ValueError):
    """The command was not used as it can be; the message says how."""


def results_uri(text: str) -> str:
    """The URI of a results folder, as it was given.

    Raises:
        UsageError: It names nothing; it would be the folder that one happens to be in.
    """
    if not text.removeprefix("file://").strip():
        raise UsageError("name a folder or an s3:// URI for the results")
    return text


class UsageErrors(UsageError):
    """Several of them, each in a line of its own."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("; ".join(lines))
        self.lines = tuple(lines)


def is_live(source: str) -> bool:
    """Whether a source is known to be live before it is opened."""
    return source.lower().startswith("udp://")


def may_be_live(source: str) -> bool:
    """Whether a source may turn out to be live: by its name alone, of a valid one."""
    path = local_path(source)
    return path is None or path.suffix.lower() in {".m3u8", ".m3u"}


def manifest_lines(text: bytes) -> list[str]:
    """The sources that a manifest names.

    One in each line, blanks round it, empty lines and lines that begin with ``#`` left out; or, where the text holds a
    NUL (``find -print0``), one between each two of them, taken as they are. Names may be any bytes.
    """
    named = text.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    if "\0" in named:
        return [name for name in named.split("\0") if name]
    lines = (line.strip() for line in named.split("\n"))
    return [line for line in lines if line and not line.startswith("#")]


def expand(sources: Sequence[str], manifest: Iterable[str] = (), include: str | None = None) -> list[str]:
    """Every source that is named, each once, in the order of the command line and sorted within a folder.

    What does not exist stays in the list as it was written, and so do globs that match nothing, folders that may not be
    read and folders without media: that there is nothing is a result, and no reason to leave the others.

    Args:
        sources: Paths, folders, globs and URLs.
        manifest: More of them.
        include: A glob that file names in folders must match, instead of a known suffix.

    Raises:
        UsageError: If nothing is named.
    """
    found: dict[str, str] = {}
    for source in (*sources, *manifest):
        for path in _one(source, include):
            found.setdefault(path if is_url(path) else str(Path(path).absolute()), path)
    if not found:
        raise UsageError("no source is named: give files, folders, globs or URLs, or --from FILE with one in each line")
    return list(found.values())


def _one(source: str, include: str | None) -> Iterator[str]:
    if is_url(source):
        yield source
    elif os.path.isdir(source):  # noqa: PTH112 - pathlib's raises on a name that is too long
        yield from _walk(source, include)
    elif glob.has_magic(source) and not os.path.lexists(source):
        matches = sorted(glob.glob(source, recursive=True))  # noqa: PTH207 - pathlib's takes no absolute pattern
        yield from [match for match in matches if not os.path.isdir(match)] or [source]  # noqa: PTH112
    else:
        yield source


def _walk(folder: str, include: str | None) -> Iterator[str]:
    """Media files under a folder, without hidden ones; and the folder, and any under it, that gives no answer."""
    closed: list[str] = []
    files: list[str] = []
    for parent, folders, names in os.walk(folder, onerror=lambda error: closed.append(error.filename)):
        folders[:] = [name for name in folders if not name.startswith(".")]
        files += (str(Path(parent, name)) for name in names if _is_wanted(parent, name, include))
    yield from sorted([*files, *closed]) or [folder]


def _is_wanted(parent: str, name: str, include: str | None) -> bool:
    if name.startswith(".") or not (fnmatch(name, include) if include else _suffix(name) in MEDIA_SUFFIXES):
        return False
    path = Path(parent, name)
    return path.is_file() or path.is_symlink()


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()  # noqa: PTH122 - half of the time, for each file of an archive

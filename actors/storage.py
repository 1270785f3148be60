"""Where results lie, and what goes wrong there, in words that help."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pyarrow.fs as pafs
from deltalake.exceptions import DeltaError
from deltalake.fs import DeltaStorageHandler

from actors.errors import StorageError

FAILURES = (OSError, DeltaError)
"""What storage raises; :func:`permanent` and :func:`failed` word it."""

_MEND = "then run the same command again: what was committed is whole"
_REMEDIES = (
    (r"(os error|errno|code:) (28|122)\b|no space left", f"the disk is full: free some space, {_MEND}"),
    (
        r"(os error|errno|code:) (1|13|30)\b|access ?denied|forbidden",
        "it cannot be written: mend its permissions, or name another place",
    ),
    (r"(os error|errno|code:) (17|20|21)\b", "a file is in the way: remove it, or name another folder"),
    (r"nosuchbucket|bucket does not exist|bucket not found", "there is no such bucket: make it, or name another"),
    (r"invalidaccesskey|signaturedoesnotmatch|credential", "the bucket's credentials are missing or wrong"),
    (r"unknown scheme|invalid url", "name a folder or an s3:// URI"),
)


def located(uri: str) -> str:
    """A results URI in one form: an absolute path, or a URI with a scheme other than ``file``."""
    uri = uri.removeprefix("file://")
    return uri.rstrip("/") if "://" in uri else str(Path(uri).absolute())


def filesystem(uri: str, options: Mapping[str, str] | None = None) -> pafs.FileSystem:
    """The files under a URI that :func:`located` gave, by their relative paths. ``options``: of a bucket's client."""
    if "://" in uri:
        return pafs.PyFileSystem(DeltaStorageHandler(uri, dict(options or {})))
    return pafs.SubTreeFileSystem(uri, pafs.LocalFileSystem())


def permanent(uri: str, error: Exception) -> StorageError | None:
    """A failure that waiting will not mend; None where trying again may help."""
    what = remedy(error)
    return None if what is None else StorageError(f"{uri}: {what} ({one_line(error)})")


def remedy(error: Exception) -> str | None:
    """What to do about a failure that waiting will not mend."""
    text = one_line(error)
    return next((what for pattern, what in _REMEDIES if re.search(pattern, text, re.IGNORECASE)), None)


def failed(uri: str, what: str, error: Exception) -> StorageError:
    """A failure of something that is not tried again."""
    return permanent(uri, error) or StorageError(f"{uri}: {what} ({one_line(error)})")


def one_line(error: Exception) -> str:
    """An error's text without colours, arrows and line breaks."""
    return " ".join(re.sub(r"\x1b\[[0-9;]*m|↳", "", str(error)).split())

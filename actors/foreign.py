"""What lies in a results folder that Sightline did not write: it is never overwritten, and never deleted."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pyarrow.fs as pafs

from actors.errors import StorageError
from actors.storage import FAILURES, failed, filesystem

_HEX = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_DATA_FILE = re.compile(rf"day=\d{{4}}-\d\d-\d\d/(?:{_HEX}|part-\d{{5}}-{_HEX}-c\d{{3}}(?:\.[a-z0-9]+)?)\.parquet")
"""A data file of ours, or one that another engine wrote into a table of ours (``optimize``)."""

_EVIDENCE = re.compile(rf"{_HEX}\.(?:mkv|jpg)|\.{_HEX}")
"""A file of evidence, named by its incident; or one that was never finished."""


def refuse(root: str, names: Iterable[str]) -> None:
    """See that the folders of tables hold nothing but these: a table is only made where there is nothing yet.

    Raises:
        StorageError: One of them is somebody else's.
    """
    for name in names:
        for found in _listed(root, name):
            if found != "_delta_log":
                why = f"is no table of Sightline's, but a folder that holds other things ({found})"
                raise StorageError(f"{root}/{name}: {why}: name another results folder with --results")


def _listed(root: str, name: str) -> list[str]:
    """What is in the folder of a table that is none; nothing where there is a table, or no folder."""
    from deltalake import DeltaTable

    uri = f"{root}/{name}"
    try:
        if DeltaTable.is_deltatable(uri):
            return []
        selector = pafs.FileSelector(name, allow_not_found=True)
        return sorted(info.base_name for info in filesystem(root).get_file_info(selector))
    except FAILURES as error:
        raise failed(uri, "cannot be read", error) from error


def deletable(uri: str, path: str) -> bool:
    """Whether a file of a table that nothing refers to is one of ours, and lies where it seems to: behind no link."""
    if _DATA_FILE.fullmatch(path) is None:
        return False
    if "://" in uri:
        return True
    file = Path(uri, path)
    return not file.is_symlink() and not file.parent.is_symlink()


def evidence(name: str) -> bool:
    """Whether a file in the folder of evidence is one of ours."""
    return _EVIDENCE.fullmatch(name) is not None

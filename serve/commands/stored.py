"""Streams of a results folder, as commands that read one are asked for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from actors.reader import Reader
    from actors.stored import Stored

Results = Annotated[str, typer.Option(metavar="URI", help="Folder or s3:// URI of the result tables.")]

_LISTED = 20


def chosen(reader: Reader, named: Sequence[str]) -> dict[str, Stored]:
    """The streams that are named, or all, by name.

    Raises:
        UsageError: There is none of a name.
    """
    from cluster.sources import UsageError

    known = reader.streams(named)
    if missing := set(named) - set(known):
        names = list(reader.streams())
        listed = ", ".join(names[:_LISTED]) + (f" and {len(names) - _LISTED} more" if len(names) > _LISTED else "")
        raise UsageError(f"there is no stream {min(missing)!r} in the results; there are: {listed}")
    return known

"""A results URI as it is read: its streams in their newest judgement, and rows of its tables. Writes nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pyarrow as pa

from actors import stored
from actors.errors import StorageError
from actors.schema import COVERAGE, EVENTS, plain
from actors.storage import located
from actors.stored import Stored
from actors.tables import Table, Where, exists


class Reader:
    """Reads a results URI. Not safe for use by several threads at once."""

    def __init__(self, uri: str) -> None:
        """Begin.

        Raises:
            StorageError: There are no results.
        """
        self._root = located(uri)
        self._tables: dict[str, Table] = {}
        if not self.has("events"):
            raise StorageError(f"{self._root}: holds no results")

    def has(self, table: str) -> bool:
        """Whether there is a table of that name."""
        return table in self._tables or exists(self._root, table)

    def read(self, table: str, columns: Sequence[str] | None = None, where: Where = ()) -> pa.Table:
        """Rows of a table as it was when it was first read, sorted as :func:`actors.schema.order` says.

        Raises:
            StorageError: It cannot be read.
        """
        if table not in self._tables:
            self._tables[table] = Table(self._root, table)
        return self._tables[table].read(columns, where)

    def streams(self, names: Collection[str] = ()) -> dict[str, Stored]:
        """What is stored of streams, by name, sorted: of those that are named, or of all.

        Raises:
            StorageError: It cannot be read.
        """
        where: Where = [("stream", "in", sorted(names))] if names else []
        events = self.read("events", [name for name, _ in EVENTS], where)
        covered = plain(COVERAGE).remove(len(COVERAGE)).empty_table()
        if self.has("coverage"):
            covered = self.read("coverage", [name for name, _ in COVERAGE], where)
        return dict(sorted(stored.assemble(events, covered).items()))

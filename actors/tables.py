"""One Delta table at a time: opened and checked, read with pruning, and committed to on a known snapshot.

A results URI holds one table per folder. Every write is one atomic Delta commit on exactly the snapshot whose files
and transactions the caller has looked at. Where a rival was faster :class:`Conflict` says so, and nothing is done.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, Schema, Transaction
from deltalake.exceptions import CommitFailedError
from deltalake.transaction import AddAction, RemoveAction

from actors import datafile, foreign
from actors.errors import StorageError
from actors.schema import SCHEMA_VERSION, order
from actors.storage import FAILURES, failed, filesystem, one_line

Where = Sequence[tuple[str, str, Any]]
"""Conditions that must all hold: ``(column, "=" | "!=" | "<" | "<=" | ">" | ">=" | "in", value)``."""

_VERSION_KEY = "sightline.schema"
_CONFIGURATION = {
    _VERSION_KEY: str(SCHEMA_VERSION),
    "delta.checkpointInterval": "20",
    "delta.enableExpiredLogCleanup": "true",
    "delta.logRetentionDuration": "interval 5 minutes",
    "delta.deletedFileRetentionDuration": "interval 1 hours",
}


class SchemaError(StorageError):
    """A table was written by another version, or is none of ours."""


class Conflict(Exception):
    """Another writer committed first; nothing was committed."""


class Table:
    """A snapshot of one Delta table, with the transactions and files of exactly that version.

    Not safe for use by several threads at once.
    """

    def __init__(self, root: str, name: str) -> None:
        """Open an existing table.

        Raises:
            SchemaError: If another version of this program wrote it.
            StorageError: If it cannot be opened.
        """
        self.name = name
        self.uri = f"{root}/{name}"
        self.transactions: dict[str, int] = {}
        """The newest version of every application id."""
        self.version = -1
        try:
            self._delta = DeltaTable(self.uri)
            _check_version(self.uri, self._delta.metadata().configuration)
            self._files = filesystem(self.uri)
            self._load_checkpoint()
            self._read_log()
        except (*FAILURES, pa.ArrowException, ValueError) as error:
            raise failed(self.uri, "cannot be opened", error) from error
        self.schema: pa.Schema = pa.schema(self._delta.schema())

    def refresh(self) -> None:
        """Move to the newest version."""
        self._delta.update_incremental()
        self._read_log()

    def read(self, columns: Sequence[str] | None = None, where: Where = ()) -> pa.Table:
        """Rows of this snapshot, sorted as :func:`actors.schema.order` says; files are pruned by their statistics.

        Raises:
            actors.datafile.DamagedError: A file is damaged, or gone.
        """
        conditions, pinned = list(where), {column for column, sign, _ in where if sign == "="}
        keys = [name for name in order(self.name) if name in self.schema.names and name not in pinned]
        wanted = self.schema.names if columns is None else list(columns)
        dataset = self._delta.to_pyarrow_dataset(filesystem=self._files, file_pruning_predicate=conditions or None)
        try:
            rows = dataset.to_table(
                columns=list(dict.fromkeys([*wanted, *keys])),
                filter=pq.filters_to_expression(_bounded(conditions)) if conditions else None,
            )
        except datafile.READ_FAILURES as error:
            raise self._unreadable(error, self.files()["path"].to_pylist()) from error
        return _ordered(rows, keys).select(wanted)

    def files(self) -> pa.Table:
        """Data files of this snapshot: ``path``, ``size_bytes``, ``num_records``, ``day``."""
        actions = pa.table(self._delta.get_add_actions(flatten=True))
        names = ["path", "size_bytes", "num_records", "partition.day"]
        return actions.select(names).rename_columns([*names[:3], "day"])

    def read_file(self, path: str, columns: Sequence[str] | None = None) -> pa.Table:
        """Rows of one data file, in its order, without ``day``. Columns it was written without are null.

        Raises:
            actors.datafile.DamagedError: It is damaged, or gone.
        """
        try:
            rows = datafile.read(self._files, path, columns)
        except datafile.READ_FAILURES as error:
            raise self._unreadable(error, [path]) from error
        return self.conform(rows, columns)

    def _unreadable(self, error: Exception, paths: Sequence[str]) -> Exception:
        """Why files cannot be read; an error of the storage itself stays what it is, and may be tried again."""
        if found := datafile.damaged(self.uri, self._files, paths, error):
            return found
        return error if isinstance(error, OSError) else failed(self.uri, "cannot be read", error)

    def conform(self, rows: pa.Table, columns: Sequence[str] | None = None) -> pa.Table:
        """Rows with this table's columns and types, without ``day``; what is missing is null.

        Raises:
            ValueError: If there is a column that the table does not have.
        """
        fields = [field for field in self.schema if field.name != "day" and (columns is None or field.name in columns)]
        given = dict(zip(rows.schema.names, rows.columns, strict=True))
        if unknown := given.keys() - {field.name for field in fields}:
            raise ValueError(f"table {self.name} has no column {', '.join(sorted(unknown))}")
        arrays = [_typed(given.get(field.name, pa.nulls(len(rows), pa.null())), field.type) for field in fields]
        return pa.table(arrays, schema=pa.schema(fields))

    def write(self, rows: pa.Table, day: date, *, change: bool = True) -> AddAction:
        """Write a data file (rows without ``day``), which no reader sees before it is committed."""
        keys = [name for name in order(self.name) if name in rows.schema.names]
        return datafile.write(self._files, rows, day, keys, change=change)

    def commit(
        self,
        adds: Sequence[AddAction],
        removes: Iterable[RemoveAction] = (),
        transactions: Mapping[str, int] | None = None,
    ) -> None:
        """Commit files and transactions at once, on this snapshot, and move to the version that it makes.

        Raises:
            Conflict: If this snapshot is not the newest. Nothing was committed.
        """
        marks = dict(transactions or {})
        properties = CommitProperties(
            max_commit_retries=0, app_transactions=[Transaction(app, version) for app, version in marks.items()]
        )
        try:
            self._delta.create_write_transaction(
                [*removes, *adds], "append", self._delta.schema(), ["day"], commit_properties=properties
            )
        except CommitFailedError as error:
            raise Conflict(one_line(error)) from error
        self.version += 1
        self.transactions.update(marks)
        self.refresh()

    def vacuum(self, hours: int) -> list[str]:
        """Delete data files that no version of the last ``hours`` refers to, also those of killed writers.

        Delta names every file in the table's folder; deleted are only those that Sightline wrote.
        """
        unused = self._delta.vacuum(hours, dry_run=True, enforce_retention_duration=False, full=True)
        gone = [path for path in unused if foreign.deletable(self.uri, path)]
        for path in gone:
            with suppress(FileNotFoundError):
                self._files.delete_file(path)
        return gone

    def add_columns(self, schema: pa.Schema) -> None:
        """Give the table the columns of a schema that it does not have.

        Raises:
            SchemaError: If it has one of them with another type.
        """
        while missing := [field for field in schema if field.name not in self.schema.names]:
            with suppress(CommitFailedError):
                self._delta.alter.add_columns(Schema.from_arrow(pa.schema(missing)).fields)
            self.refresh()
            self.schema = pa.schema(self._delta.schema())
        for field in schema:
            if (there := self.schema.field(field.name).type) != field.type:
                raise SchemaError(f"{self.uri}: column {field.name} is {there}, not {field.type}: name another folder")

    def _read_log(self) -> None:
        """Take in the transactions of commits up to the version of the handle."""
        while self.version < self._delta.version():
            try:
                with self._files.open_input_stream(f"_delta_log/{self.version + 1:020}.json") as stream:
                    lines = stream.read().splitlines()
            except FileNotFoundError:
                self._load_checkpoint()
                continue
            marks = (json.loads(line)["txn"] for line in lines if line.startswith(b'{"txn"'))
            self.transactions.update({mark["appId"]: mark["version"] for mark in marks})
            self.version += 1

    def _load_checkpoint(self) -> None:
        """Begin again at the log's newest checkpoint: older commits may be cleaned away."""
        try:
            with self._files.open_input_stream("_delta_log/_last_checkpoint") as stream:
                version = int(json.loads(stream.read())["version"])
        except FileNotFoundError:
            version = -1
        if version <= self.version:
            if self.version >= 0:
                raise StorageError(f"{self.uri}: its log lacks commit {self.version + 1}: name another folder")
            return
        with self._files.open_input_file(f"_delta_log/{version:020}.checkpoint.parquet") as file:
            marks = pq.read_table(file, columns=["txn"])["txn"].drop_null().to_pylist()
        self.transactions = {mark["appId"]: mark["version"] for mark in marks}
        self.version = version
        if self._delta.version() < version:
            self._delta.update_incremental()


def exists(root: str, name: str) -> bool:
    """Whether a results URI holds a table of that name."""
    return bool(DeltaTable.is_deltatable(f"{root}/{name}"))


def create(root: str, name: str, schema: pa.Schema) -> Table:
    """Open a table for writing; make it where there is none, and give it columns that are new.

    Raises:
        SchemaError: If another version of this program wrote it, or a column has another type.
        StorageError: If it can be neither opened nor made.
    """
    uri = f"{root}/{name}"
    keys = ",".join(column for column in order(name) if column in schema.names)
    try:
        if not exists(root, name):
            with suppress(CommitFailedError):
                DeltaTable.create(
                    uri, schema, mode="ignore", partition_by=["day"], raise_if_key_not_exists=False,
                    configuration={**_CONFIGURATION, "delta.dataSkippingStatsColumns": keys},
                )  # fmt: skip
        table = Table(root, name)
        table.add_columns(schema)
    except FAILURES as error:
        raise failed(uri, "cannot be made", error) from error
    return table


def _check_version(uri: str, configuration: Mapping[str, str]) -> None:
    found = configuration.get(_VERSION_KEY)
    if found is None:
        raise SchemaError(f"{uri}: is a Delta table but not one of Sightline's: name another results folder")
    if int(found) > SCHEMA_VERSION:
        raise SchemaError(f"{uri}: has schema {found}, newer than {SCHEMA_VERSION}: upgrade Sightline to read it")
    if int(found) < SCHEMA_VERSION:
        raise SchemaError(f"{uri}: has schema {found}, older than {SCHEMA_VERSION}: name another results folder")


def _bounded(where: Where) -> list[tuple[str, str, Any]]:
    """The conditions, with two bounds for an equality: where a file's own prove both, its rows need no filter."""
    return [(name, each, value) for name, sign, value in where for each in ((">=", "<=") if sign == "=" else (sign,))]


def _ordered(rows: pa.Table, keys: Sequence[str]) -> pa.Table:
    """Rows sorted. By one number, stretches that rise are laid in a row: to move wide rows costs far more than that."""
    if not (keys and rows.num_rows):
        return rows
    if len(keys) == 1 and pa.types.is_integer(rows.schema.field(keys[0]).type) and not rows[keys[0]].null_count:
        number = rows[keys[0]].to_numpy()
        edges = np.concatenate(([0], np.flatnonzero(np.diff(number) < 0) + 1, [len(number)]))
        first, stop = (each[np.argsort(number[edges[:-1]], kind="stable")] for each in (edges[:-1], edges[1:]))
        if (number[stop[:-1] - 1] <= number[first[1:]]).all():
            return pa.concat_tables([rows.slice(*each) for each in zip(first, stop - first, strict=True)])
    return rows.sort_by([(name, "ascending") for name in keys])


def _typed(values: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    return values if values.type == kind else values.cast(kind)

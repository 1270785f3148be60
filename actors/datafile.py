"""The Parquet files of a table: written so that queries pass over what they need not read, and read with care."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.fs as pafs
import pyarrow.parquet as pq
from deltalake.transaction import AddAction

from actors.errors import StorageError
from actors.storage import one_line, permanent

READ_FAILURES = (OSError, pa.ArrowException)
"""What reading a damaged file raises."""

_ROW_GROUP = 16_384


class DamagedError(StorageError):
    """A data file is damaged or gone: waiting will not mend it."""


def read(files: pafs.FileSystem, path: str, columns: Sequence[str] | None) -> pa.Table:
    """Rows of a file, in its order."""
    with files.open_input_file(path) as file:
        return pq.ParquetFile(file).read(columns=None if columns is None else list(columns))


def damaged(uri: str, files: pafs.FileSystem, paths: Iterable[str], error: Exception) -> DamagedError | None:
    """Which file of a table made reading fail; None if each can be read, or the storage itself is what failed."""
    if permanent(uri, error) or ("://" in uri and isinstance(error, OSError)):
        return None
    for path in paths:
        try:
            read(files, path, None)
        except READ_FAILURES as found:
            root = uri.rpartition("/")[0]
            remedy = f"see `sightline verify --results {root}`, and name another results folder or restore it"
            return DamagedError(f"{uri}/{path}: is damaged or gone ({one_line(found)}); {remedy}")
    return None


def write(files: pafs.FileSystem, rows: pa.Table, day: date, keys: Sequence[str], *, change: bool) -> AddAction:
    """Write rows, with statistics on the columns ``keys`` alone."""
    path = f"day={day}/{uuid.uuid4()}.parquet"
    texts = [field.name for field in rows.schema if field.type == pa.string()]
    try:
        files.create_dir(f"day={day}", recursive=True)
        with files.open_output_stream(path) as out:
            pq.write_table(
                rows, out, row_group_size=_ROW_GROUP, compression="zstd", compression_level=1, write_statistics=keys,
                use_dictionary=texts,
            )  # fmt: skip
            size = out.tell()
    except OSError:
        with suppress(OSError):
            files.delete_file(path)
        raise
    now = time.time_ns() // 1_000_000
    return AddAction(path, size, {"day": str(day)}, now, change, json.dumps(_statistics(rows, keys)))


def _statistics(rows: pa.Table, keys: Sequence[str]) -> dict[str, Any]:
    """File statistics as Delta's protocol words them."""
    bounds = {key: pc.min_max(rows[key]).as_py() for key in keys}
    known = {key: bound for key, bound in bounds.items() if bound["min"] is not None}
    return {
        "numRecords": len(rows),
        "minValues": {key: bound["min"] for key, bound in known.items()},
        "maxValues": {key: bound["max"] for key, bound in known.items()},
        "nullCount": {key: rows[key].null_count for key in keys},
    }

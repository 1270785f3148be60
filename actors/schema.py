"""Every Arrow schema, once. A row's key is (stream, run, epoch, wrap, track, pts), and ``row`` within one run."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from actors.measure import Metric

SCHEMA_VERSION = 1

_ARROW = {
    "float64": pa.float64(), "float32": pa.float32(), "int64": pa.int64(), "int32": pa.int32(),
    "uint16": pa.int32(),  # Delta has no unsigned types
    "bool": pa.bool_(), "string": pa.string(),
}  # fmt: skip

KEY = (
    ("stream", pa.string()),
    ("run", pa.int32()),  # rises when the source is analysed afresh
    ("track", pa.string()),
    ("epoch", pa.int32()),
    ("wrap", pa.int32()),
    ("pts", pa.int64()),
)

MEASURED = (
    *KEY,
    ("row", pa.int64()),  # ordinal within track and run, from 0
    ("window", pa.int32()),
    ("time", pa.int64()),  # ticks on the track's timeline
    ("duration", pa.int64()),  # ticks
    ("base_num", pa.int64()),
    ("base_den", pa.int64()),
    ("start_seconds", pa.float64()),  # time in seconds since the stream's first PTS
    ("format", pa.string()),
)

LONG = (
    ("metric", pa.string()),  # of a user's model: model.metric
    ("value", pa.float64()),
    ("why", pa.string()),  # there is no value; null where there is one
)
"""What a row of the table ``metrics`` has instead of a column for each metric."""

DAY = (("day", pa.date32()),)  # UTC day of the commit: the partition

COVERAGE = (
    ("stream", pa.string()),
    ("run", pa.int32()),
    ("track", pa.string()),
    ("epoch", pa.int32()),
    ("window", pa.int32()),
    ("start", pa.int64()),
    ("end", pa.int64()),
    ("base_num", pa.int64()),
    ("base_den", pa.int64()),
    ("state", pa.string()),  # analysed, dropped, unreachable
    ("reason", pa.string()),
)

EVENTS = (
    ("stream", pa.string()),
    ("run", pa.int32()),
    ("judgement", pa.int32()),  # rises when stored measurements are judged again
    ("sequence", pa.int64()),  # of the stream, from 0
    ("kind", pa.string()),  # opened, updated, closed, marker, checkpoint
    ("id", pa.string()),
    ("detector", pa.string()),
    ("version", pa.int32()),
    ("track", pa.string()),
    ("part", pa.string()),
    ("base_num", pa.int64()),
    ("base_den", pa.int64()),
    ("at", pa.int64()),
    ("start_epoch", pa.int32()),
    ("start_wrap", pa.int32()),
    ("start_pts", pa.int64()),
    ("start", pa.int64()),
    ("end", pa.int64()),
    ("severity", pa.string()),
    ("peak", pa.float64()),
    ("unit", pa.string()),
    ("cause", pa.string()),
    ("message", pa.string()),
    ("explained_by", pa.string()),
    ("state", pa.string()),  # of a checkpoint: JSON (see actors.checkpoint)
)

COMMITTED = (
    ("commit", pa.int64()),  # version of the table that the event came with
    ("place", pa.int32()),  # its place within that commit, from 0
    ("recorded_at", pa.timestamp("us", tz="UTC")),
)
"""What the recorder adds to events: with (commit, place) they have one order, which no compaction changes."""

USAGE = (  # null where an earlier version has written the row
    ("stream", pa.string()),
    ("run", pa.int32()),
    ("shape", pa.string()),
    ("cpu_seconds", pa.float64()),
    ("cpu_decode_seconds", pa.float64()),  # the source included
    ("cpu_picture_seconds", pa.float64()),  # wherever pictures are measured, and carrying them there
    ("cpu_other_seconds", pa.float64()),  # sound, judging, commits
    ("wall_seconds", pa.float64()),
    ("media_seconds", pa.float64()),  # that were analysed, of the longest track
    ("peak_memory_bytes", pa.int64()),
    ("batches", pa.int64()),
    ("copies", pa.int64()),
    ("bytes_direct", pa.int64()),
    ("bytes_object_store", pa.int64()),
    ("bytes_network", pa.int64()),
    ("bytes_bucket", pa.int64()),
    ("requests_bucket", pa.int64()),
    ("requests_put", pa.int64()),
    ("requests_get", pa.int64()),
    ("requests_list", pa.int64()),
    ("requests_delete", pa.int64()),
    ("transitions", pa.int64()),
    ("functions", pa.int64()),
    ("function_gb_seconds", pa.float64()),
    ("frames_decoded_again", pa.int64()),
)

SECONDS = (
    ("table", pa.string()),  # the table whose rows were rolled up
    ("stream", pa.string()),
    ("run", pa.int32()),
    ("track", pa.string()),
    ("epoch", pa.int32()),
    ("second", pa.int64()),  # whole seconds since the stream's first PTS
    ("metric", pa.string()),
    ("rows", pa.int64()),  # with a value
    ("min", pa.float64()),
    ("mean", pa.float64()),
    ("max", pa.float64()),
)

ORDER = {
    "metrics": ("stream", "run", "track", "row", "metric"),
    "coverage": ("stream", "run", "track", "start"),
    "events": ("stream", "run", "judgement", "sequence"),
    "usage": ("stream", "run"),
    "seconds": ("stream", "run", "table", "track", "second", "metric"),
}
"""How a table's rows are sorted where they are read or rewritten; these columns carry file statistics."""

MEASURED_ORDER = ("stream", "run", "track", "row")


def order(table: str) -> tuple[str, ...]:
    """The sorting columns of a table."""
    return ORDER.get(table, MEASURED_ORDER)


def metric_type(metric: Metric) -> pa.DataType:
    """The Arrow type of a metric's column."""
    plain = _ARROW[metric.dtype]
    return pa.list_(plain) if metric.width else plain


def measured(metrics: Iterable[Metric]) -> pa.Schema:
    """Schema of a table of measurements (``video``, ``audio``, ``packets``)."""
    return pa.schema([*MEASURED, *((metric.name, metric_type(metric)) for metric in metrics), *DAY])


def long() -> pa.Schema:
    """Schema of the table ``metrics``: a row for each picture and metric of users' models."""
    return pa.schema([*MEASURED, *LONG, *DAY])


def plain(columns: Iterable[tuple[str, pa.DataType]]) -> pa.Schema:
    """Schema of a table without metrics."""
    return pa.schema([*columns, *DAY])

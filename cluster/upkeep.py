"""What is done to the tables after an analysis, so that they stay small and quick."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime

from actors import maintenance, stored
from actors.measuring import METRICS
from actors.recorder import Recorder, parts
from actors.schema import SECONDS, plain
from actors.tables import Table, create
from actors.url import is_url


def tidy(recorder: Recorder, streams: Mapping[str, str], now: datetime | None = None) -> None:
    """Delete what newer runs supersede, roll up old rows of live streams, merge small files, delete unused ones.

    Costs a few milliseconds where there is nothing to do.

    Args:
        recorder: Of the results.
        streams: Those just analysed: sources by name.
        now: The time; the present by default.

    Raises:
        StorageError: If the storage fails. Nothing is lost then, and the next call goes on.
    """
    runs = _superseding(recorder, streams)
    live = _live(recorder, [stream for stream, source in streams.items() if is_url(source)])
    seconds = create(recorder.uri, "seconds", plain(SECONDS)) if live else None

    def tend(table: Table) -> None:
        if runs:
            maintenance.supersede(table, runs)
        if seconds is not None and table.name in (*METRICS, "metrics"):
            maintenance.roll_up(table, seconds, live, now or datetime.now(UTC))
        maintenance.compact(table)
        maintenance.vacuum(table)

    recorder.tend(tend)


def _superseding(recorder: Recorder, streams: Collection[str]) -> dict[str, int]:
    """The newest run of the streams of which an older one is still stored. Events are the last that are deleted."""
    newest: dict[str, int] = {}
    for app in recorder.applications("events"):
        stream, run, _ = parts(app)
        if run > 0 and stream in streams:
            newest[stream] = max(run, newest.get(stream, 0))
    if not newest:
        return {}
    rows = recorder.read("events", ["stream", "run"], [("run", "<", max(newest.values()))])
    there = rows.group_by(["stream", "run"]).aggregate([]).to_pylist()
    old = {row["stream"] for row in there if row["run"] < newest.get(row["stream"], 0)}
    return {stream: newest[stream] for stream in old}


def _live(recorder: Recorder, streams: Collection[str]) -> set[str]:
    found = stored.load(recorder, streams) if streams else {}
    return {name for name, kept in found.items() if (kept.checkpoint.summary or {}).get("live")}

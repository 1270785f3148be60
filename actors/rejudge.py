"""Stored measurements judged again with other thresholds: no source is opened, nothing is decoded."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from actors import rows as arrow
from actors.checkpoint import Checkpoint, Work
from actors.detectors import DETECTORS, build, needed_metrics
from actors.errors import SettingError
from actors.incident import Event
from actors.journal import Journal
from actors.judging import AnyDetector, Judges
from actors.kept import kept, unexplained
from actors.measure import Rows
from actors.measuring import FRAME_METRICS, METRICS
from actors.media import Table
from actors.recorder import Recorder
from actors.stored import Stored, load
from actors.summary import tracks as summary_tracks
from actors.summary import verdicts
from actors.tables import Where

Read = Callable[[str, Sequence[str], Where], pa.Table]
"""Columns of a table's rows."""

WINDOWS = 64
"""Windows that are read at once: an hour of a file."""

_PLACE = ("track", "row", "window", "format", "base_num", "base_den", "epoch", "wrap", "pts", "time", "duration")
_ALWAYS = frozenset(metric.name for metric in (*FRAME_METRICS, *METRICS["packets"]))
"""Metrics that are stored whatever was asked for."""


class NotStoredError(SettingError):
    """A judgement needs what the tables do not hold; the message names it, and says what to do."""


@dataclass(frozen=True, slots=True)
class Again:
    """A stream as it is judged again. ``events``: all of them, in the order of media time."""

    work: Work
    detectors: Sequence[AnyDetector]
    judges: Judges
    events: Sequence[Event]


def wanted(
    stream: str, stored: Stored, names: Sequence[str] | None, sets: Mapping[str, Mapping[str, object]]
) -> tuple[Work, list[AnyDetector]]:
    """What a stream is to be judged for: with the thresholds that it was judged with, and those that are set now.

    Args:
        stream: Its name.
        stored: What there is of it.
        names: Of detectors; those that it was judged for if None.
        sets: Other thresholds, by detector and field.

    Raises:
        NotStoredError: Something that is asked for is not told by rows.
        SettingError: A detector, a field or a value that there is not.
    """
    before = stored.checkpoint.work
    chosen = list(names) if names is not None else [name for name in before.detectors if name in DETECTORS]
    settings = json.loads(before.settings)
    build(chosen, {name: settings.get(name, {}) for name in chosen if name in DETECTORS})
    for name in sets:
        if name in before.models or (name in before.detectors and name not in DETECTORS):
            raise NotStoredError(f"{stream}: {name} judges a model of yours: change its file, and `analyze --model` it")
        if name == "stalled":
            raise NotStoredError(f"{stream}: stalled is told by silence, of which there are no rows: analyze it anew")
        if name in DETECTORS and name not in chosen:
            raise SettingError(f"{stream}: {name} is not judged; name it in --detectors, with the others wanted")
    merged = {name: {**settings.get(name, {}), **sets.get(name, {})} for name in {*chosen, *sets}}
    detectors = build(chosen, merged)
    if _live(stored) and "stalled" in chosen and "stalled" not in before.detectors:
        raise NotStoredError(f"{stream}: stalled is told by silence, of which there are no rows: analyze it anew")
    own = {name: settings[name] for name in before.detectors if name not in DETECTORS and name in settings}
    given = own | {detector.name: detector.settings.model_dump(mode="json") for detector in detectors}
    versions = {name: version for name, version in before.detectors.items() if name not in DETECTORS}
    versions = {detector.name: detector.version for detector in detectors} | versions
    return replace(before, detectors=versions, settings=json.dumps(given, sort_keys=True)), detectors


def rejudge(stream: str, stored: Stored, work: Work, detectors: Sequence[AnyDetector], read: Read) -> Again:
    """Judge a finished stream again: its rows by the detectors that are set otherwise, see :func:`actors.kept.kept`.

    What the others found is taken over, and what no rows tell of (a silent source, a decoder that crashed, users'
    models). Which incident is the cause of which is told anew.

    Args:
        stream: Its name.
        stored: What there is of it.
        work: As :func:`wanted` gives it.
        detectors: As :func:`wanted` gives them.
        read: Reads rows.

    Raises:
        NotStoredError: A metric that is needed was not measured, or old rows are kept as seconds only.
        actors.storage.StorageError: The tables cannot be read.
    """
    names = kept(stored, detectors)
    others = [detector for detector in detectors if detector.name not in names]
    judges = Judges(stream, detectors)
    judges.keep(names, stored.checkpoint)
    tables = {detector.table for detector in others}
    judges.expect_pairs(name for name in stored.checkpoint.windows if name.partition("/")[0] in tables)
    found = unexplained(event for event in stored.events if event.detector in names)
    found.sort(key=_at)
    events: list[Event] = []
    for rows in _read(stream, stored, others, read):
        reached = bisect_right(found, rows.base.exact(int(rows.columns["time"][-1])), key=_at)
        events += judges.offer(found[:reached])
        del found[:reached]
        events += judges.judge(rows)
    events += judges.offer(found)
    events += judges.finish(whole=(stored.checkpoint.summary or {}).get("status") == "completed" and not _live(stored))
    events += [event for event in stored.events if event.detector not in DETECTORS]
    return Again(work, detectors, judges, sorted(events, key=_at))


def _read(stream: str, stored: Stored, detectors: Sequence[AnyDetector], read: Read) -> Iterator[Rows]:
    """The rows that detectors judge, so many windows of each track after another."""
    needed, known = needed_metrics(detectors), _measured(stored.checkpoint.work)
    tables = {detector.table for detector in detectors}
    pairs = [name for name in stored.checkpoint.windows if name.partition("/")[0] in tables]
    last = max((stored.checkpoint.windows[name] for name in pairs), default=-1)
    for first in range(0, last + 1, WINDOWS):
        for name in pairs:
            kind, _, track = name.partition("/")
            table: Table = kind  # type: ignore[assignment]
            where = _of(stream, stored, track)
            if last >= WINDOWS:
                where += [("window", ">=", first), ("window", "<", first + WINDOWS)]
            found = read(table, [*_PLACE, *sorted(needed[table])], where)
            if not first:
                _whole(stream, name, found)
            _there(stream, name, found, needed[table] - known, detectors)
            yield from _rows(found, table, needed[table])


def write(recorder: Recorder, stream: str, stored: Stored, again: Again) -> None:
    """Commit it as the stream's newest judgement, which is the one that is shown from then on.

    Raises:
        NotStoredError: The stream has been analysed or judged meanwhile.
        actors.storage.StorageError: The tables cannot be written.
    """
    old = stored.checkpoint
    fence = recorder.claim([stream])[stream]
    if load(recorder, [stream])[stream].checkpoint != old:
        raise NotStoredError(f"{stream}: was analysed or judged meanwhile; run the same command again")
    facts = old.summary or {}
    summary = {
        **facts, "entries": summary_tracks(facts["tracks"], stored.coverage, again.judges),
        "verdicts": [
            *verdicts(again.detectors, facts["tracks"], again.judges, live=_live(stored)),
            *(verdict for verdict in facts["verdicts"] if verdict["detector"] not in DETECTORS),
        ],
    }  # fmt: skip
    begun = Checkpoint(
        again.work, old.run, old.judgement + 1, old.sequence, covered=old.covered, windows=old.windows,
        summary=summary, live=old.live,
    )  # fmt: skip
    journal = Journal(stream, recorder, fence, again.judges, begun, recorded=lambda name: -1, when="end")
    journal.note(again.events)
    journal.flush()


def restarts(stored: Stored) -> int:
    """How often a live stream's owner was restarted: incidents told by packets end there, which no row says."""
    return sum(
        stretch.reason.startswith("not watched") for _, of in stored.coverage.values() for stretch in of
    )  # fmt: skip


def _live(stored: Stored) -> bool:
    return bool((stored.checkpoint.summary or {}).get("live"))


def _of(stream: str, stored: Stored, track: str) -> list[tuple[str, str, Any]]:
    return [("stream", "=", stream), ("run", "=", stored.checkpoint.run), ("track", "=", track)]


def _measured(work: Work) -> frozenset[str]:
    """The metrics that were certainly measured: those of the detectors that it was judged for, in this version."""
    names = [name for name, version in work.detectors.items() if name in DETECTORS and _version(name) == version]
    return _ALWAYS.union(*needed_metrics(build(names, {})).values())


def _version(name: str) -> int:
    return DETECTORS[name].version


def _at(event: Event) -> Fraction:
    return event.base.exact(event.at)


def _whole(stream: str, name: str, rows: pa.Table) -> None:
    if len(rows) and rows["row"][0].as_py():
        raise NotStoredError(
            f"{stream}: the older rows of {name} are kept as seconds only, which cannot be judged again"
        )


def _there(
    stream: str, name: str, rows: pa.Table, doubtful: Collection[str], detectors: Sequence[AnyDetector]
) -> None:  # fmt: skip
    """See that metrics which earlier detectors did not need are there all the same."""
    for metric in sorted(doubtful):
        column = rows[metric]
        if pa.types.is_list(column.type):
            column = pc.list_value_length(column)
            column = column.filter(pc.fill_null(pc.greater(column, 0), False))
        if len(rows) and column.null_count == len(column):
            who = next(detector.name for detector in detectors if metric in detector.metrics)
            raise NotStoredError(
                f"{stream}: {who} needs {metric} of {name}, which was not measured: `analyze` it with {who}, or leave "
                f"{who} out of --detectors"
            )


def _rows(found: pa.Table, table: Table, needed: Collection[str]) -> Iterator[Rows]:
    metrics = [metric for metric in METRICS[table] if metric.name in needed]
    return arrow.from_arrow(found, table, metrics, windows=False)

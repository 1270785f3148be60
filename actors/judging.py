"""All judges of one stream: rows in, events in order of media time out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from actors import state as states
from actors.checkpoint import Checkpoint, Head
from actors.clock import TimeBase
from actors.detectors.av_skew import AvSkew, Track
from actors.detectors.av_sync import AvSync
from actors.detectors.loudness import Loudness
from actors.detectors.model import ModelJudge
from actors.detectors.stalled import Stalled
from actors.explain import ExplainState, explain
from actors.incident import Detector, Doubting, Event
from actors.measure import Columns, Rows
from actors.media import Table
from actors.sync import SyncState, doubt, sync

AnyDetector = Detector[Any, Any]
_NEVER = Fraction(-(10**12))
_KEY = ("epoch", "wrap", "pts", "time", "duration")


def pair(table: Table, track: str) -> str:
    """The name of one sequence of rows: ``video/v:0``."""
    return f"{table}/{track}"


def pairs_of(tracks: Sequence[str]) -> list[str]:
    """Every sequence of rows of a stream's tracks."""
    kinds: dict[str, Table] = {"v": "video", "a": "audio"}
    own = [pair(kinds[track[0]], track) for track in tracks]
    return own + [pair("packets", track) for track in tracks]


class Judges:
    """Holds the detectors' states for the tracks of one stream, and explains what they find."""

    def __init__(self, stream: str, detectors: Sequence[AnyDetector]) -> None:
        self._stream = stream
        self._detectors = detectors
        self._states: dict[tuple[str, str], Any] = {}
        self._kept: frozenset[str] = frozenset()
        self._explain, self._sync = ExplainState(), SyncState()
        self._heads: dict[str, Head] = {}
        self._watermarks: dict[str, Fraction | None] = {}
        self.judged: dict[str, int] = {}
        self.found: dict[str, int] = {}
        self.patience_seconds: Fraction | None = None
        """How long, in media time, events wait for a track that gives no rows; None: for ever."""

    def expect(self, tracks: Sequence[str]) -> None:
        """Tracks of which rows will come: no event is settled before all of them have been judged up to it."""
        models = any(detector.table == "metrics" for detector in self._detectors)
        names = pairs_of(tracks)
        self.expect_pairs(names + [pair("metrics", track) for track in tracks if models and track.startswith("v")])

    def expect_pairs(self, names: Iterable[str]) -> None:
        """The same, of some sequences of rows of tracks only."""
        for name in names:
            self._watermarks.setdefault(name, _NEVER)

    def keep(self, names: Iterable[str], checkpoint: Checkpoint) -> None:
        """Detectors that are as they ended: their events come by :meth:`offer`, and no row is judged for them.

        Args:
            names: Of them.
            checkpoint: What they remember; and where the sequences of rows ended that no other detector judges.
        """
        self._kept = frozenset(names)
        self._load({key: text for key, text in checkpoint.states.items() if key.partition("|")[0] in self._kept})
        self.judged = {name: count for name, count in checkpoint.judged.items() if not self._of(_table(name))}
        self._heads = {name: head for name, head in checkpoint.heads.items() if not self._of(_table(name))}
        if AvSync.name in self._kept and checkpoint.sync:
            self._sync = states.load(SyncState, checkpoint.sync)

    def judge(self, rows: Rows) -> list[Event]:
        """Judge rows, less those judged already, and give the events that are settled by now."""
        name = pair(rows.table, rows.track)
        fresh = rows.slice(max(0, self.judged.get(name, 0) - rows.first_row), len(rows))
        if not len(fresh):
            return []
        events: list[Event] = []
        for detector in self._of(rows.table):
            key = (detector.name, name)
            state = self._states.get(key)
            state, given = detector.judge(detector.start() if state is None else state, fresh)
            self._states[key] = state
            events += given
        self.judged[name] = fresh.first_row + len(fresh)
        self._heads[name] = Head(
            rows.base.num, rows.base.den, rows.format, rows.window, int(rows.columns["epoch"][0])
        )  # fmt: skip
        self._watermarks[name] = rows.base.exact(int(rows.columns["time"][-1]))
        return self._settle(events)

    def finish(self, *, whole: bool) -> list[Event]:
        """The stream has ended: close what is open, on every track.

        Args:
            whole: Its source was read to its own end, so that its tracks can be compared.
        """
        events = self._compared() if whole else []
        for name, head in self._heads.items():
            rows = _nothing(name, head)
            for detector in self._of(rows.table):
                state = self._states.get((detector.name, name))
                if state is not None:
                    events += detector.finish(state, rows)
            self._watermarks[name] = None
        for name in self._watermarks:
            self._watermarks[name] = None
        return self._settle(events)

    def _compared(self) -> list[Event]:
        """What the tracks say beside each other."""
        events: list[Event] = []
        for detector in self._detectors:
            if isinstance(detector, AvSkew) and detector.name not in self._kept:
                tracks = {
                    name.partition("/")[2]: Track(_nothing(name, head), self._states[detector.name, name])
                    for name, head in self._heads.items() if (detector.name, name) in self._states
                }  # fmt: skip
                events += detector.compare(tracks)
        return events

    def interrupt(self) -> list[Event]:
        """Rows are missing here: close what is told by the sequence of packets, and begin that anew."""
        events: list[Event] = []
        for name, head in self._heads.items():
            rows = _nothing(name, head)
            for detector in self._of(rows.table) if rows.table == "packets" else ():
                state = self._states.pop((detector.name, name), None)
                events += detector.finish(state, rows) if state is not None else ()
        return self._settle(events)

    def offer(self, events: Sequence[Event]) -> list[Event]:
        """Take events that were not judged from rows (a stalled source), of detectors that were asked for."""
        names = {detector.name for detector in self._detectors}
        return self._settle([event for event in events if event.detector in names])

    @property
    def stalled(self) -> Stalled | None:
        """The detector of a silent source, if it was asked for."""
        return next((detector for detector in self._detectors if isinstance(detector, Stalled)), None)

    def _of(self, table: Table) -> list[AnyDetector]:
        """Those that judge a table's rows."""
        return [each for each in self._detectors if each.table == table and each.name not in self._kept]

    def _settle(self, events: list[Event]) -> list[Event]:
        marks = [mark for mark in self._watermarks.values() if mark is not None]
        watermark = min(marks, default=None)
        if watermark is not None and self.patience_seconds is not None:
            watermark = max(watermark, max(marks) - self.patience_seconds)
        events = self._synced(events, watermark)
        self._explain, released = explain(self._explain, events, watermark, self._stream)
        for event in released:
            if event.kind == "opened":
                key = f"{event.detector}|{event.track}"
                self.found[key] = self.found.get(key, 0) + 1
        return released

    def _synced(self, events: list[Event], watermark: Fraction | None) -> list[Event]:
        """The events with those that sound and pictures make together, in place of the markers found in each."""
        detector = next((detector for detector in self._detectors if isinstance(detector, AvSync)), None)
        if detector is None or detector.name in self._kept:
            return events
        markers = [event for event in events if event.detector == detector.name]
        pictures = min((name for name in self._watermarks if name.startswith("video/")), default="").partition("/")[2]
        told = [marker for marker in markers if marker.part == "beep" or marker.track == pictures]
        self._sync, found = sync(self._sync, told, watermark, detector)
        return [event for event in events if event.detector != detector.name] + found

    def loudness(self, track: str) -> Mapping[str, float | None] | None:
        """Loudness of a sound track so far, or None where it was not asked for."""
        for detector in self._detectors:
            state = self._states.get((detector.name, pair("audio", track)))
            if isinstance(detector, Loudness) and state is not None:
                return detector.summary(state)
        return None

    def doubt(self, detector: AnyDetector, track: str) -> str | None:
        """Why a detector could not judge a track, by what its rows lacked, or None."""
        if isinstance(detector, AvSync):
            return doubt(self._sync, track, detector)
        state = self._states.get((detector.name, pair(detector.table, track)))
        return detector.doubt(state) if isinstance(detector, Doubting) and state is not None else None

    def failed_models(self) -> dict[str, str]:
        """Users' models that were cut off, by name, and why."""
        found: dict[str, str] = {}
        for detector in self._detectors:
            for (name, _), state in self._states.items():
                if isinstance(detector, ModelJudge) and detector.name == name and state.why:
                    found[name] = state.why
        return found

    def format_of(self, name: str) -> str | None:
        """The newest format seen, or None where there were no rows."""
        head = self._heads.get(name)
        return head.format if head else None

    def into(self, checkpoint: Checkpoint) -> Checkpoint:
        """The checkpoint with what the judges remember."""
        return replace(
            checkpoint, judged=dict(self.judged), found=dict(self.found), heads=dict(self._heads),
            states={f"{detector}|{name}": states.dump(state) for (detector, name), state in self._states.items()},
            explain=states.dump(self._explain), sync=states.dump(self._sync),
        )  # fmt: skip

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint."""
        self.judged, self.found = dict(checkpoint.judged), dict(checkpoint.found)
        self._heads = dict(checkpoint.heads)
        self.expect([name.partition("/")[2] for name in self._heads])
        self._load(checkpoint.states)
        if checkpoint.explain:
            self._explain = states.load(ExplainState, checkpoint.explain)
        if checkpoint.sync:
            self._sync = states.load(SyncState, checkpoint.sync)

    def _load(self, texts: Mapping[str, str]) -> None:
        kinds = {detector.name: type(detector.start()) for detector in self._detectors}
        for key, text in texts.items():
            detector, name = key.split("|")
            self._states[(detector, name)] = states.load(kinds[detector], text)


def _table(name: str) -> Table:
    return name.partition("/")[0]  # type: ignore[return-value]


def _nothing(name: str, head: Head) -> Rows:
    """No rows, of the kind that a track's last rows were."""
    table, track = name.split("/")
    columns: Columns = {column: np.empty(0, np.int64) for column in _KEY}
    return Rows(table, track, TimeBase(head.base_num, head.base_den), head.format, 0, head.window, columns)  # type: ignore[arg-type]

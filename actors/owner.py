"""The owner of one stream: finds out what is left to do, does it, and says what came of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing, nullcontext
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pyarrow as pa

from actors import document, ending, quarantine
from actors.batches import LIVE, Place
from actors.checkpoint import Change, Checkpoint, Live, Work
from actors.clock import Stamp, TimeBase
from actors.coverage import Stretch
from actors.detectors import build, needed_metrics
from actors.detectors.stalled import Position
from actors.document import Document
from actors.evidence import Evidence
from actors.gathering import Commits, gathered
from actors.hop import Direct, Hop
from actors.incident import Event
from actors.journal import Journal, When
from actors.judging import AnyDetector, Judges, pairs_of
from actors.limits import Limits
from actors.measuring import CARRY, Ear, ready
from actors.media import Table
from actors.models.beside import Host, beside, judges_of, level
from actors.pipeline import Pipeline, Progress
from actors.sharing import Share
from actors.source import Source, SourceError, fingerprint, open_source
from actors.spending import Spending
from actors.summary import tracks as summary_tracks
from actors.summary import verdicts
from actors.tabled import from_table
from actors.tables import Where
from actors.task import Task
from actors.url import local_path, shown

Read = Callable[[str, Where], pa.Table]
PATIENCE_SECONDS = Fraction(2)
"""How long, in media time, a live stream's events wait for a track that gives nothing."""
_CHUNK = 64  # windows that are read back at once


class Owner:
    """Analyses one stream in this process, through a hop."""

    pictures_here = True  # else another process loads the kernels for them

    def __init__(
        self, task: Task, commits: Commits, read: Read, stop: threading.Event | None = None,
        hop: Callable[[frozenset[str]], Hop] = Direct, host: Callable[[Hop], Host] | None = None,
        share: Share | None = None,
    ) -> None:  # fmt: skip
        """Prepare.

        Args:
            task: What is to be done.
            commits: Where units go.
            read: Reads rows of a table.
            stop: Set it to end a live stream as if it were over, and any other where it is.
            hop: Makes the hop to meters that give the metrics named.
            host: Where users' models run beside a hop; by default in processes that end with the stream.
            share: The stream's part of this process; all of it if None.
        """
        self.task, self._commits, self._read, self._stop, self._hop, self._host = task, commits, read, stop, hop, host
        self._detectors: Sequence[AnyDetector] = [*build(task.detectors, task.settings), *judges_of(task.models)]
        self._wanted = needed_metrics(self._detectors)
        self._judges = Judges(task.stream, self._detectors)
        self._events: list[Event] = []
        self._coverage: dict[str, tuple[TimeBase, list[Stretch]]] = {}
        self._recorded: dict[str, int] = {}
        self.on_progress: Callable[[Progress], None] = lambda progress: None
        self.on_event: Callable[[Event], None] = lambda event: None
        self.on_note: Callable[[str], None] = lambda text: None
        self.on_live: Callable[[], None] = lambda: None
        self.on_packet: Callable[[str, TimeBase, Stamp], None] = lambda track, base, stamp: None
        self._spending = Spending(share)
        shelf = task.shelf
        self._evidence = Evidence(task.stream, shelf, task.limits, self._note) if shelf else None

    def run(self) -> Document:
        """Analyse what is not analysed yet, and give the stream's document.

        Raises:
            actors.tables.StorageError: The results cannot be written.
            actors.recorder.Fenced: Another owner has taken the stream over.
        """
        try:
            return self._analyse(self._fingerprint())
        except SourceError as error:
            return document.failed(self.task.stream, self.task.source, str(error))

    def put_aside(self, at: Position, crashes: int) -> Document:
        """Decode nothing: record that the decoder has died at one place so often, and close what is open.

        Raises:
            As :meth:`run`.
        """
        try:
            checkpoint, done = self._begin(self._work(self._fingerprint()))
        except SourceError as error:
            return document.failed(self.task.stream, self.task.source, str(error))
        journal = self._journal(checkpoint, "end", self._commits)
        self._replay(journal)
        journal.note(quarantine.events(at, crashes))
        return self._finish(journal, quarantine.facts(at, crashes, live=done is not None and done.live is not None))

    def _fingerprint(self) -> str | None:
        return fingerprint(self.task.source, self.task.limits, self.task.trust)

    def _work(self, known: str | None) -> Work:
        return Work.of(
            known or "", {d.name: d.version for d in self._detectors},
            {d.name: d.settings.model_dump(mode="json") for d in self._detectors},
            {model.name: model.measures for model in self.task.models},
        )  # fmt: skip

    def _analyse(self, known: str | None) -> Document:
        work = self._work(known)
        checkpoint, done = self._begin(work)
        if done is not None and done.summary is not None:
            if done.work == work:
                return ending.whole(self.task, done.summary, self._coverage, self._events)
            journal = self._journal(checkpoint, "end", self._commits)
            self._replay(journal)
            return self._finish(journal, done.summary)
        limits = self._limits()
        if local_path(self.task.source) is None:
            ready(pictures=self.pictures_here)
        with (
            open_source(self.task.source, limits=limits, stop=self._stop, trust=self.task.trust) as source,
            gathered(self._commits, live=source.live) as commits,
            self._evidence or nullcontext(),
        ):
            if source.live:
                self.on_live()
            journal = self._journal(checkpoint, "event" if source.live else "window", commits)
            journal.flush()
            self._replay(journal)
            inner = self._hop(self._wanted["video"])
            with beside(inner, self.task, self._host, self._judges, self._note, live=source.live) as hop:
                hop.begin(live=source.live, recorded=self._recorded)
                facts = self._run(source, hop, journal)
            return self._finish(journal, facts)

    def _limits(self) -> Limits:
        """The task's, with a live source that tells of its silence as soon as ``stalled`` wants to know."""
        limits, stalled = self.task.limits, self._judges.stalled
        seconds = min(limits.stall_seconds, stalled.settings.seconds) if stalled else limits.stall_seconds
        return limits.model_copy(update={"stall_seconds": seconds})

    def _begin(self, work: Work) -> tuple[Checkpoint, Checkpoint | None]:
        """The checkpoint to go on from, and the stored one whose measurements can be used, if there is one."""
        stored = self.task.stored
        if stored is None:
            return Checkpoint(work), None
        old = stored.checkpoint
        change = self._change(old, work)
        if change.needs == "analyse":
            if change.why:
                self.on_note(f"{shown(self.task.source)}: {change.why}: it is analysed anew")
            return Checkpoint(work, run=old.run + 1), None
        self._recorded = stored.recorded if old.live or not self.task.models else level(stored.recorded)
        self._coverage = stored.coverage
        if change.needs == "judge":
            self.on_note(f"{shown(self.task.source)}: {change.why}: what was measured is judged again")
            return Checkpoint(work, old.run, old.judgement + 1, old.sequence, live=old.live), old
        self._judges.restore(old)
        self._events = list(stored.events)
        return replace(old, summary=None), old

    def _change(self, old: Checkpoint, work: Work) -> Change:
        """What is to be done.

        A source that was refused, or cut short by its network, is not gone on with: its last rows were no window.
        """
        if self.task.fresh:
            return Change("analyse")
        if old.live is not None and old.summary is None:
            return replace(old.work, source="live").change(replace(work, source="live"))
        change = old.work.change(work)
        status = "completed" if old.summary is None else old.summary["status"]
        cut = status == "failed" or (status != "completed" and local_path(self.task.source) is None)
        return Change("analyse", "it was cut short") if cut and change.needs != "analyse" else change

    def _journal(self, checkpoint: Checkpoint, when: When, commits: Commits) -> Journal:
        journal = Journal(
            self.task.stream, commits, self.task.fence, self._judges, checkpoint,
            recorded=lambda name: self._recorded.get(name, -1), when=when,
        )  # fmt: skip
        journal.on_event = self._note_event
        journal.on_stretches = self._note_stretches
        return journal

    def _note(self, text: str) -> None:
        self.on_note(f"{shown(self.task.source)}: {text}")

    def _note_event(self, event: Event) -> None:
        self._events.append(event)
        if self._evidence is not None:
            self._evidence.take(event)
        self.on_event(event)

    def _note_stretches(self, track: str, base: TimeBase, stretches: Sequence[Stretch]) -> None:
        self._coverage.setdefault(track, (base, []))[1].extend(stretches)
        self._spending.covered(track, base, stretches)

    def _replay(self, journal: Journal) -> None:
        """Judge the committed rows that the checkpoint does not know of yet."""
        after = journal.checkpoint.windows
        pairs = [name for name in self._recorded if not name.startswith("coverage/")]
        self._judges.expect([name.partition("/")[2] for name in pairs])
        last = max(self._recorded.values(), default=-1)
        for first in range(min((after.get(name, -1) + 1 for name in pairs), default=0), last + 1, _CHUNK):
            for name in pairs:
                table, _, track = name.partition("/")
                where = self._where(track, max(first, after.get(name, -1) + 1), first + _CHUNK - 1)
                kind: Table = table  # type: ignore[assignment]
                for rows in from_table(self._read(table, where), kind):
                    journal.add(rows)

    def _where(self, track: str, first: int, last: int) -> Where:
        run = self.task.stored.checkpoint.run if self.task.stored else 0
        return [
            ("stream", "=", self.task.stream), ("run", "=", run), ("track", "=", track), ("window", ">=", first),
            ("window", "<=", last),
        ]  # fmt: skip

    def _run(self, source: Source, hop: Hop, journal: Journal) -> dict[str, Any]:
        bounds = LIVE if source.live else hop.bounds
        live = journal.checkpoint.live
        ears = self._ear if live is None else lambda track: Ear(self._wanted["audio"])
        pipeline = Pipeline(source, bounds, self.task.limits, hop, self._judges, journal, ears, self._evidence)
        pipeline.on_progress = lambda progress: self.on_progress(
            replace(progress, burnt=self._spending.burnt(hop.traffic))
        )
        kept = self._evidence
        self._spending.share.beside = lambda: source.reading_seconds + (kept.cpu_seconds if kept else 0.0)
        pipeline.trace(self.on_packet)
        if live is not None:
            self._resume(pipeline, journal, live)
        if source.live:
            self._judges.patience_seconds = PATIENCE_SECONDS
            journal.live = pipeline.position
        with closing(hop):
            pipeline.run()
        stages = (pipeline.decoding.seconds + source.reading_seconds, pipeline.measuring.seconds)
        self._spending.ran(hop.shape, hop.traffic, stages, pipeline.frames_again)
        if source.status == "stopped" and not source.live:
            raise KeyboardInterrupt
        frames = sum(account.offered for account in pipeline.ledger.accounts.values())
        status, error = ending.outcome(source, frames, resumed=live is not None and live.clock is not None)
        return {
            "status": status, "error": error, "epochs": pipeline.epochs, "live": source.live,
            "ledger": pipeline.ledger.as_dict(), "tracks": pipeline.facts(),
        }  # fmt: skip

    def _resume(self, pipeline: Pipeline, journal: Journal, live: Live) -> None:
        """Go on with a live stream: after all rows that there are, and as much later as nobody watched it."""
        tracks = live.clock.tracks if live.clock else {}
        seconds = time.time() - live.at_seconds
        for track, known in tracks.items():
            reached = journal.reached(track)
            seconds = max(seconds, known.base.seconds(reached - known.end))
            journal.lack(track, reached, "not watched: its owner was restarted")
        places = {
            name: Place(self._judges.judged.get(name, 0), self._recorded.get(name, -1) + 1)
            for name in pairs_of(list(tracks))
        }
        pipeline.resume(live, seconds, places)
        journal.note(self._judges.interrupt())

    def _ear(self, track: str) -> Ear:
        """An ear that goes on after the last committed block of the track."""
        ear = Ear(self._wanted["audio"])
        window = self._recorded.get(f"audio/{track}", -1)
        if window >= 0:
            carries = self._read("audio", self._where(track, window, window))[CARRY.name].drop_null()
            ear.restore(carries[-1].as_py())
        return ear

    def _finish(self, journal: Journal, facts: dict[str, Any]) -> Document:
        """Close what is open, and commit the stream's summary and usage with the last checkpoint."""
        journal.close(whole=facts["status"] == "completed" and not facts["live"])
        usage = self._spending.usage()
        summary = {
            **facts,
            "entries": summary_tracks(facts["tracks"], self._coverage, self._judges),
            "verdicts": verdicts(self._detectors, facts["tracks"], self._judges, live=facts["live"]),
            "usage": usage,
        }
        at = journal.checkpoint
        journal.complete(summary, ending.usage_unit(self.task, at.run, at.sequence, usage))
        return ending.whole(self.task, summary, self._coverage, self._events)

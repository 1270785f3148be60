"""The one loop: source to recorder, over a hop. Written once, for every shape."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from actors.batches import START, AudioBatcher, Bounds, PacketBatcher, Place, VideoBatcher
from actors.checkpoint import Live
from actors.clock import Stamp, TimeBase
from actors.coverage import ENCRYPTED, CoverageState
from actors.decoder import Decoder
from actors.demux import declared
from actors.detectors.stalled import StallWatch
from actors.hop import Hop
from actors.journal import Journal
from actors.judging import Judges, pair
from actors.lag import REASON, Lag
from actors.ledger import Ledger, size
from actors.limits import Limits, guard
from actors.measure import Rows
from actors.measuring import Ear, measure_packets
from actors.media import AnyBatch, AudioBatch, Batch, PacketBatch, PacketFacts, Table
from actors.source import Break, Item, Missing, Packet, Recovered, Scrambled, Source, Stalled, Track
from actors.spending import Burnt, Stage
from actors.track_decoder import Decoded

if TYPE_CHECKING:
    import av

_TABLES: dict[type[AnyBatch], Table] = {Batch: "video", AudioBatch: "audio", PacketBatch: "packets"}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stream is: seconds of its timeline, pictures decoded and pictures passed over so far.

    ``late_seconds``: since the newest of them came, where the source is live. ``burnt``: added by its owner.
    """

    seconds: float
    frames: int = 0
    live: bool = False
    dropped: int = 0
    late_seconds: float = 0.0
    burnt: Burnt | None = None


class Keeper(Protocol):
    """Keeps the newest packets, for when an incident opens."""

    def begin(self, tracks: Sequence[Track], bases: Mapping[str, TimeBase]) -> None:
        """A part of the source begins; ``bases`` are those of its tracks' timelines."""
        ...

    def keep(self, track: str, packet: av.Packet[Any], facts: PacketFacts) -> None:
        """Take the next packet of the part, before what comes of it is judged."""
        ...


class _Lane:
    """The batchers of one track."""

    def __init__(self, track: Track, base: TimeBase, bounds: Bounds, places: Mapping[str, Place]) -> None:
        packets, video, audio = (
            places.get(pair(table, track.id), START) for table in ("packets", "video", "audio")
        )  # fmt: skip
        self.declared = declared(track)
        self.packets = PacketBatcher(track.id, base, bounds, packets)
        self.video = VideoBatcher(track.id, base, bounds, video)
        self.audio = AudioBatcher(track.id, base, bounds, audio, wraps=track.wraps)

    def add(self, decoded: Decoded) -> Iterator[AnyBatch]:
        """Batches that are complete with what one packet gave."""
        if decoded.facts is not None:
            yield from self.packets.add(decoded.facts, self.declared)
        for picture in decoded.pictures:
            yield from self.video.add(picture)
        for sound in decoded.sounds:
            yield from self.audio.add(sound)

    def cut(self) -> Iterator[AnyBatch]:
        """What is complete."""
        yield from self.packets.flush()
        yield from self.video.cut()
        yield from self.audio.cut()

    def flush(self) -> Iterator[AnyBatch]:
        """What is left at the end."""
        yield from self.packets.flush()
        yield from self.video.flush()
        yield from self.audio.flush()


class Pipeline:
    """Runs one opened source through decoder, hop, meters and judges into its journal.

    ``decoding`` and ``measuring`` count what its thread burns for reading and decoding, and for the hop.
    """

    def __init__(
        self, source: Source, bounds: Bounds, limits: Limits, hop: Hop, judges: Judges, journal: Journal,
        ears: Callable[[str], Ear], keeper: Keeper | None = None,
    ) -> None:  # fmt: skip
        self._keeper = keeper
        self._source, self._bounds, self._hop = source, bounds, hop
        self._judges, self._journal, self._new_ear = judges, journal, ears
        self._ears: dict[str, Ear] = {}
        self._decoder = Decoder(lambda context: guard(context, limits))
        self._lanes: dict[str, _Lane] = {}
        self._lag = Lag(limits.max_lag_seconds)
        self._late = 0.0
        self._skipping: set[str] = set()
        self._stall = StallWatch(judges.stalled)
        self._silent = 0.0
        self._places: Mapping[str, Place] = {}
        self._broken: Exception | None = None
        self.tracks: dict[str, Track] = {}
        self.ledger = Ledger()
        self.frames_again = 0
        self.decoding, self.measuring = Stage(), Stage()
        self.on_progress: Callable[[Progress], None] = lambda progress: None

    def trace(self, leave: Callable[[str, TimeBase, Stamp], None]) -> None:
        """Have told where each packet stands before it is decoded."""
        self._decoder.on_packet = leave

    @property
    def epochs(self) -> int:
        """Epochs so far."""
        return self._decoder.epochs

    def facts(self) -> dict[str, dict[str, object]]:
        """What the source says of its tracks, and how many frames each gave."""
        return {
            name: {
                "codec": track.codec, "language": track.language, "frames": self.ledger.account(name).offered,
                "transport": track.wraps,
            }
            for name, track in self.tracks.items()
        }

    def resume(self, live: Live, seconds: float, places: Mapping[str, Place]) -> None:
        """Go on where another process watched a live source until so many seconds ago."""
        if live.clock is not None:
            self._decoder.resume(live.clock.pause(seconds))
        self._stall.state, self._places = live.stall, places

    def position(self) -> Live:
        """Where a live stream stands."""
        return Live(self._decoder.clock, self._stall.state, time.time())

    def run(self) -> None:
        """Run the source to its end, and leave nothing in flight.

        The source's ``status`` and ``reason`` then say whether it was cut short.
        """
        self._source.on_rest(self._rest)
        for item in self.decoding.each(self._source):
            self._take(item)
        if self._broken is not None:
            raise self._broken
        self._packets(self._lag.release())
        self._drain()
        self._add(self.measuring.each(self._hop.drain()))
        self._journal.note(self._judges.offer(self._stall.over(max(self._silent, self._source.silent_seconds))))

    def _rest(self) -> None:
        """Have judged what has come: the source gives no more for now."""
        try:
            with self.decoding.paused():
                for item in self._source.scrambled():
                    self._take(item)
                for lane in self._lanes.values():
                    self._send(lane.cut())
                self._add(self.measuring.each(self._hop.settle()))
        except Exception as error:  # noqa: BLE001 - the demuxer, which calls this, would take it for its own
            self._broken = error
            self._source.close()

    def _drain(self) -> None:
        """Let nothing wait for what comes next."""
        with self.decoding:
            held = self._decoder.flush()
        for decoded in held:
            self._decoded(decoded)
        for lane in self._lanes.values():
            self._send(lane.flush())
        self._add(self.measuring.each(self._hop.settle()))

    def _take(self, item: Item) -> None:
        if isinstance(item, Packet):
            pictures = frozenset(name for name, track in self.tracks.items() if track.kind == "video")
            self._packets(self._lag.take(item, pictures))
            return
        if isinstance(item, Scrambled):
            self._told(self._decoder.hide(item.track, item.stretch))
            return
        self._packets(self._lag.release())
        match item:
            case Break():
                self._begin(item)
            case Missing():
                self._lack(item.reason)
            case Stalled():
                self._drain()
                self._silent = item.seconds
                self._journal.note(self._judges.offer(self._stall.judge(item)))
            case Recovered():
                self._silent, seconds = 0.0, item.ended - item.began
                self._journal.note(self._judges.offer(self._stall.judge(item)))
                self._lack(f"nothing arrived for {seconds:.1f} s")
                self._decoder.clock = self._decoder.clock and self._decoder.clock.pause(seconds)

    def _packets(self, decided: Iterable[tuple[Packet, bool]]) -> None:
        for item, decode in decided:
            self._late = item.late_seconds
            with self.decoding:
                decoded = self._decoder.feed(item.track, item.packet, decode=decode, carried=item.carried)
            if self._keeper is not None and decoded.facts is not None and not decoded.facts.encrypted:
                self._keeper.keep(item.track, item.packet, decoded.facts)
            self._told(decoded)

    def _told(self, decoded: Decoded) -> None:
        """Take what comes of a packet, and say it once where a track begins to be passed over."""
        self._decoded(decoded)
        facts = decoded.facts
        if decoded.skipped and decoded.track not in self._skipping and facts is not None:
            why: tuple[str, CoverageState] = (ENCRYPTED, "unreachable") if facts.encrypted else (REASON, "dropped")
            self._journal.lack(decoded.track, facts.stamp.time, *why)
        (self._skipping.add if decoded.skipped else self._skipping.discard)(decoded.track)

    def _lack(self, reason: str) -> None:
        clock = self._decoder.clock
        for track, known in clock.tracks.items() if clock else ():
            self._journal.lack(track, known.end, reason)

    def _begin(self, part: Break) -> None:
        """A part of the source begins: drain the decoders of the one before, open new ones."""
        with self.decoding:
            held = self._decoder.begin(part.tracks, discontinuous=part.reason == "discontinuity")
        for decoded in held:
            self._decoded(decoded)
        if self._keeper is not None:
            self._keeper.begin(part.tracks, {track.id: self._decoder.base(track.id) for track in part.tracks})
        for track in part.tracks:
            self.tracks[track.id] = track
            if track.id not in self._lanes:
                base = self._decoder.base(track.id)
                self._lanes[track.id] = _Lane(track, base, self._bounds, self._places)
            self._lanes[track.id].declared = declared(track)
        self._judges.expect(list(self._lanes))

    def _decoded(self, decoded: Decoded) -> None:
        self.ledger.decoded(decoded)
        if (facts := decoded.facts) is not None:
            self._stall.heard(decoded.track, self._decoder.base(decoded.track), facts.stamp, facts.duration)
        self._send(self._lanes[decoded.track].add(decoded))

    def _send(self, batches: Iterable[AnyBatch]) -> None:
        for batch in batches:
            name = pair(_TABLES[type(batch)], batch.track)
            if self._journal.is_recorded(name, batch.window):
                self.ledger.recorded(batch)
                self.frames_again += size(batch) if isinstance(batch, Batch) else 0
                continue
            self.ledger.analysed(batch)
            match batch:
                case Batch():
                    self._add(self.measuring.each(self._hop.send(batch)))
                    self._progress(batch, batch.frames[-1].stamp)
                case AudioBatch():
                    self._add(self._hop.hear(batch, self._ear(batch.track)))
                    self._progress(batch, batch.blocks[-1].stamp)
                case PacketBatch():
                    self._add(self._hop.tell(measure_packets(batch)))

    def _progress(self, batch: AnyBatch, newest: Stamp) -> None:
        seen = [account for name, account in self.ledger.accounts.items() if name.startswith("v")]
        self.on_progress(
            Progress(
                batch.base.seconds(newest.time), sum(account.offered for account in seen), self._source.live,
                sum(account.skipped for account in seen), self._late,
            )
        )  # fmt: skip

    def _ear(self, track: str) -> Ear:
        if track not in self._ears:
            self._ears[track] = self._new_ear(track)
        return self._ears[track]

    def _add(self, results: Iterable[Rows]) -> None:
        for rows in results:
            self._journal.add(rows)

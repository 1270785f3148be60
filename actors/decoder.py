"""The tracks of a source to pictures and sound, part by part, on one clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av

from actors.clock import Stamp, StreamClock, TimeBase
from actors.encryption import is_encrypted
from actors.media import CLOCK, Carried, Hidden, PacketFacts
from actors.track_decoder import Decoded, Origin, Picture, Sound, Track, TrackDecoder, signed

if TYPE_CHECKING:
    AnyPacket = av.Packet[Any]


class Decoder:
    """Decodes the tracks of a source, part by part, and keeps their clock."""

    def __init__(self, guard: Callable[[av.CodecContext], None]) -> None:
        self._guard = guard
        self._tracks: dict[str, TrackDecoder] = {}
        self._bases: dict[str, TimeBase] = {}
        self._codecs: dict[str, str] = {}
        self.clock: StreamClock | None = None
        self._began = Fraction(0)
        self._hidden: set[str] = set()
        self.on_packet: Callable[[str, TimeBase, Stamp], None] = lambda track, base, stamp: None
        """Told of each packet before it is decoded."""

    @property
    def epochs(self) -> int:
        """Epochs so far."""
        return len(self.clock.epochs) if self.clock else 0

    def begin(self, tracks: Sequence[Track], *, discontinuous: bool) -> list[Decoded]:
        """Open the decoders of a part, and give what those of the part before still held.

        Tracks keep the time base that they had first. A track whose codec changed, and every track where the source
        says that time does not go on, begins a new epoch.
        """
        held = self.flush()
        if self.clock is None:
            starts = [track.base.exact(track.start) for track in tracks if track.start is not None]
            self.clock = StreamClock.starting(min(starts, default=Fraction(0)))
        self._began = max((known.base.exact(known.end) for known in self.clock.tracks.values()), default=Fraction(0))
        for track in tracks:
            if discontinuous or self._codecs.get(track.id, track.codec) != track.codec:
                self.clock = self.clock.cut(track.id)
            self._codecs[track.id] = track.codec
            self._bases.setdefault(track.id, track.base)
        self._tracks = {track.id: TrackDecoder(track, self._bases[track.id], self._guard) for track in tracks}
        return held

    def resume(self, clock: StreamClock) -> None:
        """Go on from the clock of an earlier process: what comes is of a new epoch."""
        for track, known in clock.tracks.items():
            clock = clock.cut(track)
            self._bases[track] = known.base
        self.clock = clock

    def base(self, track: str) -> TimeBase:
        """The time base in which a track's stamps are given."""
        return self._bases[track]

    def feed(
        self, track: str, packet: AnyPacket, *, decode: bool = True, carried: Carried | None = None
    ) -> Decoded:
        """Decode one packet of a track, in the order of the source, or only place it in time."""
        decoder = self._tracks[track]
        pts, dts = decoder.ticks(packet.pts), decoder.ticks(packet.dts)
        duration = max(decoder.ticks(packet.duration) or 0, 0)
        stamp = self._stamp(decoder.track, pts, dts, duration)
        origin = Origin(stamp, packet.pts, packet.size, duration)
        self.on_packet(track, self._bases[track], stamp)
        error = ""
        pictures: list[Picture] = []
        sounds: list[Sound] = []
        encrypted = is_encrypted(packet)
        decode = decode and not encrypted
        decode, skip = decode and not decoder.needs_skipped(packet), not decode
        if decode:
            held = self._uncovered(decoder, carried)
            error, pictures, sounds = decoder.decode(packet, origin)
            pictures = held + pictures
        elif skip:
            pictures = decoder.skip()
        dts_time = None
        if dts is not None:
            lead = stamp.pts - dts
            dts_time = stamp.time - (signed(lead) if decoder.track.wraps else lead)
        facts = PacketFacts(
            stamp, dts_time, duration, packet.size, bool(packet.is_keyframe), bool(packet.is_corrupt), error,
            sum(sound.samples.shape[1] for sound in sounds), sounds[-1].format.rate if sounds else 0, carried,
            max((picture.captions for picture in pictures), default=None), encrypted,
        )  # fmt: skip
        return Decoded(track, facts, tuple(pictures), tuple(sounds), skipped=not decode)

    def hide(self, track: str, stretch: Hidden) -> Decoded:
        """Place a stretch of a track of which no packet comes.

        It begins where the track's packets ended; without any, where its part of the source began. Where no track has
        given any, the timeline begins with the source's own clock.
        """
        base, clock, begun = self._bases[track], self.clock, self._began
        if clock is None or not clock.tracks:
            clock = StreamClock.starting(Fraction(stretch.origin, CLOCK))
        if (known := clock.tracks.get(track)) is not None:
            begun = base.exact(known.end + known.pause) - Fraction(stretch.since, CLOCK)
        at, until = (begun + Fraction(ticks, CLOCK) for ticks in (stretch.start, stretch.stop))
        self.clock, stamp = clock.hide(track, base, at, until, wraps=self._tracks[track].track.wraps)
        duration = base.floor(until) - stamp.time
        facts = PacketFacts(stamp, None, duration, 0, False, False, "", encrypted=True)
        self._hidden.add(track)
        return Decoded(track, facts, skipped=True)

    def _uncovered(self, decoder: TrackDecoder, carried: Carried | None) -> list[Picture]:
        """Let a decoder begin anew at the first packet after a scrambled stretch; gives what it still held."""
        if carried is None or not carried.scrambled or decoder.track.id not in self._hidden:
            return []
        self._hidden.discard(decoder.track.id)
        return decoder.skip()

    def flush(self) -> list[Decoded]:
        """What the decoders still hold at the end of the source or of a part."""
        given = []
        for name, decoder in self._tracks.items():
            _, pictures, sounds = decoder.decode(None, None)
            given.append(Decoded(name, None, tuple(pictures), tuple(sounds)))
        self._tracks = {}
        return given

    def _stamp(self, track: Track, pts: int | None, dts: int | None, duration: int) -> Stamp:
        clock = self.clock or StreamClock.starting(Fraction(0))
        shown = pts if pts is not None else dts
        if shown is None:
            known = clock.tracks.get(track.id)
            shown = 0 if known is None or known.last_raw is None else known.last_raw + max(duration, 1)
        order = dts if pts is not None else shown
        self.clock, stamp = clock.step(track.id, self._bases[track.id], shown, order, duration, wraps=track.wraps)
        return stamp

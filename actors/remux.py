"""Kept packets to a Matroska file in memory: nothing is coded anew."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
from av import AudioCodecContext, VideoCodecContext

from actors.clock import TimeBase
from actors.media import PacketFacts
from actors.ring import Held
from actors.storage import one_line

if TYPE_CHECKING:
    from av.stream import Stream

    from actors.demux import Track

_IN_BAND = frozenset({"h264", "hevc"})
"""Matroska wants their parameters in its head; a source may give them with key frames alone."""


@dataclass(frozen=True, slots=True)
class Remuxed:
    """A Matroska file. Its time 0 is ``origin``, in seconds of the timeline. ``videos``: its video tracks in order."""

    file: io.BytesIO
    origin: Fraction
    videos: tuple[str, ...]


class Remux:
    """A Matroska file to be: what is known of its tracks, taken over while their part of the source is open.

    ``notes``: what is left out, and why. :meth:`write` may be called once, later and from another thread.
    """

    def __init__(self, held: Sequence[Held], tracks: Sequence[Track], bases: Mapping[str, TimeBase]) -> None:
        """Take over the tracks of which there are packets.

        Args:
            held: The packets, in the order of the source.
            tracks: The tracks of their part.
            bases: By track, the time base of the facts about packets.
        """
        self.notes: list[str] = []
        self._bases = bases
        self._file = io.BytesIO()
        self._sink = av.open(self._file, "w", format="matroska")
        self._streams: dict[str, Stream] = {}
        given = {one.track for one in held}
        for track in tracks:
            if track.id in given and (why := self._add(track)):
                self.notes.append(f"evidence lacks {track.id}: {why}")
        self._held = [one for one in held if one.track in self._streams]

    def write(self) -> Remuxed | None:
        """The file, with times from 0 on; None where there is nothing to write.

        Damaged packets that the muxer refuses are left out, as decoders leave them out.

        Raises:
            ValueError: It refuses all of them.
        """
        if not self._held:
            return None
        first: dict[str, Fraction] = {}
        for one in self._held:
            if one.track not in first:
                first[one.track] = self._bases[one.track].exact(one.facts.stamp.time)
        origin = min(first.values())
        offsets = {track: self._bases[track].floor(origin) for track in first}
        lasts: dict[str, int] = {}
        refusal = ""
        for one in self._held:
            pts, dts = placed(one.facts, offsets[one.track], lasts.get(one.track))
            lasts[one.track] = dts
            try:
                self._sink.mux(self._packet(one, pts, dts))
            except av.FFmpegError as error:
                refusal = one_line(error)
        self._sink.close()
        if not self._file.getbuffer().nbytes:
            raise ValueError(refusal)
        videos = tuple(track for track, stream in self._streams.items() if stream.type == "video")
        return Remuxed(self._file, origin, videos)

    def _packet(self, one: Held, pts: int, dts: int) -> av.Packet[Any]:
        """A packet of the file that shares the data of a kept one, which may be written again."""
        packet: av.Packet[Any] = av.Packet(one.packet)  # type: ignore[arg-type] # it takes any buffer
        for side in one.packet.iter_sidedata():
            side.to_packet(packet)
        base = self._bases[one.track]
        packet.stream = self._streams[one.track]
        packet.time_base = Fraction(base.num, base.den)
        packet.pts, packet.dts, packet.duration = pts, dts, one.facts.duration
        packet.is_keyframe = one.facts.key
        return packet

    def _add(self, track: Track) -> str:
        """Add a stream for a track; '' or why that cannot be."""
        known = track.stream.codec_context
        unknown = isinstance(known, VideoCodecContext) and not known.width
        if unknown or (isinstance(known, AudioCodecContext) and not known.sample_rate):
            return "nothing of it could be decoded"
        try:
            self._streams[track.id] = self._stream(track)
        except ValueError:
            return f"Matroska cannot hold {track.codec}"
        return ""

    def _stream(self, track: Track) -> Stream:
        """A stream of the file with the parameters of a track, also those that only its decoder has found out.

        Raises:
            ValueError: Matroska cannot hold its codec.
        """
        known = track.stream.codec_context
        if isinstance(known, VideoCodecContext) and track.codec in _IN_BAND and not known.extradata:
            return self._sink.add_mux_stream(track.codec, width=known.width, height=known.height)
        stream = self._sink.add_stream_from_template(track.stream, opaque=True)
        made = stream.codec_context
        if isinstance(known, VideoCodecContext) and isinstance(made, VideoCodecContext) and not made.width:
            made.width, made.height = known.width, known.height
        if isinstance(known, AudioCodecContext) and isinstance(made, AudioCodecContext) and not made.sample_rate:
            made.sample_rate, made.layout = known.sample_rate, known.layout
        return stream


def placed(facts: PacketFacts, offset: int, last: int | None) -> tuple[int, int]:
    """PTS and DTS of a packet in the file, in ticks.

    Args:
        facts: Where it stands on the timeline.
        offset: Where the file begins on it.
        last: DTS of the packet before it on the track, None for the first.

    Returns:
        ``pts >= dts >= last``, and ``pts >= 0``: what muxers insist on. Times that keep to it are not changed.
    """
    pts = max(facts.stamp.time - offset, 0)
    dts = pts
    if facts.dts_time is not None:
        dts = min(facts.dts_time - offset, pts)
    elif last is not None and facts.duration:
        dts = min(last + facts.duration, pts)
    dts = dts if last is None else max(dts, last)
    return max(pts, dts), dts

"""Decodes a file without the source: what the tests of decoder and batches stand on."""

from dataclasses import dataclass

import av

from actors.batches import FILE, AudioBatcher, PacketBatcher, VideoBatcher
from actors.clock import TimeBase
from actors.decoder import Decoder


@dataclass(frozen=True)
class FileTrack:
    id: str
    kind: str
    base: TimeBase
    wraps: bool
    codec: str
    start: int | None
    stream: object


def decode(path, passed_over=()):
    """Everything that a file's packets give, in order; some, by number, are only placed in time."""
    with av.open(str(path), options={"correct_ts_overflow": "0"}, metadata_errors="replace") as container:
        kinds = {"video": "v", "audio": "a"}
        counts = {"video": 0, "audio": 0}
        tracks = []
        for stream in container.streams:
            if stream.type in kinds:
                name = f"{kinds[stream.type]}:{counts[stream.type]}"
                counts[stream.type] += 1
                wraps = container.format.name == "mpegts"
                tracks.append(
                    FileTrack(name, stream.type, TimeBase.of(stream.time_base), wraps, stream.codec_context.name,
                              stream.start_time, stream)
                )
        by_index = {track.stream.index: track.id for track in tracks}
        decoder = Decoder(lambda context: None)
        given = decoder.begin(tracks, discontinuous=False)
        packets = (packet for packet in container.demux([track.stream for track in tracks]) if packet.size)
        for number, packet in enumerate(packets):
            wanted = number not in passed_over
            given.append(decoder.feed(by_index[packet.stream.index], packet, decode=wanted))
        return tracks, given + decoder.flush()


def batches(path, bounds=FILE, rests=lambda: False):
    """Batches of every track by kind of batch, in order; where it ``rests`` after a packet, cut there as well."""
    tracks, given = decode(path)
    out = []
    for track in tracks:
        video = VideoBatcher(track.id, track.base, bounds)
        audio = AudioBatcher(track.id, track.base, bounds, wraps=track.wraps)
        packets = PacketBatcher(track.id, track.base, bounds)
        for decoded in given:
            if decoded.track != track.id:
                continue
            if decoded.facts:
                out += packets.add(decoded.facts, track.codec)
            for picture in decoded.pictures:
                out += video.add(picture)
            for sound in decoded.sounds:
                out += audio.add(sound)
            if rests():
                out += [*packets.flush(), *video.cut(), *audio.cut()]
        for batcher in (video, audio, packets):
            out += batcher.flush()
    return out

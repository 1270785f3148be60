"""Rings filled from real sources, and what their evidence decodes to."""

from collections import Counter
from contextlib import contextmanager

import av
import numpy as np

from actors.decoder import Decoder
from actors.limits import Limits, guard
from actors.remux import Remux
from actors.ring import Ring
from actors.source import Break, Packet, open_source


@contextmanager
def ringed(path, *, limits=None, ring=None):
    """A ring that has had a whole source, while its last part is open, and the pictures decoded: {PTS: luma}."""
    limits, ring, shown = limits or Limits(), ring or Ring(), {}
    decoder = Decoder(lambda context: guard(context, limits))
    with open_source(path, limits=limits) as source:
        for item in source:
            if isinstance(item, Break):
                decoder.begin(item.tracks, discontinuous=False)
                ring.begin(item.tracks, {track.id: decoder.base(track.id) for track in item.tracks})
            elif isinstance(item, Packet):
                decoded = decoder.feed(item.track, item.packet)
                ring.add(item.track, item.packet, decoded.facts)
                shown |= {picture.stamp.time: luma(picture.planes[0]) for picture in decoded.pictures}
        for decoded in decoder.flush():
            shown |= {picture.stamp.time: luma(picture.planes[0]) for picture in decoded.pictures}
        yield ring, shown


def luma(plane):
    return plane.pixels.copy()


def remux(ring):
    """The Matroska file of what a ring holds now."""
    return Remux(ring.held(), ring.tracks, ring.bases)


def decoded(file):
    """What a Matroska file holds: frames per track, lumas of its first video track, and its packets' (PTS, DTS)."""
    counts, lumas, times = Counter(), [], {}
    file.seek(0)
    with av.open(file) as container:
        for stream in container.streams:
            stream.codec_context.thread_count = 1
        for packet in container.demux():
            kind = packet.stream.type[0]
            if packet.size:
                times.setdefault(kind, []).append((packet.pts, packet.dts))
            for frame in packet.decode():
                counts[kind] += 1
                if isinstance(frame, av.VideoFrame):
                    lumas.append(plane_of(frame))
    return counts, lumas, times


def plane_of(frame):
    """Codes of the luma of a frame: (height, width)."""
    plane = frame.planes[0]
    kind = np.uint8 if frame.format.components[0].bits == 8 else np.uint16
    lines = np.frombuffer(plane, kind).reshape(plane.height, -1)
    return lines[:, : plane.width].copy()

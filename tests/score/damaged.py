"""Clips whose coded bytes are damaged, with the exact map of what that does to their pictures; and the clean ones."""

import os
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av

from actors.inject import DamageMap, DefectError, Encode, parse
from actors.inject.damage import damage
from actors.inject.encode import ClipWriter, PictureSpec
from tests.clips import generated_clip, real_clip

SECONDS, RATE = 5, Fraction(25)
"""Of a source so much is taken, and shown at this rate."""
NARROWEST, WIDEST = 352, 640
"""Pixels across that clips have."""

CODECS = {"h264": "libx264", "hevc": "libx265", "mpeg2": "mpeg2video"}
DAMAGES = (
    "lost_packets:start=1.1,length=1,share=0.05",
    "flipped_bits:start=1.1,length=1,count=30",
    "lost_slices:start=1.1,length=1,share=0.2",
)
SOURCES = {
    "bbb": lambda: real_clip("bigbuckbunny.mp4"),
    "bikes": lambda: real_clip("bikes.mp4"),
    "carphone": lambda: real_clip("carphone_pristine.mp4"),
    "waves": lambda: generated_clip(seconds=5, size=(320, 180), layout=None),
}
MEDIA = {
    "car": "car_detection_432p.mp4", "chaplin": "chaplin_360p.mp4", "crystal": "crystal_480p.mp4",
    "flower": "flower_540p.mp4", "frog": "frog_480p.mp4", "nasa": "nasa_13013.mp4", "pig": "pig_480p.mp4",
    "aerial": "hls_ts_48.ts",
}  # fmt: skip
"""More real clips, of a folder that SIGHTLINE_MEDIA names."""


@dataclass(frozen=True)
class Damaged:
    """A clip, what its damage does, and where it comes from. The map of a clean one is None."""

    path: Path
    source: str
    codec: str
    kind: str
    map: DamageMap | None


def sources():
    """Every source's name and path."""
    found = {name: make() for name, make in SOURCES.items()}
    if folder := os.environ.get("SIGHTLINE_MEDIA"):
        found |= {name: Path(folder) / "real" / "public" / file for name, file in MEDIA.items()}
    return found


def clips(folder, seeds=2):
    """Make the clips that are not there yet: of each source and codec a clean one, then its damaged copies.

    One more that is not damaged is coded coarsely, without deblocking.

    Yields:
        A :class:`Damaged` at a time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for source, path in sources().items():
        for codec in CODECS:
            clean = kept(folder / f"{source}-{codec}.ts", path, codec)
            yield Damaged(clean, source, codec, "clean", None)
            if codec == "h264":
                coarse = kept(folder / f"{source}-{codec}-coarse.ts", path, codec, preset="ultrafast", crf=46)
                yield Damaged(coarse, source, codec, "coarse", None)
            for text in DAMAGES:
                for seed in range(seeds):
                    kind = text.partition(":")[0]
                    target = folder / f"{source}-{codec}-{kind}-{seed}.ts"
                    if not DamageMap.path(target).exists():
                        try:
                            damage(clean, target, [parse(text)], seed)[1].write(target)
                        except DefectError:
                            continue
                    yield Damaged(target, source, codec, kind, DamageMap.read(target))


def kept(target, source, codec, **how):
    """The clip, coded if it is not there yet."""
    if not target.exists():
        part = target.with_name(f"part-{target.name}")
        coded(source, part, codec, **how)
        part.replace(target)
    return target


def coded(source, target, codec, *, preset="veryfast", crf=23):
    """Code the beginning of a clip's pictures anew."""
    encode = Encode(codec=CODECS[codec], gop=50, slices=4 if codec == "h264" else 1, preset=preset, crf=crf)
    writer = None
    with av.open(str(source)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number >= SECONDS * RATE:
                break
            if writer is None:
                width = min(max(frame.width, NARROWEST), WIDEST) & ~1
                height = frame.height * width // frame.width & ~1
                spec = PictureSpec(width, height, "yuv420p", RATE, Fraction(1, 90_000))
                writer = ClipWriter(target, {"v:0": spec}, encode, shift=Fraction(1))
            plain = frame.reformat(width, height, "yuv420p").to_ndarray()
            writer.picture("v:0", av.VideoFrame.from_ndarray(plain, "yuv420p"), number / RATE)
        writer.close()

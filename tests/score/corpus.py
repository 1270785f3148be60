"""The labelled clips: defects put into real clips, at drawn places, of drawn lengths; and the clean ones."""

import random
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av

from actors.inject import Encode, Labels, inject, parse
from actors.inject.registry import KINDS, names
from tests.clips import generated_clip, marker_clip, real_clip

SEED = 20261128
EDGE = 0.4
"""Seconds of a clip's start and end that stay clean."""


@dataclass(frozen=True)
class Defect:
    """A kind of defect, as `sightline inject` takes it.

    ``sources``: names in :data:`SOURCES`. ``lengths``: least and most seconds; None for what happens at one moment.
    ``each``: clips of every source. ``after``: seconds that stay clean before it; loudness over 3 s has none earlier.
    ``before``: seconds before the clip's end by which it begins, or ends where it has a length.
    """

    text: str
    sources: tuple[str, ...]
    lengths: tuple[float, float] | None
    suffix: str = ".mp4"
    each: int = 2
    after: float = EDGE
    before: float = EDGE


@dataclass(frozen=True)
class Clip:
    """A clip and its labels; those of a clean one are empty. ``source``: its name in :data:`SOURCES`."""

    path: Path
    source: str
    labels: Labels | None

    @property
    def seconds(self):
        """How long it is, by its container."""
        with av.open(str(self.path)) as container:
            return container.duration / 1e6


SOURCES = {
    "bbb": lambda: real_clip("bigbuckbunny.mp4"),  # 5.3 s, 1280x720, sound of 6 channels
    "bikes": lambda: real_clip("bikes.mp4"),  # 10 s, 640x272
    "carphone": lambda: real_clip("carphone_pristine.mp4"),  # 4 s, 176x144
    "tones": lambda: generated_clip(seconds=12, size=(320, 180)),  # stereo
    "voice": lambda: generated_clip(seconds=12, size=(320, 180), middle=0.7),  # stereo, most of it in the middle
    "markers": lambda: marker_clip(seconds=12, size=(320, 180)),  # flashes and beeps
    "long": lambda: generated_clip(seconds=24, size=(96, 54), layout=None),
}
PICTURES, SOUND = ("bbb", "bikes", "carphone"), ("bbb", "tones")
DEFECTS = (
    Defect("black", PICTURES, (2.05, 3.0)),
    Defect("black:level=20", PICTURES, (2.05, 3.0)),
    Defect("freeze", PICTURES, (2.1, 3.0)),
    Defect("freeze:noise=1", PICTURES, (2.1, 3.0)),
    Defect("cut", PICTURES, None, each=3),
    Defect("silence", SOUND, (2.05, 3.0), each=3),
    Defect("channel_loss:channel=1", SOUND, (2.1, 3.0), each=3),
    Defect("clipping:gain=40", SOUND, (0.5, 2.0), each=3),
    Defect("loudness_jump:gain=16", ("tones",), (4.0, 4.5), each=3, after=3.1),
    Defect("phase_inversion", ("voice",), (2.2, 3.0), each=3),
    Defect("mono", ("voice",), (2.2, 3.0), each=3, after=2.5),
    Defect("clicks", SOUND, (0.5, 2.0), each=3),
    Defect("dropout", SOUND, (0.05, 0.15), each=3),
    Defect("repeats:of=5", ("bbb", "bikes"), (2.5, 3.0), each=3),
    Defect("blockiness", PICTURES, (1.2, 3.0)),
    Defect("levels", PICTURES, (2.1, 3.0)),
    Defect("blur", PICTURES, (1.2, 3.0)),
    Defect("combing", PICTURES, (1.5, 3.0)),
    Defect("pulldown", ("bbb", "bikes"), (2.0, 3.0)),
    Defect("tape_dropouts", PICTURES, (1.2, 3.0)),
    Defect("repeated_lines", PICTURES, (1.2, 3.0)),
    Defect("bars:pattern=smpte", PICTURES, (2.1, 3.0), each=1),
    Defect("bars:pattern=smpte_hd", PICTURES, (2.1, 3.0), each=1),
    Defect("bars:pattern=ebu", PICTURES, (2.1, 3.0), each=1),
    Defect("bars:pattern=solid", PICTURES, (2.1, 3.0), each=1),
    Defect("letterbox", ("bikes", "tones"), (2.2, 3.0), each=3, after=2.2),
    Defect("lost_packets:share=0.1", PICTURES, (0.4, 0.8), ".ts"),
    Defect("flipped_bits:count=40", PICTURES, (0.4, 0.8), ".mkv"),
    Defect("lost_slices:share=0.5", PICTURES, (0.4, 0.8), ".ts"),
    Defect("flashes", PICTURES, (2.2, 3.0)),
    Defect("flashes:rate=2.5,area=0.4", ("bbb", "bikes"), (2.2, 3.0)),
    Defect("flashes:colour=red,rate=6", PICTURES, (2.2, 3.0)),
    Defect("timestamp_gap", PICTURES, (0.5, 2.0)),
    Defect("timestamp_jump:by=40", PICTURES, None, ".ts"),
    Defect("timestamp_jump:by=-2", PICTURES, None, ".ts"),
    Defect("format_change:size=160x90", PICTURES, None, ".ts"),
    Defect("sound_drift:by=-60", SOUND, None, before=2),
    Defect("transport_errors:what=continuity", PICTURES, (0.5, 2.0), ".ts"),
    Defect("transport_errors:what=flagged", PICTURES, (0.5, 2.0), ".ts"),
    Defect("transport_errors:what=tables", ("bikes", "tones"), (1.0, 2.0), ".ts", after=4),
    Defect("scrambled", PICTURES, (0.5, 3.0), ".ts"),
    Defect("scrambled:track=a:0", SOUND, (0.5, 3.0), ".ts"),
    Defect("captions_lost", ("long",), (11.0, 14.0), each=3, after=5),
    Defect("sound_cut", SOUND, None, after=3, before=0.8),
    Defect("sound_shift:by=200", ("markers",), None, each=1),
    Defect("sound_shift:by=140", ("markers",), None, ".ts", each=1),
    Defect("sound_shift:by=-60", ("markers",), None, ".ts", each=1),
    Defect("sound_shift:by=-300", ("markers",), None, ".mkv", each=1),
)


def corpus(folder, detectors=()):
    """Make the clips, those that are not there yet: first the clean ones, as they are.

    Args:
        folder: Where they are kept.
        detectors: Only clips with their defects, and the clean ones; of all if none is named.

    Yields:
        A :class:`Clip` at a time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, source in SOURCES.items():
        yield Clip(source(), name, None)
    for defect in DEFECTS:
        own = KINDS[defect.text.partition(":")[0]].detector
        for name in defect.sources if own in (detectors or {own}) else ():
            for number in range(defect.each):
                yield damaged(folder, defect, name, number)


def damaged(folder, defect, name, number):
    """A clip with one defect; the same arguments give the same clip."""
    source = SOURCES[name]()
    target = folder / f"{defect.text.translate(str.maketrans(':=,', '---'))}-{name}-{number}{defect.suffix}"
    if not Labels.path(target).exists():
        text = placed(defect, source, random.Random(f"{SEED} {defect.text} {name} {number}"))
        inject(source, target, [parse(text)], seed=number, encode=Encode(preset="veryfast", gop=25))
    return Clip(target, name, Labels.read(target))


def placed(defect, source, rng):
    """The defect's text with a start, and a length where it has one, that leave the clip's edges clean.

    What holds for the whole clip has neither.
    """
    with av.open(str(source)) as container:
        last = float(Fraction(container.duration, 10**6)) - defect.before
    kind, _, settings = defect.text.partition(":")
    if "start" not in names(kind):
        return defect.text
    fields = [f"{settings}"] if settings else []
    length = 0.0
    if defect.lengths:
        least, most = defect.lengths
        length = round(rng.uniform(least, min(most, last - defect.after)), 2)
        fields.append(f"length={length}")
    start = round(rng.uniform(defect.after, last - length), 2)
    return f"{kind}:{','.join([*fields, f'start={start}'])}"

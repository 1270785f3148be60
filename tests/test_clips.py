"""The clips that other tests and the benchmarks stand on."""

from fractions import Fraction

import av
import numpy as np
import pytest

from tests.bench.clip import Kind, loop
from tests.clips import generated_clip, pictures, real_clip, samples, texture, tones


@pytest.mark.parametrize("codec", ["libx264", "libx265", "mpeg2video"])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".mov"])
def test_a_generated_clip_is_as_asked_and_starts_together(codec, suffix):
    rate = Fraction(30000, 1001)
    clip = generated_clip(seconds=1, size=(96, 64), rate=rate, layout="5.1", suffix=suffix, codec=codec)
    shown = pictures(clip)
    assert [float(at) for at, _ in shown] == pytest.approx([number * 1001 / 30000 for number in range(30)], abs=5e-4)
    sound, at = samples(clip)
    assert (len(sound), at) == (6, 0)
    spectrum = np.abs(np.fft.rfft(sound[:, 8000:40000]))
    assert (spectrum.argmax(axis=1) * 48000 / 32000).tolist() == pytest.approx([440, 554, 659, 80, 1109, 1319], abs=2)


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p10le", "yuv444p"])
def test_a_lossless_clip_holds_the_very_pattern(pixel_format):
    clip = generated_clip(
        seconds=1, size=(96, 64), pixel_format=pixel_format, suffix=".mkv", lossless=True, audio_codec="pcm_s16le"
    )
    for number, (_, picture) in enumerate(pictures(clip)):
        wanted = texture(picture, number)
        assert all(np.array_equal(a, b) for a, b in zip(picture.planes, wanted.planes, strict=True))
    assert np.abs(samples(clip)[0] - tones("stereo", 48000, 1)).max() <= 1 / 32768


def test_a_looped_clip_is_as_long_as_asked_and_the_same_each_time(tmp_path):
    target, again = tmp_path / "a.mp4", tmp_path / "b.mp4"
    still = {"x264-params": "threads=4:mbtree=0"}  # small pictures come out otherwise each time where there is AVX-512
    settings = {"seconds": 6, "kind": Kind(size=(96, 64), options=still), "fps": 25, "bitrate": 100_000}
    assert loop(real_clip("carphone_pristine.mp4"), target, **settings) == loop(
        real_clip("carphone_pristine.mp4"), again, **settings
    )
    with av.open(str(target)) as container:
        stream = container.streams.video[0]
        assert (stream.frames, stream.width, stream.height, stream.average_rate) == (150, 96, 64, 25)
        assert not container.streams.audio

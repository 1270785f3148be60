"""The decoder: native planes, any sound, damage counted and never fatal, the same on every run."""

import io
from itertools import pairwise

import av
import numpy as np
import pytest

from actors import decoder_log, pixels
from actors.clock import WRAP, Stamp
from actors.inject import Encode, inject, parse
from actors.track_decoder import shifted, signed
from tests.actors.decoding import decode
from tests.clips import generated_clip, real_clip


def pictures_of(given):
    return [picture for decoded in given for picture in decoded.pictures]


def sounds_of(given, track="a:0"):
    return [sound for decoded in given if decoded.track == track for sound in decoded.sounds]


@pytest.mark.parametrize("name", ["bigbuckbunny", "bikes", "carphone_pristine"])
def test_every_frame_of_a_real_clip_as_ffmpeg_decodes_it(name):
    path = real_clip(f"{name}.mp4")
    _, given = decode(path)
    pictures = pictures_of(given)
    with av.open(str(path)) as container:
        container.streams.video[0].thread_count = 1
        expected = list(container.decode(video=0))
    assert len(pictures) == len(expected) > 100
    for picture, frame in zip(pictures, expected, strict=True):
        assert picture.stamp.pts == frame.pts
        height = frame.height
        np.testing.assert_array_equal(picture.planes[0].pixels, frame.to_ndarray()[:height, : frame.width])
    assert sum(decoded.facts is not None and bool(decoded.facts.error) for decoded in given) == 0
    assert [picture.clean for picture in pictures] == [False] + [True] * (len(pictures) - 1)


def test_times_start_at_zero_and_go_on():
    _, given = decode(real_clip("bigbuckbunny.mp4"))
    times = [picture.stamp.time for picture in pictures_of(given)]
    steps = {b - a for a, b in pairwise(times)}
    assert times[0] == 0
    assert len(steps) == 1


@pytest.mark.parametrize(
    ("name", "stand_in"),
    [("yuv420p", None), ("yuvj422p", None), ("yuv444p10le", None), ("yuv411p", None), ("yuva420p", None),
     ("gray", None), ("gray12le", None), ("nv12", "yuv420p"), ("p010le", "yuv420p10le"), ("rgb24", "yuv444p"),
     ("gbrp12le", "yuv444p12le"), ("yuyv422", "yuv422p"), ("pal8", "yuv444p"), ("yuv420p10be", "yuv420p10le"),
     ("ya8", "gray")],
)  # fmt: skip
def test_pixel_formats(name, stand_in):
    assert pixels.planar(name) == stand_in
    frame = av.VideoFrame(31, 17, name)
    fmt, planes = pixels.picture("rawvideo", frame)
    assert (fmt.width, fmt.height, fmt.pixel_format) == (31, 17, stand_in or name)
    known = av.VideoFormat(stand_in or name, 31, 17)
    assert fmt.depth == known.components[0].bits
    assert planes[0].pixels.shape == (17, 31)
    if fmt.planes == 3:
        shape = (-(-17 // (1 << fmt.chroma_y)), -(-31 // (1 << fmt.chroma_x)))
        assert planes[1].pixels.shape == planes[2].pixels.shape == shape
    assert type(fmt).parse(fmt.text) == fmt


def test_native_planes_are_views_and_not_copies():
    frame = av.VideoFrame(64, 32, "yuv420p")
    _, planes = pixels.picture("rawvideo", frame)
    np.frombuffer(frame.planes[0], np.uint8)  # the same memory
    assert planes[0].lines.ctypes.data == frame.planes[0].buffer_ptr


@pytest.mark.parametrize(
    ("sample_format", "dtype"), [("u8", np.uint8), ("s16", np.int16), ("s32p", np.int32), ("flt", np.float32),
                                 ("dblp", np.float64)],
)  # fmt: skip
@pytest.mark.parametrize("layout", ["mono", "stereo", "5.1"])
def test_sound_of_any_format_becomes_planar_float32(sample_format, dtype, layout):
    from actors.track_decoder import floats

    frame = av.AudioFrame(sample_format, layout, 480)
    frame.sample_rate = 48_000
    channels = frame.layout.nb_channels
    wave = np.sin(np.arange(480) / 9.0)[None] * np.linspace(0.2, 0.9, channels)[:, None]
    if dtype == np.uint8:
        stored = np.round(wave * 127 + 128).astype(np.uint8)
    elif np.issubdtype(dtype, np.integer):
        stored = np.round(wave * np.iinfo(dtype).max).astype(dtype)
    else:
        stored = wave.astype(dtype)
    if frame.format.is_planar:
        for plane, values in zip(frame.planes, stored, strict=True):
            plane.update(np.ascontiguousarray(values).tobytes())
    else:
        frame.planes[0].update(np.ascontiguousarray(stored.T).tobytes())
    samples = floats(frame)
    assert samples.shape == (channels, 480)
    assert samples.dtype == np.float32
    np.testing.assert_allclose(samples, wave, atol=0.012 if dtype == np.uint8 else 1e-4)


def damaged(path, tmp_path, seed):
    """A transport stream with bytes overwritten at random."""
    clean = io.BytesIO()
    with av.open(str(path)) as source, av.open(clean, "w", format="mpegts") as target:
        streams = {s.index: target.add_stream_from_template(s) for s in source.streams if s.type in ("video", "audio")}
        for packet in source.demux([source.streams[i] for i in streams]):
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                target.mux(packet)
    data = np.frombuffer(clean.getvalue(), np.uint8).copy()
    rng = np.random.default_rng(seed)
    for at in rng.integers(20_000, len(data) - 1000, 60):
        data[at : at + rng.integers(1, 300)] = rng.integers(0, 256)
    out = tmp_path / f"damaged{seed}.ts"
    out.write_bytes(data.tobytes())
    return out


@pytest.mark.parametrize("seed", range(3))
def test_damage_is_counted_and_the_same_on_every_run(tmp_path, seed):
    path = damaged(real_clip("bikes.mp4"), tmp_path, seed)
    _, first = decode(path)
    _, again = decode(path)
    errors = [decoded.facts.error for decoded in first if decoded.facts and decoded.facts.error]
    assert errors
    assert not any(any(c.isdigit() for c in error) for error in errors)
    assert [d.facts for d in first] == [d.facts for d in again]
    a, b = pictures_of(first), pictures_of(again)
    assert len(a) == len(b) > 100
    for x, y in zip(a, b, strict=True):
        assert (x.stamp, x.corrupt, x.clean, x.suspect) == (y.stamp, y.corrupt, y.clean, y.suspect)
        for p, q in zip(x.planes, y.planes, strict=True):
            np.testing.assert_array_equal(p.pixels, q.pixels)


@pytest.mark.parametrize("codec", ["libx264", "libx265", "mpeg2video"])
def test_pictures_whose_bytes_were_lost_are_suspect(tmp_path, codec):
    clip, encode = tmp_path / "clip.ts", Encode(codec=codec, gop=12, slices=4, preset="ultrafast")
    source = generated_clip(seconds=2, size=(320, 180), layout=None)
    inject(source, clip, [], encode=encode)
    assert not any(picture.suspect for picture in pictures_of(decode(clip)[1]))
    lost = [parse("lost_packets:start=0.5,length=0.4,share=0.2")]
    inject(source, clip, lost, encode=encode)
    pictures = pictures_of(decode(clip)[1])
    suspect = [number for number, picture in enumerate(pictures) if picture.suspect]
    assert len(pictures) >= 48
    assert suspect
    assert suspect[0] >= 10
    assert suspect[-1] <= 25


def test_messages_of_one_kind_are_one():
    said = ("error while decoding MB 51 20, bytestream -7", "error while decoding MB 3 4, bytestream -12")
    assert {decoder_log.kind(message) for message in said} == {"error while decoding MB # #, bytestream #"}


def test_stamps_shift_through_a_wrap():
    stamp = shifted(Stamp(1, 2, WRAP - 10, 500), 30, wraps=True)
    assert stamp == Stamp(1, 3, 20, 530)
    assert shifted(Stamp(1, 0, 5, 500), -10, wraps=False) == Stamp(1, 0, -5, 490)
    assert [signed(WRAP - 3), signed(3 - WRAP), signed(7)] == [-3, 3, 7]

"""JPEGs of evidence: the right picture, in the right colours, of the right size."""

import io
import subprocess
from fractions import Fraction
from functools import cache

import av
import numpy as np
import pytest

from actors.limits import Limits
from actors.still import jpeg, still
from tests.actors.ringed import plane_of
from tests.senders import coded

RATE = 25


def opened(data):
    """The only picture of a JPEG."""
    with av.open(io.BytesIO(data), format="jpeg_pipe") as container:
        (frame,) = container.decode(video=0)
    return frame


@cache
def ramp(codec):
    """A file of 50 pictures, each grey of the code 16 + its number."""
    return coded(codec, frames=50, container="matroska")


@pytest.mark.parametrize("codec", ["libx264", "libx265", "mpeg2video"])
@pytest.mark.parametrize(("at", "number"), [
    (Fraction(0), 0), (Fraction(-7), 0), (Fraction(1, RATE), 1), (Fraction(29, RATE), 29),
    (Fraction(29, RATE) + Fraction(1, 30), 29), (Fraction(49, RATE), 49), (Fraction(30), 49),
])  # fmt: skip
def test_it_is_the_picture_shown_at_a_time(codec, at, number):
    luma = plane_of(opened(still(io.BytesIO(ramp(codec)), at, 0, Limits())))
    assert np.median(luma) == pytest.approx(number * 255 / 219, abs=1.2)


def test_damaged_pictures_are_passed_over():
    data = bytearray(ramp("libx264"))
    middle = len(data) // 2
    data[middle : middle + 200] = bytes(200)
    assert still(io.BytesIO(data), Fraction(1), 0, Limits()) is not None


def test_a_file_without_pictures_that_decode_has_none():
    with av.open(io.BytesIO(ramp("libx264"))) as source:
        target = io.BytesIO()
        with av.open(target, "w", format="matroska") as sink:
            stream = sink.add_stream_from_template(source.streams.video[0])
            packet = next(source.demux(video=0))
            empty = av.Packet(b"\x00\x00\x00\x02\x09\x10")
            empty.stream, empty.time_base, empty.pts, empty.dts = stream, packet.time_base, 0, 0
            sink.mux(empty)
        assert still(target, Fraction(0), 0, Limits()) is None


COLOURS = [(200, 50, 50), (50, 200, 50), (50, 50, 200), (0, 0, 0), (255, 255, 255), (128, 128, 128)]


def patch(colour, matrix, range_, pixel_format="yuv420p", size=(320, 180)):
    """A picture of one colour."""
    plain = np.empty((size[1], size[0], 3), np.uint8)
    plain[:] = colour
    return av.VideoFrame.from_ndarray(plain, "rgb24").reformat(
        format=pixel_format, dst_colorspace=matrix, dst_color_range=range_
    )


def shown(data):
    """The colour in the middle of a JPEG, as whatever shows it reads it: full range, BT.601."""
    frame = opened(data)
    rgb = frame.reformat(
        format="rgb24", src_colorspace="ITU601", src_color_range="JPEG", dst_color_range="JPEG"
    ).to_ndarray()
    return rgb[frame.height // 2, frame.width // 2].tolist()


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p10le", "yuv444p"])
@pytest.mark.parametrize("range_", ["MPEG", "JPEG"])
@pytest.mark.parametrize("matrix", ["ITU709", "ITU601", "BT2020"])
def test_colours_are_kept(colour, pixel_format, range_, matrix):
    frame = patch(colour, matrix, range_, pixel_format)
    assert shown(jpeg(frame)) == pytest.approx(colour, abs=6)


@pytest.mark.parametrize(("size", "matrix"), [((640, 360), "ITU601"), ((1280, 720), "ITU709")])
def test_what_a_stream_does_not_say_is_taken_as_usual(size, matrix):
    frame = patch((200, 50, 50), matrix, "MPEG", size=size)
    frame.colorspace, frame.color_range = 2, 0
    assert shown(jpeg(frame)) == pytest.approx((200, 50, 50), abs=6)


@pytest.mark.parametrize("pixel_format", ["rgb24", "gbrp", "gray", "yuvj420p", "nv12", "pal8"])
def test_other_formats(pixel_format):
    grey = patch((128, 128, 128), "ITU601", "JPEG", "rgb24")
    if pixel_format == "pal8":
        frame = av.VideoFrame(64, 64, "pal8")
        for plane in frame.planes:
            plane.update(bytes([128]) * plane.buffer_size)
    else:
        range_ = "MPEG" if pixel_format in ("gray", "nv12") else "JPEG"
        frame = grey.reformat(format=pixel_format, src_color_range="JPEG", dst_color_range=range_)
    assert shown(jpeg(frame)) == pytest.approx((128, 128, 128), abs=6)


@pytest.mark.parametrize(("size", "aspect", "expected"), [
    ((320, 180), 1, (320, 180)), ((1280, 720), 1, (1280, 720)), ((1920, 1080), 1, (1280, 720)),
    ((3840, 1600), 1, (1280, 534)), ((720, 576), Fraction(64, 45), (1024, 576)), ((101, 55), 1, (100, 56)),
    ((2, 2), 1, (2, 2)), ((640, 360), Fraction(1, 900), (640, 360)),
])  # fmt: skip
def test_size(size, aspect, expected):
    frame = opened(jpeg(av.VideoFrame(*size, "yuv420p"), Fraction(aspect)))
    assert (frame.width, frame.height) == expected


@pytest.mark.ffmpeg
def test_quality_is_that_of_ffmpeg(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (360, 640, 3), np.uint8)
    frame = av.VideoFrame.from_ndarray(noise, "rgb24").reformat(format="yuvj420p", dst_color_range="JPEG")
    raw = tmp_path / "noise.yuv"
    raw.write_bytes(frame.to_ndarray().tobytes())
    command = ["ffmpeg", "-v", "error", "-f", "rawvideo", "-pix_fmt", "yuvj420p", "-s", "640x360", "-i", raw]
    subprocess.run([*command, "-q:v", "3", tmp_path / "noise.jpg"], check=True)
    assert len(jpeg(frame)) == pytest.approx((tmp_path / "noise.jpg").stat().st_size, rel=0.05)

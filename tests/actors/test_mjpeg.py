"""How large pictures are as JPEGs: of the source's own size, coarser ones smaller, none without pictures."""

import io

import av
import pytest

from actors import mjpeg
from tests.clips import generated_clip, real_clip


@pytest.fixture(scope="module")
def clip():
    return str(generated_clip(seconds=2, size=(320, 180)))


def test_every_so_many_th_picture_is_coded(clip):
    assert [mjpeg.sample(clip, every).pictures for every in (1, 7, 25, 49, 50)] == [50, 8, 2, 2, 1]


def test_finer_pictures_are_larger(clip):
    sizes = [mjpeg.sample(clip, 10, quality).mean_bytes for quality in (2, 5, 10, 31)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > 2 * sizes[-1] > 1000


def test_a_jpeg_has_the_size_of_its_picture(clip):
    with av.open(clip) as container:
        frame = next(container.decode(video=0))
    data = mjpeg.coded(frame, mjpeg.QUALITY)
    with av.open(io.BytesIO(data), format="jpeg_pipe") as container:
        back = next(container.decode(video=0))
    assert (back.width, back.height) == (320, 180)


def test_a_real_clip():
    found = mjpeg.sample(str(real_clip("bigbuckbunny.mp4")))
    assert found.pictures == 6
    assert 30_000 < found.mean_bytes < 300_000
    assert found.cpu_seconds > 0


def test_sound_alone_has_no_pictures():
    found = mjpeg.sample(str(generated_clip(seconds=1, size=None, suffix=".mkv")))
    assert (found.pictures, found.mean_bytes) == (0, 0.0)

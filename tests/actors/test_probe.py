"""What a source says of its pictures agrees with what is decoded of it."""

import pytest

from actors.probe import pictures
from actors.source import SourceError
from tests.serve.defective import defective


@pytest.mark.parametrize("name", ["plain.mp4", "lost.ts"])
def test_size_and_rate_are_the_containers(name):
    (found,) = pictures(str(defective(name)))
    assert (found.width, found.height, found.pixel_format) == (160, 90, "yuv420p")
    assert found.bytes_each == 160 * 90 + 2 * 80 * 45
    assert found.per_second == pytest.approx(25.0, abs=0.5)
    assert found.bytes_per_second == found.bytes_each * found.per_second


def test_what_is_no_media_is_refused(tmp_path):
    path = tmp_path / "no.mp4"
    path.write_bytes(b"no media at all")
    with pytest.raises(SourceError, match=r"no\.mp4"):
        pictures(str(path))

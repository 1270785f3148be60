"""End to end: defects of pictures are found where they are, by their own detector."""

import pytest

from actors.inject import Encode
from tests.clips import generated_clip
from tests.test_defects import FRAME, analysed, incidents

OWN = ["interlace", "dropouts", "bars"]


@pytest.fixture(scope="module")
def source():
    return generated_clip(seconds=6, size=(160, 96), layout=None)


@pytest.mark.parametrize(
    ("defects", "fields", "detector", "cause"),
    [
        (["combing:start=2,length=2"], "none", "interlace", "combing"),
        (["combing:start=2,length=2,first=bottom"], "none", "interlace", "combing"),
        (["pulldown:start=1,length=4"], "none", "interlace", "telecine"),
        (["tape_dropouts:start=2,length=2"], "none", "dropouts", "streaks"),
        (["repeated_lines:start=2,length=2"], "none", "dropouts", "lines"),
        (["cut:start=3", "dead_pixels:start=1,length=4"], "none", "dropouts", "dead_pixels"),
        (["bars:start=2,length=3,pattern=smpte_hd"], "none", "bars", "smpte_hd"),
        (["bars:start=2,length=3,pattern=solid"], "none", "bars", "solid"),
        (["combing", "swapped_fields:start=2,length=2"], "top", "interlace", "field_order"),
    ],
)
def test_found_where_it_is(source, tmp_path, defects, fields, detector, cause):
    labels, stream = analysed(source, tmp_path, defects, ".mp4", Encode(gop=25, fields=fields), detectors=OWN)
    (found,) = stream["incidents"]
    label = labels.defects[-1]
    assert (found["detector"], found["cause"]) == (detector, cause)
    assert found["start_seconds"] == pytest.approx(label.start_seconds, abs=2 * FRAME)
    assert found["end_seconds"] == pytest.approx(label.end_seconds, abs=8 * FRAME)


@pytest.mark.parametrize(("first", "codec"), [("top", "libx264"), ("bottom", "mpeg2video")])
def test_fields_that_are_said_are_no_defect(source, tmp_path, first, codec):
    encode = Encode(gop=25, fields=first, codec=codec)
    _, stream = analysed(source, tmp_path, [f"combing:first={first}"], ".ts", encode, detectors=["interlace"])
    assert stream["status"] == "completed"
    assert incidents(stream, "interlace") == []

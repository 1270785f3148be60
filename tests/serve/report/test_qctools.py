"""What QCTools reads: each frame, with the values that libavfilter gives."""

from xml.etree import ElementTree

import av
import numpy as np
import pytest

import sightline
from actors.reader import Reader
from serve.report.qctools import DIFFERENCE, MEAN, MOMENTARY, qctools
from serve.report.told import told
from tests.clips import generated_clip
from tests.serve.report.reported import streams
from tests.serve.running import broken


@pytest.fixture(scope="module")
def frames():
    root = ElementTree.fromstring("".join(qctools(streams()[0])))
    assert root.tag == "{http://www.ffmpeg.org/schema/ffprobe}ffprobe"
    return root.find("frames").findall("frame")


def tags(frame):
    return {tag.get("key"): float(tag.get("value")) for tag in frame.findall("tag")}


def signalstats(path, keys):
    """What libavfilter says of each picture."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        graph = av.filter.Graph()
        graph.link_nodes(graph.add_buffer(template=stream), graph.add("signalstats"), graph.add("buffersink"))
        graph.configure()
        for frame in container.decode(stream):
            graph.push(frame)
            found = dict(graph.pull().metadata)
            yield [float(found[key]) for key in keys]


def test_luma_and_change_are_as_signalstats_has_them(frames):
    pictures = [tags(frame) for frame in frames if frame.get("media_type") == "video"]
    expected = list(signalstats(broken(), (MEAN, DIFFERENCE)))
    assert len(pictures) == len(expected) == 150
    assert [found[MEAN] for found in pictures] == pytest.approx([mean for mean, _ in expected], abs=0.01)
    assert DIFFERENCE not in pictures[0]
    changes = [found[DIFFERENCE] for found in pictures[1:]]
    assert changes == pytest.approx([change for _, change in expected[1:]], rel=1e-4, abs=1e-4)
    assert max(changes) > 5


def test_values_are_in_codes_of_the_streams_depth(tmp_path):
    clip = generated_clip(size=(160, 90), layout=None, pixel_format="yuv420p10le")
    sightline.analyze(clip, results=str(tmp_path))
    reader = Reader(str(tmp_path))
    ((name, stored),) = reader.streams().items()
    root = ElementTree.fromstring("".join(qctools(told(reader, name, stored))))
    found = [tags(frame) for frame in root.find("frames")]
    expected = list(signalstats(clip, (MEAN, DIFFERENCE)))
    assert len(found) == len(expected) == 50
    assert [one[MEAN] for one in found] == pytest.approx([mean for mean, _ in expected], abs=0.04)
    assert min(mean for mean, _ in expected) > 256
    assert [one[DIFFERENCE] for one in found[1:]] == pytest.approx([change for _, change in expected[1:]], rel=1e-4)


def test_loudness_is_measured_where_there_is_sound(frames):
    sound = [frame for frame in frames if frame.get("media_type") == "audio"]
    values = [tags(frame).get(MOMENTARY, np.nan) for frame in sound]
    assert {frame.get("stream_index") for frame in sound} == {"1"}
    assert len(values) >= 60
    assert np.isnan(values[:3]).all()
    most = streams()[0].document["tracks"][1]["loudness"]["max_momentary_lufs"]
    assert np.nanmax(values) == pytest.approx(most, abs=0.1)
    assert np.nanmin(values) < most - 20


def test_every_frame_has_what_is_read_of_it(frames):
    times = [float(frame.get("pkt_pts_time")) for frame in frames if frame.get("media_type") == "video"]
    assert times == pytest.approx([index / 25 for index in range(150)])
    for frame in frames:
        assert float(frame.get("pkt_duration_time")) > 0
        assert frame.get("key_frame") in {"0", "1"}
    assert {(frame.get("width"), frame.get("height")) for frame in frames[:150]} == {("160", "90")}

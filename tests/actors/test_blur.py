"""Blur: the measure ranks as sigma and as ffmpeg's blurdetect, and the judge."""

from itertools import islice

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.detectors.blur import Blur, BlurThresholds
from actors.inject import parse
from actors.inject.read import frame_of, planes_of
from actors.measure.picture import PictureMeter
from tests.actors.rows import check_splits, closed, judged, video
from tests.actors.test_picture import clip, make_batch, make_format, make_frame

WANTED = frozenset({"edge_width"})
SIGMAS = (0.7, 1.2, 2, 3, 4, 6)


def widths(*lumas, depth=8):
    height, width = lumas[0].shape
    frames = [make_frame(number, luma) for number, luma in enumerate(lumas)]
    return PictureMeter().measure(make_batch(make_format(width, height, depth), frames), WANTED)["edge_width"]


def blurdetect(frame):
    graph = av.filter.Graph()
    size = {"width": frame.width, "height": frame.height, "format": frame.format.name, "time_base": frame.time_base}
    graph.link_nodes(graph.add_buffer(**size), graph.add("blurdetect"), graph.add("buffersink")).configure()
    graph.push(frame)
    return float(graph.pull().metadata["lavfi.blur"])


@pytest.mark.parametrize("name", ["bikes.mp4", "bigbuckbunny.mp4", "carphone_pristine.mp4"])
def test_it_ranks_as_sigma_and_as_blurdetect(name):
    compared = 0
    with av.open(clip(name)) as container:
        for frame in islice(container.decode(video=0), 0, 80, 40):
            plain = planes_of(frame)
            blurred = [parse(f"blur:sigma={sigma}").begin(np.random.default_rng(0), {})(plain, 0) for sigma in SIGMAS]
            ours = widths(plain.planes[0], *(one.planes[0] for one in blurred))
            theirs = [blurdetect(frame), *(_said(one, frame) for one in blurred)]
            assert (np.diff(ours) > 0).all(), ours
            assert np.argsort(theirs).tolist() == np.argsort(ours).tolist(), theirs
            compared += len(ours)
    assert compared == 2 * (1 + len(SIGMAS))


def _said(blurred, frame):
    made = frame_of(blurred, frame)
    made.time_base = frame.time_base
    return blurdetect(made)


@pytest.mark.parametrize(("width", "found"), [(1, 1.0), (2, 2.0), (4, 4.0), (8, 8.0), (14, 11.0)])
def test_the_width_of_ramps(width, found):
    """Of the 14 steps of the last one the first sees 8 of them, the next 9, and those in the middle all."""
    ramp = np.clip(np.arange(200) - 100, 0, width) / width * 112 + 16
    assert widths(np.tile(ramp, (20, 1)).astype(np.uint8))[0] == pytest.approx(found, rel=0.02)


def test_a_picture_without_edges_has_no_value():
    faint = np.full((40, 60), 90, np.uint8)
    faint[:, 30:] += 31
    lone = np.full((600, 640), 90, np.uint8)
    lone[1, 300:] = 200
    assert np.isnan(widths(np.full((40, 60), 90, np.uint8), faint)).all()
    assert np.isnan([widths(lone)[0], widths(np.zeros((1, 1), np.uint8))[0], widths(faint[:, :15].copy())[0]]).all()


def test_deeper_pictures_give_what_their_eight_bits_give():
    luma = np.random.default_rng(1).integers(0, 256, (30, 50), dtype=np.uint8)
    assert widths((luma.astype(np.uint16) << 4) | 9, depth=12) == widths(luma)


def series(*pieces):
    values = np.repeat([width for width, _ in pieces], [frames for _, frames in pieces]).astype(float)
    return video(len(values), edge_width=values)


def test_it_is_found_where_it_is():
    events = judged(Blur(), [series((3, 25), (12, 50), (3, 10))])
    assert [span[:2] for span in closed(events)] == [(1.0, 3.0)]
    assert (events[-1].peak, events[-1].unit, events[-1].severity) == (12, "px", "warning")


@pytest.mark.parametrize(("width", "frames", "found"), [(10, 25, 1), (9.99, 25, 0), (15, 24, 0), (np.nan, 99, 0)])
def test_thresholds_are_inclusive(width, frames, found):
    assert len(closed(judged(Blur(), [series((2, 1), (width, frames), (2, 1))]))) == found


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([np.nan, 2.0, 10.0, 14.0]), st.sampled_from([1, 3, 24, 25, 400])), max_size=12),
    st.lists(st.integers(1, 90), max_size=30),
)
def test_any_split_gives_the_same_events(pieces, sizes):
    check_splits(Blur(BlurThresholds(minimum_seconds=0.5)), [series((2.0, 1), *pieces)], sizes)

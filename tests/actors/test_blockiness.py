"""Blocky pictures: the measure is blockdetect's, a grid is told from an edge, and the judge."""

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.detectors.blockiness import Blockiness, BlockinessThresholds
from actors.inject import parse
from actors.inject.defects import Picture
from actors.measure.picture import PictureMeter
from actors.pixels import picture
from tests.actors.rows import check_splits, closed, judged, video
from tests.actors.test_picture import clip, make_batch, make_format, make_frame

METRICS = frozenset({"blockiness", "block_grid", "block_step"})


def measured(*lumas, depth=8):
    height, width = lumas[0].shape
    frames = [make_frame(number, luma) for number, luma in enumerate(lumas)]
    return PictureMeter().measure(make_batch(make_format(width, height, depth), frames), METRICS)


def blockdetect(frame):
    """What a filter that has seen no other frame says."""
    graph = av.filter.Graph()
    size = {"width": frame.width, "height": frame.height, "format": frame.format.name, "time_base": frame.time_base}
    graph.link_nodes(graph.add_buffer(**size), graph.add("blockdetect"), graph.add("buffersink")).configure()
    graph.push(frame)
    return float(graph.pull().metadata["lavfi.block"])


@pytest.mark.parametrize(
    ("name", "size", "tolerance"),
    [("bikes.mp4", None, 0.001), ("carphone_distorted.mp4", None, 0.001), ("bikes.mp4", (1920, 1080), 0.05),
     ("bigbuckbunny.mp4", None, 0.05)],
)  # fmt: skip
def test_it_is_blockdetects_value(name, size, tolerance):
    compared = 0
    with av.open(clip(name)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number % 12 or compared == 8:
                continue
            shown = frame.reformat(*size) if size else frame
            fmt, planes = picture("any", shown)
            found = PictureMeter().measure(make_batch(fmt, [make_frame(0, *(p.pixels for p in planes))]), METRICS)
            assert found["blockiness"][0] == pytest.approx(blockdetect(shown), rel=tolerance)
            compared += 1
    assert compared == 8


def textured(height=180, width=320, seed=0):
    rng = np.random.default_rng(seed)
    smooth = np.cumsum(np.cumsum(rng.normal(0, 1, (height, width)), axis=0), axis=1)
    luma = 128 + 60 * smooth / np.abs(smooth).max() + rng.normal(0, 3, (height, width))
    return np.clip(luma, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("shape", [(90, 160), (8, 300), (300, 8), (7, 7), (1, 1)])
def test_a_flat_picture_has_no_value(shape):
    found = measured(np.full(shape, 90, np.uint8), np.full(shape, 16, np.uint8))
    assert all(np.isnan(values).all() and len(values) == 2 for values in found.values())


def test_a_hard_edge_is_no_grid():
    edged = textured()
    edged[:, :96] = 16
    plain, found = measured(textured()), measured(edged)
    assert found["blockiness"][0] > 1.5 * plain["blockiness"][0]
    assert plain["block_grid"][0] < 1.5
    assert found["block_grid"][0] < 1.5


@pytest.mark.parametrize("size", [4, 8, 11, 16])
@pytest.mark.parametrize("shape", [(180, 320), (600, 1100)])
def test_a_grid_shows_by_its_strength(size, shape):
    luma = textured(*shape)
    drawn = [
        parse(f"blockiness:size={size},strength={strength}").begin(np.random.default_rng(0), {})(
            Picture((luma,), 8, False), 0
        ).planes[0]
        for strength in (0.3, 0.6, 0.9)
    ]  # fmt: skip
    grid = measured(luma, *drawn)["block_grid"]
    assert (np.diff(grid) > 0).all(), grid
    assert grid[0] < 2
    assert grid[-1] > 4


def test_deeper_pictures_give_what_their_eight_bits_give():
    luma = textured()
    deep = (luma.astype(np.uint16) << 2) | 3
    found, expected = measured(deep, depth=10), measured(luma)
    assert {name: values[0] for name, values in found.items()} == {name: values[0] for name, values in expected.items()}


def blocky(*pieces, step=5.0):
    grid = np.repeat([value for value, _ in pieces], [frames for _, frames in pieces]).astype(float)
    return video(len(grid), block_grid=grid, block_step=np.full(len(grid), step), blockiness=grid)


def test_it_is_found_where_it_is():
    events = judged(Blockiness(), [blocky((1.1, 25), (4, 50), (1.1, 25))])
    assert [span[:2] for span in closed(events)] == [(1.0, 3.0)]
    assert (events[-1].peak, events[-1].unit, events[-1].severity) == (4, "ratio", "warning")


@pytest.mark.parametrize(
    ("ratio", "frames", "step", "found"),
    [(2.5, 25, 1, 1), (2.49, 25, 1, 0), (2.5, 24, 1, 0), (10, 25, 0.99, 0), (np.nan, 50, np.nan, 0)],
)
def test_thresholds_are_inclusive(ratio, frames, step, found):
    assert len(closed(judged(Blockiness(), [blocky((1, 5), (ratio, frames), (1, 5), step=step)]))) == found


def test_it_closes_at_the_end_of_the_track():
    assert [event.kind for event in judged(Blockiness(), [blocky((9, 60))])] == ["opened", "closed"]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([np.nan, 1.0, 2.5, 9.0]), st.sampled_from([1, 3, 24, 25, 300])), max_size=12),
    st.lists(st.integers(1, 90), max_size=30),
)
def test_any_split_gives_the_same_events(pieces, sizes):
    check_splits(Blockiness(BlockinessThresholds(minimum_seconds=0.5)), [blocky((1.0, 1), *pieces)], sizes)

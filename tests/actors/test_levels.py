"""Illegal levels: the measure is signalstats' BRNG, and the judge."""

from fractions import Fraction
from itertools import islice

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.detectors.levels import Levels, LevelsThresholds
from actors.inject import parse
from actors.inject.read import frame_of, planes_of
from actors.measure.picture import PictureMeter
from actors.pixels import picture
from tests.actors.rows import FORMAT, check_splits, closed, judged, video
from tests.actors.test_picture import clip, make_batch, make_format, make_frame

WANTED = frozenset({"illegal_share"})
BESIDE_LUMA = WANTED | {"black_share"}
"""With a histogram, of which the measure makes use."""


def brng(frame):
    graph = av.filter.Graph()
    size = {"width": frame.width, "height": frame.height, "format": frame.format.name, "time_base": Fraction(1, 25)}
    chain = [graph.add_buffer(**size), graph.add("signalstats", "stat=brng"), graph.add("buffersink")]
    graph.link_nodes(*chain).configure()
    graph.push(frame)
    return float(graph.pull().metadata["lavfi.signalstats.BRNG"])


@pytest.mark.parametrize("format_", ["yuv420p", "yuv422p", "yuv444p", "yuv411p", "yuv440p", "yuv422p10le"])
def test_it_is_brng_of_signalstats(format_):
    change = parse("levels:gain=1.7").begin(np.random.default_rng(0), {})
    found, beside, said = [], [], []
    with av.open(clip("bikes.mp4")) as container:
        for frame in islice(container.decode(video=0), 0, 100, 10):
            plain = frame.reformat(format=format_)
            made = frame_of(change(planes_of(plain), 0), plain)
            fmt, planes = picture("any", made)
            batch = make_batch(fmt, [make_frame(0, *(plane.pixels for plane in planes))])
            found += PictureMeter().measure(batch, WANTED)["illegal_share"].tolist()
            beside += PictureMeter().measure(batch, BESIDE_LUMA)["illegal_share"].tolist()
            said.append(brng(made))
    assert len(found) == 10
    assert found == beside
    assert max(found) > 0.02
    np.testing.assert_allclose(found, said, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("wanted", [WANTED, BESIDE_LUMA])
@pytest.mark.parametrize(("depth", "scale"), [(8, 1), (10, 4), (16, 256)])
def test_bounds_are_legal(depth, scale, wanted):
    dtype = np.uint8 if depth == 8 else np.uint16
    luma = np.array([[16, 235, 16, 235]] * 2, dtype) * scale
    chroma = np.array([[16, 240]], dtype) * scale
    fmt = make_format(4, 2, depth, planes=3)
    shares = []
    for change in (None, "dark", "bright", "blue", "red"):
        planes = [luma.copy(), chroma.copy(), chroma.copy()]
        if change in ("dark", "bright"):
            planes[0][1, 1] = 16 * scale - 1 if change == "dark" else 235 * scale + 1
        elif change:
            planes[1 if change == "blue" else 2][0, 1] += 1
        shares += PictureMeter().measure(make_batch(fmt, [make_frame(0, *planes)]), wanted)["illegal_share"].tolist()
    assert shares == [0, 1 / 8, 1 / 8, 4 / 8, 4 / 8]


def test_full_range_has_no_illegal_codes():
    fmt = make_format(4, 2, range="full")
    frame = make_frame(0, np.zeros((2, 4), np.uint8))
    assert np.isnan(PictureMeter().measure(make_batch(fmt, [frame]), WANTED)["illegal_share"]).all()
    assert Levels().unknown(FORMAT.replace("limited", "full")) == "full range: every code is legal"
    assert Levels().unknown(FORMAT) is None


def shares(*pieces):
    values = np.repeat([share for share, _ in pieces], [frames for _, frames in pieces]).astype(float)
    return video(len(values), illegal_share=values)


def test_it_is_found_where_it_is():
    events = judged(Levels(), [shares((0.01, 25), (0.2, 50), (0.01, 10))])
    assert [span[:2] for span in closed(events)] == [(1.0, 3.0)]
    assert (events[-1].peak, events[-1].unit, events[-1].severity) == (0.2, "share", "warning")


@pytest.mark.parametrize(("share", "frames", "found"), [(0.05, 50, 1), (0.049, 50, 0), (1, 49, 0), (np.nan, 99, 0)])
def test_thresholds_are_inclusive(share, frames, found):
    assert len(closed(judged(Levels(), [shares((0, 1), (share, frames), (0, 1))]))) == found


def test_an_assumed_range_is_said():
    rows = video(60, illegal_share=np.ones(60), format=FORMAT.replace("limited", "assumed"))
    assert "range assumed limited" in judged(Levels(), [rows])[0].message


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([np.nan, 0.0, 0.05, 0.6]), st.sampled_from([1, 3, 49, 50, 400])), max_size=12),
    st.lists(st.integers(1, 90), max_size=30),
)
def test_any_split_gives_the_same_events(pieces, sizes):
    check_splits(Levels(LevelsThresholds(minimum_seconds=1.5)), [shares((0.0, 1), *pieces)], sizes)

"""Bars and plain colour: the patterns are those that ffmpeg draws, and the judge."""

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.detectors.bars import Bars, BarsThresholds
from actors.detectors.patterns import PATTERNS, cells
from actors.inject import parse
from actors.inject.defects import Picture
from actors.measure.picture import PictureMeter
from actors.pixels import picture
from tests.actors.rows import FORMAT, check_splits, closed, judged, video
from tests.actors.test_picture import make_batch, make_format, make_frame

WANTED = frozenset(Bars.metrics)


def drawn(source, pixel_format="yuv420p"):
    """A picture of one of ffmpeg's sources."""
    graph = av.filter.Graph()
    chain = [graph.add(*source), graph.add("format", pixel_format), graph.add("buffersink")]
    graph.link_nodes(*chain).configure()
    return graph.pull()


def shown(frame, count=60):
    """Rows of a picture that is shown so often."""
    fmt, planes = picture("any", frame)
    found = PictureMeter().measure(make_batch(fmt, [make_frame(0, *(plane.pixels for plane in planes))]), WANTED)
    return video(count, format=fmt.text, **{name: np.repeat(values, count, axis=0) for name, values in found.items()})


@pytest.mark.parametrize("size", ["1280x720", "720x576", "160x90"])
@pytest.mark.parametrize(
    ("source", "cause"),
    [("smptebars", "smpte"), ("smptehdbars", "smpte_hd"), ("pal75bars", "ebu"), ("pal100bars", "ebu")],
)
def test_bars_are_those_that_ffmpeg_draws(source, cause, size):
    for pixel_format in ("yuv420p", "yuv422p10le", "yuvj420p"):
        events = judged(Bars(), [shown(drawn((source, f"size={size}"), pixel_format))])
        assert closed(events) == [(0, 2.4, cause)]
    assert (events[-1].peak, events[-1].severity, events[-1].part) == (None, "warning", cause)


@pytest.mark.parametrize("colour", ["white", "gray", "red", "blue", "0x204060"])
def test_plain_colour(colour):
    assert closed(judged(Bars(), [shown(drawn(("color", f"color={colour}:size=320x180")))])) == [(0, 2.4, "solid")]


@pytest.mark.parametrize(
    "source",
    [("color", "color=black"), ("color", "color=0x101010"), ("testsrc", ""), ("testsrc2", ""), ("rgbtestsrc", "")],
)
def test_what_is_neither(source):
    assert judged(Bars(), [shown(drawn(source))]) == []


def test_grey_is_plain_without_colours():
    frame = make_frame(0, np.full((18, 32), 120, np.uint8))
    found = PictureMeter().measure(make_batch(make_format(32, 18), [frame]), WANTED)
    grey = FORMAT.replace("113", "001")
    rows = video(60, format=grey, **{name: np.repeat(values, 60, axis=0) for name, values in found.items()})
    assert closed(judged(Bars(), [rows])) == [(0, 2.4, "solid")]


def test_colours_are_means_of_cells():
    blue = np.repeat(np.arange(16, dtype=np.uint8), 2)[None].repeat(9, axis=0)
    frame = make_frame(0, np.zeros((18, 64), np.uint8), blue, blue + 100)
    colours = PictureMeter().measure(make_batch(make_format(64, 18, planes=3), [frame]), WANTED)["colours"]
    rising = 256 * np.arange(16)
    np.testing.assert_array_equal(colours.reshape(2, 9, 16)[:, 8], [rising, rising + 25600])


@pytest.mark.parametrize("pattern", ["smpte", "smpte_hd", "ebu", "solid"])
@pytest.mark.parametrize("matrix", ["bt601", "bt709"])
def test_injected_bars_are_the_pattern(pattern, matrix):
    change = parse(f"bars:pattern={pattern},matrix={matrix}").begin(np.random.default_rng(0), {})
    blank = tuple(np.zeros(shape, np.uint8) for shape in ((90, 160), (45, 80), (45, 80)))
    planes = change(Picture(blank, 8, full=False), 0).planes
    found = PictureMeter().measure(make_batch(make_format(160, 90, planes=3), [make_frame(0, *planes)]), WANTED)
    rows = video(60, **{name: np.repeat(values, 60, axis=0) for name, values in found.items()})
    assert closed(judged(Bars(), [rows])) == [(0, 2.4, pattern)]


def test_cells_below_the_bars_are_not_looked_at():
    rows = [int((~np.isnan(cells(pattern, "bt709")[0])).sum()) // 16 for pattern in PATTERNS]
    assert rows == [6, 5, 9, 9]


@pytest.mark.parametrize("transfer", ["pq", "hlg"])
def test_hdr_is_unknown(transfer):
    rows = shown(drawn(("pal75bars", "size=320x180")))
    hdr = video(60, format=FORMAT.replace("sdr", transfer), **{name: rows.columns[name] for name in WANTED})
    assert judged(Bars(), [hdr]) == []
    assert "bars of its own" in Bars().unknown(hdr.format)
    assert Bars().unknown(rows.format) is None


LOOKS = ("pal75bars", "smptebars", "color", "testsrc")


@pytest.fixture(scope="module")
def looks():
    return {name: shown(drawn((name, "size=160x90" + ":color=white" * (name == "color"))), 1) for name in LOOKS}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(LOOKS), st.sampled_from([1, 3, 24, 25, 90])), min_size=1, max_size=8),
    st.lists(st.integers(1, 90), max_size=30),
)
def test_any_split_gives_the_same_events(looks, pieces, sizes):
    order = [name for name, count in pieces for _ in range(count)]
    columns = {name: np.concatenate([looks[look].columns[name] for look in order]) for name in WANTED}
    made = video(len(order), format=looks["color"].format, **columns)
    check_splits(Bars(BarsThresholds(minimum_seconds=1)), [made], sizes)

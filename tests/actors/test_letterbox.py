"""Borders are cropdetect's for each picture, and a change of them is told where it is."""

import re
import subprocess

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.detectors.letterbox import Letterbox, LetterboxThresholds
from actors.inject import inject, parse
from actors.measure.picture import PictureMeter
from tests.actors.rows import check_splits, closed, judged, video
from tests.actors.test_picture import make_batch, make_format, make_frame
from tests.clips import pictures, real_clip

SIDES = ("top", "bottom", "left", "right")
WANTED = frozenset(f"border_{side}" for side in SIDES)


def measured(*lumas):
    height, width = lumas[0].shape
    frames = [make_frame(number, luma) for number, luma in enumerate(lumas)]
    found = PictureMeter().measure(make_batch(make_format(width, height), frames), WANTED)
    return np.stack([found[f"border_{side}"] for side in SIDES], axis=1)


@pytest.mark.ffmpeg
@pytest.mark.parametrize(
    ("name", "defect"), [("bikes.mp4", "letterbox:start=1,length=2,lost=0.3"), ("carphone_pristine.mp4", "cut:start=1")]
)
def test_borders_are_those_of_cropdetect(tmp_path, name, defect):
    made = tmp_path / "made.mkv"
    inject(real_clip(name), made, [parse(defect)])
    chain = "cropdetect=limit=24/255:reset=1,metadata=print:file=-"
    command = ["ffmpeg", "-v", "error", "-i", made, "-vf", chain, "-f", "null", "-"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    corners = {
        corner: [int(number) for number in re.findall(rf"cropdetect\.{corner}=(\d+)", said)]
        for corner in ("x1", "x2", "y1", "y2")
    }
    lumas = [picture.planes[0] for _, picture in pictures(made)][2:102]
    height, width = lumas[0].shape
    theirs = np.array([corners["y1"], corners["y2"], corners["x1"], corners["x2"]]).T[:100]
    theirs = np.stack([theirs[:, 0], height - 1 - theirs[:, 1], theirs[:, 2], width - 1 - theirs[:, 3]], axis=1)
    assert len(theirs) == len(lumas) == 100
    np.testing.assert_array_equal(measured(*lumas), theirs)
    assert (theirs.max() > 30) == defect.startswith("letterbox")


def test_borders_by_hand():
    luma = np.full((40, 60), 120, np.uint8)
    luma[:3], luma[-5:], luma[:, :20], luma[:, -1:] = 16, 24, 16, 16
    dark, lit = np.full((40, 60), 24, np.uint8), np.full((40, 60), 25, np.uint8)
    assert measured(luma, lit).tolist() == [[3, 5, 20, 1], [0, 0, 0, 0]]
    assert np.isnan(measured(dark)).all()


def barred(*pieces, sides=False, uneven=0.0):
    """Rows of bars that take a share of the picture; None is a dark picture."""
    lost = np.repeat([np.nan if share is None else share for share, _ in pieces], [frames for _, frames in pieces])
    height, width = 180, 320
    down, across = (np.zeros(len(lost)), lost) if sides else (lost, np.zeros(len(lost)))
    across = np.where(np.isnan(lost), np.nan, across)
    return video(
        len(lost), border_top=down * height / 2, border_bottom=down * height / 2 + uneven * height,
        border_left=across * width / 2, border_right=across * width / 2,
    )  # fmt: skip


@pytest.mark.parametrize("sides", [False, True])
@pytest.mark.parametrize(("usual", "other"), [(0, 0.25), (0.25, 0), (0.1, 0.3)])
def test_a_change_is_told_where_it_is(usual, other, sides):
    events = judged(Letterbox(), [barred((usual, 100), (other, 75), (usual, 100), sides=sides)])
    assert [span[:2] for span in closed(events)] == [(4.0, 7.0)]
    assert (events[-1].peak, events[-1].unit, events[-1].severity) == (pytest.approx(other), "share", "info")
    assert f"where {usual:.1%} is usual" in events[-1].message


def test_bars_of_the_whole_programme_are_its_own():
    assert judged(Letterbox(), [barred((0.25, 500))]) == []


@pytest.mark.parametrize(
    ("pieces", "more"),
    [
        ([(0, 100), (0.25, 49), (0, 100)], {}),
        ([(0, 100), (0.04, 100), (0, 100)], {}),
        ([(0, 100), (None, 100), (0, 100)], {}),
        ([(0, 100), (0.25, 100)], {"uneven": 0.1}),
        ([(0, 100), *[(0.05 * n, 5) for n in range(12)], (0, 50)], {}),
    ],
    ids=["short", "small", "dark", "one larger than the other", "moving"],
)
def test_what_is_no_change(pieces, more):
    assert closed(judged(Letterbox(), [barred(*pieces, **more)])) == []


def test_dark_pictures_within_are_passed_over():
    events = judged(Letterbox(), [barred((0, 100), (0.25, 20), (None, 30), (0.25, 30), (0, 50))])
    assert [span[:2] for span in closed(events)] == [(4.0, 7.2)]


def test_it_closes_at_the_end_of_the_track():
    events = judged(Letterbox(), [barred((0, 100), (0.25, 60))])
    assert [event.kind for event in events] == ["opened", "closed"]


def test_a_title_on_black_is_no_border():
    rows = barred((0, 100), (0.25, 100))
    rows.columns["border_left"][100:] = rows.columns["border_right"][100:] = 60
    assert judged(Letterbox(), [rows]) == []


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([None, 0.0, 0.01, 0.03, 0.25, 0.26, 0.5]), st.sampled_from([1, 3, 26, 50, 300])),
        min_size=1, max_size=12,
    ),
    st.lists(st.integers(1, 90), max_size=30),
)  # fmt: skip
def test_any_split_gives_the_same_events(pieces, sizes):
    check_splits(Letterbox(LetterboxThresholds(minimum_seconds=1)), [barred(*pieces)], sizes)

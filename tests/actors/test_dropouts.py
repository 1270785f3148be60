"""Streaks, repeated lines and dead pixels: what is measured, and the judge."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.detectors.dropouts import Dropouts, DropoutsThresholds
from actors.measure.picture import PictureMeter
from tests.actors.rows import check_splits, closed, judged, video
from tests.actors.test_picture import make_batch, make_format, make_frame

WANTED = frozenset({"streak_share", "repeated_lines", "specks"})


def measured(*lumas):
    height, width = lumas[0].shape
    frames = [make_frame(number, luma) for number, luma in enumerate(lumas)]
    return PictureMeter().measure(make_batch(make_format(width, height), frames), WANTED)


def test_a_streak_is_new_thin_and_long():
    calm = np.full((24, 101), 100, np.uint8)  # 20 lines of 100 columns are looked at
    pictures = [calm.copy() for _ in range(5)]
    pictures[1][9, 20:40] = 125
    pictures[2][9, 20:40] = pictures[3][9, 20:40] = 125  # of that one, nothing is new
    pictures[3][15, 20:27] = 200  # too short
    pictures[4][12:14, 20:40] = 200  # not thin
    found = measured(calm, *pictures[1:])["streak_share"]
    assert np.isnan(found[0])
    assert found[1:].tolist() == [13 / 2000, 0, 0, 0]


def test_repeated_lines_are_detailed_and_like_the_one_above():
    noise = np.random.default_rng(0).integers(0, 256, (24, 101), dtype=np.uint8)
    repeated, flat = noise.copy(), noise.copy()
    repeated[10:15] = repeated[10]
    flat[10:15] = 90
    assert measured(noise, noise, repeated, flat)["repeated_lines"].tolist()[1:] == [0, 4 / 20, 0]


def test_specks_are_listed_by_how_far_they_stand_out():
    luma = np.full((10, 20), 100, np.uint8)
    luma[2, 3], luma[5, 7], luma[8, 18], luma[4, 12], luma[0, 9] = 132, 10, 132, 131, 255
    luma[6, 14] = luma[6, 15] = 250
    specks = measured(luma, np.full_like(luma, 7))["specks"]
    assert specks[0].tolist() == [5 * 20 + 7, 2 * 20 + 3, 8 * 20 + 18, -1, -1, -1, -1, -1]
    assert (specks[1] == -1).all()


def rows(n, *, streaks=(), lines=(), specks=None, cuts=()):
    """Rows in which these pictures have streaks, and repeated lines; ``specks``: places of each; cuts before these."""
    columns = {"streak_share": np.zeros(n), "repeated_lines": np.zeros(n), "luma_difference": np.full(n, 1.0)}
    columns["streak_share"][list(streaks)], columns["repeated_lines"][list(lines)] = 0.002, 0.2
    columns["luma_difference"][list(cuts)] = 40
    listed = np.full((n, 8), -1, np.int32)
    for number, places in enumerate(specks or ()):
        listed[number, : len(places)] = places
    return video(n, **columns, specks=listed)


def test_streaks_are_told_where_they_are():
    events = judged(Dropouts(), [rows(200, streaks=range(50, 75, 2))])
    assert closed(events) == [(2.0, 3.0, "streaks")]
    assert (events[-1].part, events[-1].peak, events[-1].unit, events[-1].severity) == (
        "streaks", 0.002, "share", "warning",
    )  # fmt: skip


def test_repeated_lines_are_told_where_they_are_beside_streaks():
    events = judged(Dropouts(), [rows(200, streaks=range(50, 75), lines=range(60, 100))])
    assert sorted(closed(events)) == [(2.0, 3.0, "streaks"), (2.4, 4.0, "lines")]


@pytest.mark.parametrize("pictures", [[5, 60, 100, 150], [70, 71]])
def test_single_pictures_are_none(pictures):
    assert judged(Dropouts(), [rows(200, streaks=pictures, lines=pictures)]) == []


def test_upright_stripes_are_no_repeated_lines():
    striped = rows(200, lines=range(50, 150))
    striped.columns["repeated_lines"][50:150] = 0.6
    assert judged(Dropouts(), [striped]) == []


def test_dead_pixels_are_told_from_where_they_were_seen_first():
    events = judged(Dropouts(), [rows(300, specks=[[]] * 20 + [[77, 9]] * 180, cuts=[100])])
    assert closed(events) == [(0.8, 8.0, "dead_pixels")]
    assert (events[-1].peak, events[-1].unit) == (2.0, "pixels")


@pytest.mark.parametrize(
    ("specks", "cuts"),
    [
        ([[77]] * 300, []),
        ([[77]] * 100 + [[]] * 100 + [[77]] * 100, [100, 200]),
        ([[77]] * 100 + [[78]] * 100 + [[79]] * 100, [100, 200]),
        ([[number % 40] for number in range(300)], [100]),
        ([[77] if number % 3 == 0 else [] for number in range(300)], [100]),
        ([[77]] * 120, [10, 30, 50, 70, 90]),
    ],
    ids=["without a cut", "the same camera again", "elsewhere in each shot", "moving", "now and then", "short shots"],
)
def test_what_are_no_dead_pixels(specks, cuts):
    assert judged(Dropouts(), [rows(300, specks=specks, cuts=cuts)]) == []


def test_noise_beside_them_does_not_hide_dead_pixels():
    rng = np.random.default_rng(1)
    specks = [[int(place) for place in rng.integers(1000, 9000, 7)] + [77] for _ in range(400)]
    events = judged(Dropouts(), [rows(400, specks=specks, cuts=[150, 300])])
    assert [cause for *_, cause in closed(events)] == ["dead_pixels"]
    assert events[-1].peak == 1


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["none", "streaks", "lines", "both"]), st.lists(st.integers(0, 5), max_size=8),
            st.booleans(), st.sampled_from([1, 2, 9, 30, 70]),
        ),
        min_size=1, max_size=8,
    ),
    st.lists(st.integers(1, 90), max_size=30),
)  # fmt: skip
def test_any_split_gives_the_same_events(pieces, sizes):
    streaks, lines, specks, cuts = [], [], [], []
    for kind, places, cut, length in pieces:
        cuts += [len(specks)] * cut
        here = range(len(specks), len(specks) + length)
        streaks += here if kind in ("streaks", "both") else ()
        lines += here if kind in ("lines", "both") else ()
        specks += [places] * length
    made = rows(len(specks), streaks=streaks, lines=lines, specks=specks, cuts=cuts)
    check_splits(Dropouts(DropoutsThresholds(hold_seconds=0.5)), [made], sizes)

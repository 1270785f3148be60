"""Damaged pictures: the judge on rows, and the meter on blocks that are drawn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.detectors.corruption import Corruption, CorruptionThresholds
from actors.measure.picture import PictureMeter
from actors.measure.picture.reference import torn_blocks
from tests.actors.rows import FORMAT, check_splits, closed, judged, video
from tests.actors.test_picture import make_batch, make_format, make_frame

KINDS = {
    # torn, grid, corrupt, suspect, key
    "fine": (0.0, 1, False, False, False), "key": (0.0, 1, False, False, True), "flag": (0.0, 1, True, False, False),
    "flag key": (0.0, 1, True, False, True), "said": (0.0, 1, False, True, False),
    "said key": (0.0, 1, False, True, True),
    "torn": (0.02, 1, False, False, False), "torn key": (0.02, 1, False, False, True),
    "slight": (0.004, 1, False, False, False), "said torn": (0.02, 1, False, True, False),
    "blocky": (0.02, 5, False, False, False),
    "flag blocky": (0.0, 9, True, False, False),
}  # fmt: skip


def rows(*pieces):
    kinds = [KINDS[kind] for kind, count in pieces for _ in range(count)]
    torn, grid, corrupt, suspect, key = (np.array(column) for column in zip(*kinds, strict=True))
    return video(
        len(kinds), format=FORMAT.replace("320x180", "1920x1080"), torn_blocks=torn + 0.01,
        torn_between=np.full(len(kinds), 0.01), corrupt=corrupt, suspect=suspect, key=key,
        block_grid=grid, block_step=np.ones(len(kinds)),
    )  # fmt: skip


def found(*pieces, **thresholds):
    return closed(judged(Corruption(CorruptionThresholds(**thresholds)), [rows(*pieces)]))


def test_it_lasts_from_the_flag_to_the_next_picture_that_needs_no_other():
    events = judged(Corruption(), [rows(("key", 1), ("fine", 24), ("flag", 1), ("fine", 24), ("key", 1), ("fine", 24))])
    assert closed(events) == [(1.0, 2.0, "concealed")]
    assert (events[0].kind, events[0].severity, events[0].unit) == ("opened", "critical", "share")
    assert events[0].at == events[0].start + 1000  # told with the first picture


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([("said", 1), ("fine", 24)], []),
        ([("torn", 1), ("fine", 24)], [(1.0, 2.0, "unnoticed")]),
        ([("slight", 1), ("fine", 24)], []),
        ([("said", 1), ("fine", 4), ("slight", 1), ("fine", 19)], [(1.0, 2.0, "reported")]),
        ([("said", 1), ("fine", 4), ("flag", 1), ("fine", 19)], [(1.0, 2.0, "concealed")]),
        ([("torn key", 1), ("fine", 24)], []),
        ([("blocky", 25)], []),
        ([("blocky", 1), ("fine", 20), ("torn", 4)], []),
        ([("flag blocky", 1), ("blocky", 24)], [(1.0, 2.0, "concealed")]),
        ([("said key", 1), ("slight", 24)], [(1.0, 2.0, "reported")]),
        ([("flag key", 1), ("fine", 24)], [(1.0, 2.0, "concealed")]),
    ],
)
def test_what_is_a_sign_and_what_is_certain(pieces, expected):
    assert found(("key", 1), ("fine", 24), *pieces, ("key", 1), ("fine", 24)) == expected


def test_a_damaged_key_frame_does_not_end_it():
    between = [("flag", 1), ("fine", 24), ("said key", 1), ("fine", 24)]
    assert found(("key", 1), ("fine", 24), *between, ("key", 1), ("fine", 9)) == [(1.0, 3.0, "concealed")]


def test_without_a_key_frame_it_ends_some_time_after_the_newest_sign():
    assert found(("key", 1), ("flag", 1), ("fine", 48), ("flag", 1), ("fine", 400)) == [(0.04, 12.04, "concealed")]
    assert found(("key", 1), ("flag", 1), ("fine", 400), hold_seconds=1) == [(0.04, 1.08, "concealed")]


def test_what_is_there_from_the_first_picture_on_is_content():
    assert found(("torn", 500)) == []
    assert found(("torn key", 1), ("torn", 49), ("torn key", 1), ("torn", 49)) == []


def test_blocks_of_a_coarse_quantiser_are_not_damage_until_two_seconds_after():
    blocky = [("key", 1), ("fine", 24), ("blocky", 1)]
    assert found(*blocky, ("fine", 49), ("torn", 1)) == []
    assert found(*blocky, ("fine", 50), ("torn", 1)) == [(3.04, 3.08, "unnoticed")]


def test_a_few_blocks_of_a_small_picture_are_chance():
    for blocks, said, cause in ((9, False, ""), (10, False, "unnoticed"), (2, True, ""), (3, True, "reported")):
        damaged = np.arange(50) >= 25
        rows = video(50, torn_blocks=np.where(damaged, blocks / 220, 0), suspect=damaged & said)
        assert closed(judged(Corruption(), [rows])) == ([(1.0, 2.0, cause)] if cause else [])


def test_it_closes_at_the_end_of_the_track():
    assert found(("key", 25), ("flag", 5)) == [(1.0, 1.2, "concealed")]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(list(KINDS)), st.sampled_from([1, 2, 24, 40, 300])), min_size=1, max_size=14),
    st.lists(st.integers(1, 90), max_size=30),
)
def test_any_split_gives_the_same_events(pieces, sizes):
    check_splits(Corruption(CorruptionThresholds(hold_seconds=3)), [rows(*pieces)], sizes)


def textured(height=180, width=320, seed=0):
    rng = np.random.default_rng(seed)
    smooth = np.cumsum(np.cumsum(rng.normal(0, 1, (height, width)), axis=0), axis=1)
    luma = 128 + 60 * smooth / np.abs(smooth).max() + rng.normal(0, 3, (height, width))
    return np.clip(luma, 0, 255).astype(np.uint8)


def shares(luma, depth=8):
    height, width = luma.shape
    batch = make_batch(make_format(width, height, depth), [make_frame(0, luma)])
    measured = PictureMeter().measure(batch, frozenset({"torn_blocks", "torn_between"}))
    return measured["torn_blocks"][0], measured["torn_between"][0]


def test_misplaced_blocks_are_torn_on_their_grid():
    luma = textured()
    luma[32:64, 48:112] -= 60  # 2 x 4 blocks, those at the corners torn at two sides
    expected = np.zeros((11, 20), bool)
    expected[np.ix_((2, 3), (3, 6))] = True
    assert np.array_equal(torn_blocks(luma.astype(np.int64), 0), expected)
    assert shares(luma) == (4 / 220, 0)
    assert shares((luma.astype(np.uint16) << 2) | 3, depth=10) == (4 / 220, 0)


def test_what_is_not_on_the_grid_is_not():
    luma = textured()
    luma[40:72, 56:120] -= 60
    assert shares(luma) == (0, 4 / (10 * 19))
    assert shares(textured()) == (0, 0)


@pytest.mark.parametrize("shape", [(1, 1), (15, 400), (16, 16), (17, 17)])
def test_small_pictures_have_no_torn_blocks(shape):
    rng = np.random.default_rng(1)
    assert shares(rng.choice([16, 235], shape).astype(np.uint8)) == (0, 0)

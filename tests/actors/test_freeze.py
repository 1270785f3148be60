"""Frozen pictures: what is one, what ends it, and that no split of the rows changes it."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from actors.detectors.freeze import Freeze, FreezeThresholds
from actors.detectors.holding import NONE, cause_of
from tests.actors.rows import FRAME, check_splits, closed, judged, video

CODE = 256


def scenes(*pieces):
    """Rows from (kind, frames) pieces; pictures differ between pieces.

    ``held``: repeats. ``move``: motion. ``tick``: a block changes. ``key``: a key frame codes the held picture anew;
    the first of them changes it a little, as in x264.
    ``dim``: every cell darker by 0.04 codes a frame. ``blind``: no frame to compare with. ``noise``: just too much.
    """
    kinds = np.repeat([kind for kind, _ in pieces], [count for _, count in pieces])
    n = len(kinds)
    random = np.random.default_rng(n)
    difference, block, key = np.zeros(n), np.zeros(n), kinds == "key"
    steps = np.zeros((n, 144))
    steps[kinds == "move"] = random.uniform(-30, 30, ((kinds == "move").sum(), 144))
    keys = np.flatnonzero(kinds == "key")
    steps[keys] = random.uniform(-0.02, 0.02, (len(keys), 144)) / max(len(keys), 1)
    steps[keys[:1]] = random.uniform(-0.8, 0.8, 144)
    steps[kinds == "dim"] = -0.04
    steps[kinds == "tick", 0] = 3
    for kind, mean, most in (
        ("move", 0.05, 0.2), ("key", 0.01, 0.03), ("tick", 0.0004, 0.2), ("dim", 0.0002, 0.0003),
        ("noise", 0.002, 0.02), ("blind", np.nan, np.nan),
    ):  # fmt: skip
        difference[kinds == kind], block[kinds == kind] = mean, most
    signature = np.clip(128 + np.cumsum(steps, axis=0), 0, 255) * CODE
    return {
        "difference": difference, "block_difference": block, "key": key, "signature": signature.astype(np.uint16),
        "packet_bytes": np.where(np.isin(kinds, ["held", "dim"]), 20, 4000),
    }  # fmt: skip


def rows(*pieces, **more):
    columns = scenes(*pieces) | more
    return video(len(columns["difference"]), **columns)


def found(*pieces, settings=None, **more):
    return [span[:2] for span in closed(judged(Freeze(settings), [rows(*pieces, **more)]))]


def test_a_held_picture_begins_at_the_frame_that_is_held():
    assert found(("move", 50), ("held", 49), ("move", 20)) == [(1.96, 3.96)]


def test_a_freeze_is_as_long_as_it_is_said_to_be_at_least():
    assert found(("move", 50), ("held", 48), ("move", 20)) == []
    short = FreezeThresholds(minimum_seconds=0.4)
    assert found(("move", 50), ("held", 10), ("move", 9), settings=short) == [(1.96, 2.4)]


def test_it_closes_at_the_end_of_the_track():
    assert found(("move", 25), ("held", 75)) == [(0.96, 4.0)]


@pytest.mark.parametrize("distance", [12, 25, 50, 250])
def test_key_frames_that_code_the_picture_anew_do_not_split_it(distance):
    pieces = [("move", 30)] + [("held", distance - 2), ("key", 2)] * (1000 // distance) + [("held", 9), ("move", 9)]
    assert len(found(*pieces)) == 1


def test_a_key_frame_that_shows_another_picture_ends_it():
    pictures = scenes(("move", 10), ("held", 70), ("key", 1), ("held", 70))
    pictures["signature"][80:] += 3 * CODE
    assert [span[:2] for span in closed(judged(Freeze(), [video(151, **pictures)]))] == [(0.36, 3.2), (3.2, 6.04)]


def recoded(distance, cell, frames=150):
    """A held picture that every key frame codes anew: ``cell`` codes to one side in every other cell, then back."""
    key = np.arange(frames) % distance == distance - 1
    return [span[:2] for span in closed(judged(Freeze(), [straying(np.cumsum(key) % 2 * cell, key)]))]


def straying(codes, key):
    """A held picture whose cells stray by so many codes, every other one to the other side."""
    sides = np.where(np.arange(144) % 2, 1, -1) * CODE
    return video(len(key), key=key, signature=(100 * CODE + np.outer(codes, sides)).astype(np.uint16))


@pytest.mark.parametrize("distance", [12, 25, 50])
def test_each_key_frame_may_code_all_cells_anew(distance):
    assert recoded(distance, 1.4) == [(0, 6)]
    assert len(recoded(distance, 1.6)) != 1, "1.5 codes on average are another picture"


@pytest.mark.parametrize(("codes", "count"), [(0.2, 1), (0.6, 0)])
def test_what_gets_lighter_at_key_frames_is_not_held(codes, count):
    key = np.arange(90) % 25 == 24
    lighter = np.repeat(100 * CODE + np.cumsum(key)[:, None] * codes * CODE, 144, axis=1).astype(np.uint16)
    assert len(closed(judged(Freeze(), [video(90, key=key, signature=lighter)]))) == count


def test_what_moves_one_cell_at_key_frames_ends_it():
    pictures = scenes(("held", 250)) | {"key": np.arange(250) % 25 == 24}
    pictures["signature"][:, 7] += ((np.arange(250) + 1) // 25 % 2 * 3 * CODE).astype(np.uint16)
    assert closed(judged(Freeze(), [video(250, **pictures)])) == []


def test_where_every_picture_is_a_key_frame_none_codes_it_anew():
    (found,) = closed(judged(Freeze(), [straying(np.linspace(0, 1.4, 150), np.ones(150, np.bool_))]))
    assert found[1] < 5, "its cells move on between any two key frames"


def test_a_clock_ends_it():
    assert found(*[("held", 24), ("tick", 1)] * 10) == []


def test_a_small_thing_that_wanders_off_ends_it():
    pictures = scenes(("move", 10), ("held", 290))
    pictures["signature"][10:, 7] += (np.arange(290) * 12).astype(np.uint16)
    assert closed(judged(Freeze(), [video(300, **pictures)])) == []


def test_a_slow_fade_is_no_freeze():
    assert found(("move", 10), ("dim", 500)) == []


def test_change_that_goes_on_ends_it_where_it_began():
    assert found(("move", 10), ("held", 60), ("noise", 40)) == [(0.36, 2.8)]


def test_frames_that_cannot_be_compared_are_bridged():
    assert found(("move", 10), ("held", 40), ("blind", 1), ("held", 40)) == [(0.36, 3.64)]


def gapped(frames, at, seconds, *pieces):
    columns = scenes(*pieces)
    when = np.arange(frames, dtype=np.int64) * FRAME
    when[at:] += int(seconds * 25 * FRAME)
    return video(frames, time=when, duration=shown(when), **columns)


def shown(when):
    """How long each picture is shown, as batches have it: until the next one, as long as time goes on."""
    steps = np.append(np.diff(when), FRAME)
    return np.where((steps > 0) & (steps <= 250 * FRAME), steps, FRAME)


def test_a_picture_shown_through_a_gap_is_frozen_for_want_of_packets():
    part = gapped(60, 30, 3, ("move", 60))
    assert closed(judged(Freeze(), [part])) == [(1.16, 4.2, "no_packets")]


def test_frames_that_were_skipped_are_no_freeze():
    part = gapped(60, 30, 3, ("move", 30), ("blind", 1), ("move", 29))
    assert closed(judged(Freeze(), [part])) == []


@pytest.mark.parametrize(("held", "cause"), [(0, "no_packets"), (20, "no_packets"), (150, "repeated_picture")])
def test_a_gap_of_half_a_freeze_is_its_cause_wherever_it_lies(held, cause):
    """The frame that is shown through the gap is the freeze's first, or its last."""
    part = gapped(100 + held, 50 + held, 4, ("move", 50), ("held", held), ("move", 50))
    assert [found[2] for found in closed(judged(Freeze(), [part]))] == [cause]


def test_no_frame_was_damaged_and_none_repeated_where_there_is_none():
    assert cause_of(NONE, 50) == "unknown"


def test_causes():
    still = rows(("move", 5), ("held", 100))
    assert closed(judged(Freeze(), [still]))[0][2] == "repeated_picture"
    busy = rows(("move", 5), ("held", 100), packet_bytes=np.full(105, 9000))
    assert closed(judged(Freeze(), [busy]))[0][2] == "still_picture"
    broken = rows(("move", 5), ("held", 100), corrupt=np.arange(105) > 20)
    assert closed(judged(Freeze(), [broken]))[0][2] == "decode_failure"
    noisy = rows(("move", 5), ("held", 100), difference=np.where(np.arange(105) < 5, 0.05, 0.0005))
    assert closed(judged(Freeze(), [noisy]))[0][2] == "unknown"


PIECE = st.tuples(
    st.sampled_from(["held", "held", "held", "move", "key", "tick", "dim", "noise", "blind"]),
    st.sampled_from([1, 1, 2, 7, 13, 14, 40, 60, 300]),
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(PIECE, min_size=1, max_size=14),
    st.lists(st.tuples(st.integers(1, 400), st.sampled_from([-20, 3, 40, 70])), max_size=3),
    st.lists(st.integers(1, 70), max_size=30), st.booleans(),
)
@example([("held", 300), ("key", 1), ("held", 300)], [], [1] * 30, False)
@example([("move", 60), ("held", 7), ("move", 60)], [(60, 70), (67, 70)], [60, 1, 6, 1], True)
def test_any_split_gives_the_same_events(pieces, jumps, sizes, lasting):
    columns = scenes(*pieces)
    n = len(columns["difference"])
    when = np.arange(n, dtype=np.int64) * FRAME
    for index, frames in jumps:
        when[index:] += frames * FRAME
    check_splits(Freeze(), [video(n, time=when, duration=shown(when) if lasting else FRAME, **columns)], sizes)

"""The parts of users' models that are functions of their arguments."""

from collections import deque
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from actors import state as states
from actors.detectors.detector_failed import DetectorFailed
from actors.detectors.model import ModelJudge
from actors.measure import Rows
from actors.media import Plane
from actors.models.beside import level
from actors.models.frames import Mapped, Memory
from actors.models.pictures import area_means, prepared
from actors.models.scores import PASSED_OVER
from actors.tabled import from_table, to_table
from tests.actors.modelled import BASE, batch, fmt, model


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9)), st.integers(1, 11), st.integers(1, 11)
)
def test_a_sample_is_the_mean_of_what_it_covers(codes, height, width):
    """Against the definition, in exact fractions: every pixel by the share of the sample that it covers."""
    padded = np.pad(codes, ((0, 0), (0, 3)), constant_values=255)
    made = area_means(Plane(padded, codes.shape[1]), (height, width))
    down, across = codes.shape

    def shares(samples, pixels, one):
        low, high = Fraction(one * pixels, samples), Fraction((one + 1) * pixels, samples)
        return [max(Fraction(0), min(high, p + 1) - max(low, Fraction(p))) / (high - low) for p in range(pixels)]

    for i in range(height):
        rows = shares(height, down, i)
        for j in range(width):
            columns = shares(width, across, j)
            exact = sum(rows[y] * columns[x] * int(codes[y, x]) for y in range(down) for x in range(across))
            assert made[i, j] == pytest.approx(float(exact), rel=1e-15)


def flat(*codes, dtype=np.uint8):
    return tuple(Plane(np.full((4, 6), code, dtype), 6) for code in codes)


@pytest.mark.parametrize(("codes", "format_", "colour", "wanted"), [
    ((16, 128, 128), fmt(6, 4), "gray", (0.0,)), ((235, 128, 128), fmt(6, 4), "rgb", (1.0, 1.0, 1.0)),
    ((5, 128, 128), fmt(6, 4), "gray", (0.0,)), ((255,), fmt(6, 4, planes=1, range_="full"), "gray", (1.0,)),
    ((51,), fmt(6, 4, planes=1, range_="full"), "rgb", (0.2, 0.2, 0.2)),
    ((81, 90, 240), fmt(6, 4), "rgb", (1.0, 0.0, 0.0)), ((145, 54, 34), fmt(6, 4), "rgb", (0.0, 1.0, 0.0)),
    ((63, 102, 240), fmt(6, 720), "rgb", (1.0, 0.0, 0.0)), ((32, 240, 118), fmt(6, 1080), "rgb", (0.0, 0.0, 1.0)),
    ((940, 512, 512), fmt(6, 4, depth=10), "gray", (1.0,)),
])  # fmt: skip
def test_colours_are_those_that_the_stream_codes(codes, format_, colour, wanted):
    planes = flat(*codes, dtype=np.uint16 if format_.depth > 8 else np.uint8)
    made = prepared([planes, planes], format_, (3, 5), colour)
    assert (made.dtype, made.shape) == (np.float32, (2, len(wanted), 3, 5))
    assert made[1, :, 2, 4].tolist() == pytest.approx(wanted, abs=0.01)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 4), st.sampled_from([8, 10]), st.sampled_from([1, 3]), st.integers(32, 50),
                          st.booleans()), min_size=1, max_size=12))  # fmt: skip
def test_pictures_that_are_shared_are_the_same_whatever_is_freed_between(steps):
    memory, held = Memory(), deque()
    mapped = Mapped(memory.file)
    for number, (count, depth, planes, stride, free) in enumerate(steps):
        sent = batch(number * 10, count, depth=depth, planes=planes, stride=stride)
        held.append((sent, memory.put(sent)))
        for there, parcel in held:
            for frame, seen in zip(there.frames, mapped.pictures(parcel), strict=True):
                for plane, same in zip(frame.planes, seen, strict=True):
                    assert (plane.width, plane.lines.dtype) == (same.width, same.lines.dtype)
                    np.testing.assert_array_equal(plane.lines, same.lines)
        if free:
            memory.free(held.popleft()[1])
    memory.close()


@settings(deadline=None)
@given(st.lists(
    st.tuples(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(["", "raised: x", PASSED_OVER]),
              st.sampled_from(["a", "b"])),
    min_size=1, max_size=30,
))  # fmt: skip
def test_rows_of_models_come_back_from_their_table(given_rows):
    parts, first = [], 0
    for value, why, format_ in given_rows:
        columns = {name: np.full(2, first, np.int64) for name in ("epoch", "wrap", "pts", "time", "duration")}
        gone = np.nan if why else value
        columns |= {"m.one": np.array([gone, gone]), "m.two": np.array([gone, gone]),
                    "m.why": np.array([why, why], np.object_), "n.one": np.array([1.0, 2.0]),
                    "n.why": np.array(["", ""], np.object_)}  # fmt: skip
        columns["epoch"] = np.zeros(2, np.int64)
        parts.append(Rows("metrics", "v:0", BASE, format_, first, 0, columns))
        first += 2
    table = pa.concat_tables([to_table(part, "s", 0) for part in parts])
    assert table.num_rows == 3 * first
    back = list(from_table(table, "metrics"))
    assert sum(map(len, back)) == first
    for name in parts[0].columns:
        np.testing.assert_array_equal(
            np.concatenate([rows.columns[name] for rows in back]), np.concatenate([p.columns[name] for p in parts])
        )


def test_windows_of_pictures_and_models_are_brought_to_one_level():
    recorded = {"video/v:0": 3, "metrics/v:0": 4, "audio/a:0": 9, "video/v:1": 2, "coverage/v:0": 3}
    assert level(recorded) == {
        "video/v:0": 3, "metrics/v:0": 3, "audio/a:0": 9, "video/v:1": -1, "coverage/v:0": 3,
    }  # fmt: skip


WHYS = st.sampled_from(["", "", "", PASSED_OVER, "raised: ValueError: bad"])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), WHYS), min_size=2, max_size=40), st.data())
def test_any_split_and_any_restart_gives_the_same_events(rows, data):
    """Of both detectors; a value and a reason exclude each other."""
    n = len(rows)
    columns = {name: np.arange(n) for name in ("pts", "time")} | {
        "epoch": np.zeros(n, np.int64), "wrap": np.zeros(n, np.int64), "duration": np.ones(n, np.int64),
        "bright.mean": np.array([np.nan if why else value for value, why in rows]),
        "bright.why": np.array([why for _, why in rows], np.object_),
    }  # fmt: skip
    whole = Rows("metrics", "v:0", BASE, "h264 2x2 x 8 000 limited sdr", 0, 0, columns)
    cut = data.draw(st.integers(1, n - 1))
    spec = model(judge={"above": 0.5, "minimum_seconds": 0.08})
    for detector in (ModelJudge(spec), DetectorFailed([spec])):
        state, expected = detector.judge(detector.start(), whole)
        expected += detector.finish(state, whole.slice(0, 0))
        state, found = detector.judge(detector.start(), whole.slice(0, cut))
        state = states.load(type(detector.start()), states.dump(state))
        state, more = detector.judge(state, whole.slice(cut, n))
        found += more + detector.finish(state, whole.slice(0, 0))
        key = [(e.kind, e.start, e.end, e.peak, e.message) for e in expected]
        assert [(e.kind, e.start, e.end, e.peak, e.message) for e in found] == key
        opened = sum(event.kind == "opened" for event in expected)
        assert opened == sum(event.kind == "closed" for event in expected)

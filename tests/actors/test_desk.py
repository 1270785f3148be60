"""Batches of many streams in one pass: rows are those of each batch alone, whoever measures."""

import threading
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.desk import Desk
from actors.measure.picture import PictureMeter
from actors.measuring import measure_video, measure_videos
from tests.actors.test_picture import NAMES, make_batch, make_format, make_frame, make_sequence
from tests.actors.test_picture_torch import DEVICES

STREAMS, FRAMES = 6, 5


def make_streams(seed, depth, contexts, frames=FRAMES):
    """A batch of each of several streams, with so many frames of context."""
    rng = np.random.default_rng(seed)
    fmt = make_format(33, 19, depth, planes=3)
    sequences = [make_sequence(rng, frames + context, depth) for context in contexts]
    return [make_batch(fmt, s[context:], s[:context]) for s, context in zip(sequences, contexts, strict=True)]


def assert_same(found, expected):
    """Rows are equal, column by column; gives how many there are."""
    assert found.columns.keys() == expected.columns.keys() > NAMES
    for name, values in expected.columns.items():
        np.testing.assert_array_equal(found.columns[name], values)
    return len(found)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32), depth=st.sampled_from([8, 10, 12]), device=st.sampled_from(DEVICES),
    contexts=st.lists(st.integers(0, 2), min_size=2, max_size=5),
)  # fmt: skip
def test_joined_is_equal_to_apart(seed, depth, device, contexts):
    batches = make_streams(seed, depth, contexts)
    meter, arbiter = PictureMeter("torch", device), PictureMeter("reference")
    joined = measure_videos(meter, batches, NAMES)
    frames = 0
    for batch, found in zip(batches, joined, strict=True):
        assert_same(found, measure_video(meter, batch, NAMES))
        frames += assert_same(found, measure_video(arbiter, batch, NAMES))
    assert frames == len(contexts) * FRAMES


class Gate:
    """A meter that lets the first pass wait until it is opened, and notes how many batches each pass had."""

    def __init__(self, meter):
        self.begun, self.open, self.sizes, self._meter = threading.Event(), threading.Event(), [], meter

    def measure_many(self, batches, wanted):
        self.sizes.append(len(batches))
        self.begun.set()
        assert self.open.wait(30)
        return self._meter.measure_many(batches, wanted)


def measured_behind(gate, desk, batches, wanted):
    """The answers of a first batch, and of those that came while it was measured."""
    with ThreadPoolExecutor(len(batches)) as threads:
        calls = [threads.submit(desk.measure, batches[0], wanted[0])]
        assert gate.begun.wait(30)
        for batch, names in zip(batches[1:], wanted[1:], strict=True):
            calls.append(threads.submit(desk.measure, batch, names))
        while len(desk._waiting) < len(batches) - 1:
            threading.Event().wait(0.005)
        gate.open.set()
        wait(calls)
    return calls


def test_calls_that_wait_together_are_one_pass():
    batches = make_streams(1, 8, [2] * (1 + STREAMS))
    gate = Gate(PictureMeter("torch", "cpu"))
    desk = Desk(gate)
    began = desk._burnt
    calls = measured_behind(gate, desk, batches, [NAMES] * len(batches))
    assert gate.sizes == [1, STREAMS]
    assert desk.passes == 2
    alone = PictureMeter("reference")
    answers = [call.result() for call in calls]
    rows = [assert_same(answer.rows, measure_video(alone, batch, NAMES))
            for answer, batch in zip(answers, batches, strict=True)]  # fmt: skip
    assert rows == [FRAMES] * (1 + STREAMS)
    assert sum(answer.cpu_seconds for answer in answers) == pytest.approx(answers[-1].all_seconds - began)


def test_calls_of_other_formats_and_metrics_are_passes_of_their_own():
    batches = make_streams(2, 8, [1, 1, 1]) + make_streams(3, 10, [1, 1])
    few = frozenset({"luma_mean"})
    gate = Gate(PictureMeter("torch", "cpu"))
    calls = measured_behind(gate, Desk(gate), batches, [NAMES, NAMES, few, NAMES, NAMES])
    assert sorted(gate.sizes) == [1, 1, 1, 2]
    assert NAMES & calls[2].result().rows.columns.keys() == few
    alone = PictureMeter("reference")
    frames = [assert_same(calls[place].result().rows, measure_video(alone, batches[place], NAMES))
              for place in (0, 1, 3, 4)]  # fmt: skip
    assert frames == [FRAMES] * 4


def test_a_batch_that_cannot_be_measured_fails_alone():
    batches = make_streams(4, 8, [1, 1, 1, 1])
    other = make_frame(0, *(np.zeros(shape, np.uint8) for shape in ((20, 30), (10, 15), (10, 15))))
    first = replace(batches[2].frames[0], clean=True)
    batches[2] = make_batch(batches[2].format, (first, *batches[2].frames[1:]), [other])
    gate = Gate(PictureMeter("torch", "cpu"))
    calls = measured_behind(gate, Desk(gate), batches, [NAMES] * 4)
    with pytest.raises(ValueError, match="another size"):
        calls[2].result()
    alone = PictureMeter("reference")
    frames = [assert_same(calls[place].result().rows, measure_video(alone, batches[place], NAMES))
              for place in (0, 1, 3)]  # fmt: skip
    assert frames == [FRAMES] * 3


def test_formats_do_not_mix():
    batches = make_streams(6, 8, [0]) + make_streams(6, 10, [0])
    with pytest.raises(ValueError, match="several formats"):
        PictureMeter().measure_many(batches, NAMES)

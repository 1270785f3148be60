"""Captions in pictures: what counts as some, when they are missed, and captions that are put in and taken away."""

import gc

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sightline
from actors.captions import NONE, counted, pairs
from actors.detectors.captions import STEADY, Captions, CaptionsThresholds
from actors.inject import DefectError, Encode, inject, parse
from actors.media import MISSING
from tests.actors.rows import check_splits, closed, judged, packets
from tests.clips import generated_clip, real_clip


def carrying(*triplets):
    return b"".join(map(bytes, triplets))


def test_what_counts_as_captions():
    assert counted(carrying((0xFC, 0x80, 0x80), (0xFC, 0, 0))) == 0
    assert counted(carrying((0xFC, 0x94, 0x2C), (0xFC, 0x80, 0x80))) == 1
    assert counted(carrying((0xF8, 0x94, 0x2C))) == 0  # not valid
    assert counted(carrying((0xFD, 0x01, 0x85))) == 0  # field 2: of the programme
    assert counted(carrying((0xFF, 0x02, 0x21), (0xFE, 0x41, 0x42), (0xFE, 0, 0), (0xFA, 1, 1))) == 2
    assert counted(carrying((0xFC, 0x94, 0x2C), (0xFC, 0x94))) == 1


def rows(*runs):
    """Rows of packets: (how many, captions)."""
    values = np.concatenate([np.full(count, value) for count, value in runs])
    return packets(len(values), captions=values)


def found(*runs, **thresholds):
    return closed(judged(Captions(CaptionsThresholds(**thresholds)), [rows(*runs)]))


def test_captions_that_were_in_every_picture_are_missed():
    assert found((200, 1), (250, NONE), (50, 1)) == [(8.0, 18.0, "gone")]
    assert found((200, 0), (500, NONE)) == [(8.0, 28.0, "gone")]
    assert found((200, 1), (249, NONE), (50, 1)) == []


def test_pictures_that_carry_them_now_and_then_pause():
    assert found(*[(STEADY - 1, 1), (300, NONE)] * 3) == []
    assert found((1000, NONE)) == []
    assert found((300, NONE), expected=True) == [(0, 12.0, "gone")]


def test_padding_alone_is_a_long_pause():
    assert found((100, 1), (2000, 0)) == []
    assert found((100, 1), (2000, 0), idle_seconds=60) == [(4.0, 84.0, "idle")]
    assert found((2000, 0), idle_seconds=60) == []
    assert found((100, 1), (1000, 0), (500, NONE), idle_seconds=30) == [(4.0, 44.0, "idle"), (44.0, 64.0, "gone")]


def test_packets_without_a_picture_say_nothing():
    assert found((200, 1), (500, MISSING), (50, 1)) == []
    judge = Captions()
    assert judge.doubt(judge.judge(judge.start(), rows((9, MISSING)))[0])
    assert judge.doubt(judge.judge(judge.start(), rows((9, NONE)))[0]) is None
    assert found((200, 1), (100, NONE), (100, MISSING), (200, NONE)) == [(8.0, 24.0, "gone")]


VALUE = st.sampled_from([1, 1, 0, NONE, MISSING])


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([1, 40, 120, 300]), VALUE), min_size=1, max_size=10), st.booleans(),
    st.lists(st.integers(1, 90), max_size=30),
)  # fmt: skip
def test_any_split_gives_the_same_events(runs, expected, sizes):
    check_splits(Captions(CaptionsThresholds(idle_seconds=5, expected=expected)), [rows(*runs)], sizes)


@pytest.mark.parametrize(("left", "suffix"), [("nothing", ".ts"), ("nothing", ".mp4"), ("padding", ".mkv")])
def test_captions_taken_away_are_found_where_they_were(tmp_path, left, suffix):
    clip = tmp_path / f"clip{suffix}"
    source = generated_clip(seconds=8, size=(96, 54), gop=25, preset="ultrafast", layout=None)
    encode = Encode(preset="ultrafast", gop=25)
    label = inject(source, clip, [parse(f"captions_lost:start=5,length=2,left={left}")], encode=encode).defects[0]
    short = {"captions": {"gone_seconds": 1, "idle_seconds": 1}}
    report = sightline.analyze(clip, results=tmp_path / "results", detectors=["captions"], settings=short)
    (incident,) = report["streams"][0]["incidents"]
    assert (incident["cause"], label.kind) == ({"nothing": "gone", "padding": "idle"}[left], "captions")
    assert incident["start_seconds"] == pytest.approx(label.start_seconds, abs=0.09)
    assert incident["end_seconds"] == pytest.approx(label.end_seconds, abs=0.09)
    assert incident["peak"] == pytest.approx(2, abs=0.09)


def test_captions_are_put_into_pictures_of_h264_only(tmp_path):
    source = generated_clip(seconds=1, size=(96, 54), layout=None)
    with pytest.raises(DefectError, match="libx264 only"):
        inject(source, tmp_path / "x.ts", [parse("captions_lost:start=0.5")], encode=Encode(codec="mpeg2video"))


def test_a_clip_without_captions_has_lost_none(tmp_path):
    clip = generated_clip(seconds=1, size=(96, 54), layout=None)
    stream = sightline.analyze(clip, results=tmp_path, detectors=["captions"])["streams"][0]
    assert [(verdict["track"], verdict["state"]) for verdict in stream["verdicts"]] == [("v:0", "ok")]


def test_a_picture_that_was_looked_at_is_given_back_at_once():
    gc.collect()
    gc.disable()
    try:
        with av.open(real_clip("bikes.mp4")) as container:
            looked_at = sum(1 for frame in container.decode(video=0) if pairs(frame) == NONE)
        left = sum(type(one) is av.VideoFrame for one in gc.get_objects())
    finally:
        gc.enable()
    assert looked_at == 250
    assert left <= 1

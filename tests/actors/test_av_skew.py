"""Sound against pictures, by timestamps: what drifts, what is cut short, and ragged ends that are neither."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sightline
from actors.clock import TimeBase
from actors.detectors.av_skew import AvSkew, AvSkewThresholds, Track
from actors.inject import Encode, inject, parse
from tests.actors.rows import check_splits, closed, joined, judged, packets
from tests.clips import generated_clip, real_clip

TS = TimeBase(1, 90_000)
BLOCK = 1920
"""Ticks of 1024 samples at 48 kHz."""


def sound(time, *, samples=1024, rate=48_000, base=TS, epoch=0):
    n = len(time)
    made = packets(
        n, time=time, duration=base.rescale(BLOCK, base), epoch=epoch, base=base,
        samples=np.broadcast_to(np.asarray(samples), n), rate=np.full(n, rate),
    )  # fmt: skip
    return replace(made, track="a:0", format="aac 48000 2")


def drifting(ppm, n=1000, start=0):
    """PTS whose step is off by so many millionths from packet ``start`` on."""
    late = np.maximum(np.arange(n) - start, 0) * BLOCK * ppm // 1_000_000
    return np.arange(n) * BLOCK + late


def found(*parts, **thresholds):
    return closed(judged(AvSkew(AvSkewThresholds(**thresholds)), list(parts)))


@pytest.mark.parametrize(("ppm", "part", "after"), [
    (10_000, "late", 12.5), (-10_000, "early", 4.5), (-88_435, "early", 0.5),
])  # fmt: skip
def test_drift_is_told_once_viewers_notice_it(ppm, part, after):
    time = drifting(ppm)
    events = judged(AvSkew(), [sound(time)])
    assert [(event.part, event.cause) for event in events if event.kind == "opened"] == [(part, "drift")]
    start = max(after, 1.0) * (1 + ppm / 1e6)  # a rate takes a second
    assert events[0].base.seconds(events[0].start) == pytest.approx(start, abs=0.05)
    assert events[-1].peak == pytest.approx(abs(time[-1] - 999 * BLOCK) / 90, abs=0.01)


@pytest.mark.parametrize("time", [
    drifting(0), drifting(50, 200_000), drifting(100_000, 60, 50), drifting(-2000),
    np.arange(1000) * BLOCK + np.random.default_rng(1).integers(-900, 900, 1000),
], ids=["steady", "two clocks", "a little", "as much as is not noticed", "jitter"])  # fmt: skip
def test_what_nobody_notices_is_nothing(time):
    assert found(sound(time)) == []


def test_holes_and_what_gave_no_sound_are_no_drift():
    time = np.arange(1000) * BLOCK
    time[100:] += 5 * BLOCK
    time[200:] += BLOCK
    samples = np.full(1000, 1024)
    samples[[0, 400, 401, 402]] = 0
    assert found(sound(time, samples=samples)) == []


def test_milliseconds_of_a_container_are_no_drift():
    assert found(sound(np.round(np.arange(3000) * 1024 / 48).astype(np.int64), base=TimeBase(1, 1000))) == []


def test_an_epoch_begins_anew():
    half = sound(drifting(-5000, 400))
    again = sound(drifting(-5000, 400) + 400 * BLOCK, epoch=1)
    assert found(*joined(half, again)) == []
    assert len(found(sound(drifting(-5000, 800)))) == 1


STEP = st.sampled_from([BLOCK, BLOCK, BLOCK + 40, BLOCK - 90, 2 * BLOCK, BLOCK // 3, 90_000])


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(STEP, st.sampled_from([1, 30, 200])), min_size=1, max_size=10),
    st.sets(st.integers(0, 200), max_size=5), st.integers(0, 200), st.lists(st.integers(1, 90), max_size=30),
)  # fmt: skip
def test_any_split_gives_the_same_events(pieces, silent, other, sizes):
    time = np.concatenate(([0], np.cumsum(np.repeat([step for step, _ in pieces], [count for _, count in pieces]))))
    rows = sound(time, samples=np.where(np.isin(np.arange(len(time)), list(silent)), 0, 1024))
    rates = np.where(np.arange(len(time)) < other, 44_100, 48_000)
    rows.columns["rate"] = np.where(rows.columns["samples"] == 0, 0, rates)
    half = rows.slice(len(rows) // 2, len(rows))
    half.columns["epoch"][:] = 1
    check_splits(AvSkew(), joined(rows.slice(0, len(rows) // 2), half), sizes)


def lasting(track, start, end):
    """A track that lasts from one second to another."""
    rows = sound(np.arange(round(start * 90_000), round(end * 90_000), BLOCK))
    rows.columns["duration"][-1] = round(end * 90_000) - rows.columns["time"][-1]
    rows = replace(rows, track=track)
    state, _ = AvSkew().judge(AvSkew().start(), rows)
    return Track(rows.slice(0, 0), state)


@pytest.mark.parametrize(("of_sound", "incident"), [
    ((0, 9.4), (9.4, 10.0, "short")), ((0.7, 10), (0, 0.7, "short")), ((0, 11), (10, 11, "long")),
    ((-0.3, 9.9), None), ((-0.6, 9.4), None), ((0.3, 9.8), None), ((0.02, 10.03), None),
])  # fmt: skip
def test_lengths_count_and_ragged_ends_do_not(of_sound, incident):
    tracks = {"v:0": lasting("v:0", 0, 10), "a:0": lasting("a:0", *of_sound)}
    events = AvSkew().compare(tracks)
    assert [event.kind for event in events] == (["opened", "closed"] if incident else [])
    if incident:
        assert closed(events) == [(pytest.approx(incident[0]), pytest.approx(incident[1]), incident[2])]
        assert events[0].peak == 1000 * abs(Fraction(repr(of_sound[1])) - Fraction(repr(of_sound[0])) - 10)


def test_sound_alone_has_nothing_to_be_compared_with():
    assert AvSkew().compare({"a:0": lasting("a:0", 0, 3)}) == []


def analysed(tmp_path, defect, suffix):
    clip = tmp_path / f"clip{suffix}"
    source = generated_clip(seconds=6, size=(96, 54), gop=25, preset="ultrafast")
    labels = inject(source, clip, [parse(defect)], encode=Encode(preset="ultrafast", gop=25))
    stream = sightline.analyze(clip, results=tmp_path / "results", detectors=["av_skew"])["streams"][0]
    return labels.defects[0], stream["incidents"]


@pytest.mark.parametrize("suffix", [".mp4", ".ts"])
def test_drifting_sound_is_found_in_a_clip(tmp_path, suffix):
    label, (found,) = analysed(tmp_path, "sound_drift:start=1,by=-30", suffix)
    assert (label.kind, found["cause"], found["track"]) == ("av_skew", "drift", "a:0")
    assert found["start_seconds"] == pytest.approx(2.5, abs=0.05)
    assert found["end_seconds"] == pytest.approx(label.start_seconds + 5 * 0.97, abs=0.05)
    assert found["peak"] == pytest.approx(150, abs=1)


@pytest.mark.parametrize("suffix", [".mp4", ".ts"])
def test_sound_cut_short_is_found_in_a_clip(tmp_path, suffix):
    label, (found,) = analysed(tmp_path, "sound_cut:start=5", suffix)
    assert (found["cause"], found["unit"]) == ("short", "ms")
    assert found["start_seconds"] == pytest.approx(label.start_seconds, abs=0.001)
    assert found["end_seconds"] == pytest.approx(label.end_seconds, abs=0.03)


def test_nothing_is_said_of_clips_as_they_are(tmp_path):
    clips = [real_clip("bigbuckbunny.mp4"), real_clip("carphone_pristine.mp4"), generated_clip(size=None)]
    with_pictures, silent, alone = sightline.analyze(clips, results=tmp_path, detectors=["av_skew"])["streams"]
    assert [stream["incidents"] for stream in (with_pictures, silent, alone)] == [[], [], []]
    assert [verdict["state"] for verdict in with_pictures["verdicts"]] == ["ok"]
    assert silent["verdicts"] == []
    assert alone["verdicts"][0]["state"] == "unknown"
    assert "no pictures" in alone["verdicts"][0]["reason"]

"""Losses, damage and late tables of a transport stream, from rows, and end to end."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sightline
from actors.detectors.transport import Transport, TransportThresholds
from actors.inject import Encode, inject, parse
from actors.media import MISSING
from tests.actors.rows import FRAME, check_splits, closed, joined, judged, packets
from tests.clips import generated_clip

CLOCK = 27_000_000
NAMES = ("continuity", "flagged", "unsynced", "association", "map", "clock", "lost_table")


def rows(n, *, lead=True, time=None, epoch=0, **columns):
    """Rows of packets of a clean stream, with other columns as given: {row: value}."""
    clean = dict.fromkeys(NAMES[:2], 0) | dict.fromkeys(NAMES[2:], 0 if lead else MISSING)
    if lead:
        clean |= {"association": CLOCK // 10, "map": CLOCK // 10, "clock": CLOCK // 25}
    made = {name: np.full(n, clean[name], np.int64) for name in NAMES}
    for name, values in columns.items():
        for row, value in values.items():
            made[name][row] = value
    return packets(n, time=time, epoch=epoch, **made)


def found(*parts, **thresholds):
    return closed(judged(Transport(TransportThresholds(**thresholds)), list(parts)))


def test_a_clean_stream_and_one_whose_packets_were_not_seen():
    assert found(rows(500)) == []
    nothing = dict.fromkeys(range(10), MISSING)
    unseen = rows(10, lead=False, continuity=nothing, flagged=nothing)
    judge = Transport()
    assert judge.doubt(judge.judge(judge.start(), rows(10))[0]) is None
    assert "not seen" in judge.doubt(judge.judge(judge.start(), unseen)[0])


def test_a_loss_lies_before_the_packet_it_was_found_with():
    events = judged(Transport(), [rows(200, continuity={50: 2, 60: 1}, flagged={60: 5})])
    assert closed(events) == [(1.96, 2.4, "continuity")]
    assert events[-1].peak == 8
    assert "2 times" in events[-1].message


def test_the_loss_of_a_table_lies_between_the_one_before_and_the_one_that_showed_it():
    assert found(rows(200, continuity={50: 1}, lost_table={50: CLOCK})) == [(1.0, 2.0, "continuity")]
    assert found(rows(200, continuity={50: 1}, lost_table={50: CLOCK // 100})) == [(1.96, 2.0, "continuity")]


def test_the_first_row_and_an_epoch_have_nothing_before_them():
    first, second = rows(50, continuity={0: 1}), rows(80, time=np.arange(50, 130) * FRAME, epoch=1, flagged={0: 1})
    assert found(*joined(first, second), hold_seconds=0) == [(0, 0, "continuity"), (2.0, 2.0, "flagged")]


@pytest.mark.parametrize(("name", "limit"), [("association", 500), ("map", 500), ("clock", 100)])
def test_what_is_late_is_told_with_how_long_it_did_not_come(name, limit):
    ages = {100 + k: (limit - 40 + 40 * k) * CLOCK // 1000 for k in range(10)}
    events = judged(Transport(), [rows(300, **{name: ages})])
    ((start, end, cause),) = closed(events)
    assert (start, end, cause) == (pytest.approx(102 / 25 - 0.04), 109 / 25, name)
    assert events[-1].peak == pytest.approx((limit + 320) / 1000)
    assert {event.part for event in events} == {"tables"}


def test_a_stream_that_never_has_its_tables_in_time_is_made_so():
    every_two_seconds = {row: (row % 50) * CLOCK // 25 for row in range(500)}
    assert found(rows(500, association=every_two_seconds, map=every_two_seconds)) == []
    at_key_frames = {row: 4 * CLOCK * (row % 100 == 99) for row in range(500)}
    assert found(rows(500, association=at_key_frames, map=at_key_frames, clock=at_key_frames)) == []


VALUE = st.sampled_from([0, 1, 9, CLOCK // 20, CLOCK // 4, CLOCK])


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 399), VALUE), max_size=20), st.integers(0, 399),
    st.lists(st.integers(1, 90), max_size=20), st.booleans(),
)  # fmt: skip
def test_any_split_gives_the_same_events(faults, border, sizes, lead):
    made = rows(400, lead=lead)
    for name, row, value in faults:
        made.columns[name][row : row + (value > 9) * 15 + 1] = value
    first, second = made.slice(0, border), made.slice(border, 400)
    second.columns["epoch"][:] = 1
    check_splits(Transport(), joined(first, second) if border else [second], sizes)


def analysed(tmp_path, defect, seconds=4):
    clip = tmp_path / "clip.ts"
    source = generated_clip(seconds=seconds, size=(96, 54), gop=25, preset="ultrafast")
    labels = inject(source, clip, [parse(defect)], seed=1, encode=Encode(preset="ultrafast", gop=25))
    names = ["transport", "timestamps", "decode_errors"]
    return labels.defects[0], clip, sightline.analyze(clip, results=tmp_path / "results", detectors=names)["streams"][0]


@pytest.mark.parametrize("what", ["continuity", "flagged"])
def test_faults_are_found_where_they_are_and_explain_the_rest(tmp_path, what):
    label, _, stream = analysed(tmp_path, f"transport_errors:start=1,length=1,what={what},count=9")
    (mine,) = [one for one in stream["incidents"] if not one["explained_by"]]
    assert (label.kind, mine["detector"], mine["cause"]) == ("transport", "transport", what)
    assert label.start_seconds - 0.05 <= mine["start_seconds"] < mine["end_seconds"] <= label.end_seconds + 0.1


def test_tables_that_do_not_come_are_told(tmp_path):
    label, _, stream = analysed(tmp_path, "transport_errors:start=3.5,length=1,what=tables", seconds=6)
    late = [one for one in stream["incidents"] if one["unit"] == "s"]
    (lost,) = [one for one in stream["incidents"] if not one["explained_by"]]
    assert (lost["detector"], lost["cause"]) == ("transport", "continuity")
    assert lost["start_seconds"] == pytest.approx(label.start_seconds, abs=0.2)
    assert lost["end_seconds"] == pytest.approx(label.end_seconds, abs=0.2)
    assert late[0]["explained_by"] == lost["id"]
    assert [(one["detector"], one["cause"]) for one in late] == [("transport", "association")]
    assert late[0]["start_seconds"] == pytest.approx(label.start_seconds + 0.5, abs=0.2)
    assert late[0]["end_seconds"] == pytest.approx(label.end_seconds, abs=0.2)
    assert late[0]["peak"] == pytest.approx(1.05, abs=0.15)


def test_packets_with_times_of_arrival_are_read_as_those_without(tmp_path):
    _, clip, plain = analysed(tmp_path, "transport_errors:start=1,length=1,count=9")
    stamped = tmp_path / "clip.m2ts"
    data = np.frombuffer(clip.read_bytes(), np.uint8).reshape(-1, 188)
    np.concatenate((np.zeros((len(data), 4), np.uint8), data), axis=1).tofile(stamped)
    stream = sightline.analyze(stamped, results=tmp_path / "other", detectors=["transport"])["streams"][0]
    seen = [(one["start_seconds"], one["message"]) for one in plain["incidents"] if one["detector"] == "transport"]
    assert stream["status"] == "completed"
    assert [(one["start_seconds"], one["message"]) for one in stream["incidents"]] == seen
    assert len(seen) == 1


def test_only_transport_streams_are_judged(tmp_path):
    clip = generated_clip(seconds=1, size=(96, 54), suffix=".mp4")
    assert sightline.analyze(clip, results=tmp_path, detectors=["transport"])["streams"][0]["verdicts"] == []

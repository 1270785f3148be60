"""Scrambled and encrypted tracks: from rows, from packets, from clips that are made so, and while it lasts."""

import gc
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sightline
from actors.clock import StreamClock, TimeBase
from actors.detectors.encrypted import Encrypted, EncryptedThresholds
from actors.encryption import is_encrypted
from actors.explain import ExplainState, explain
from actors.hop import Direct
from actors.inject import DefectError, Encode, inject, parse
from actors.media import CLOCK
from actors.multiplex import Multiplex
from actors.reader import Reader
from actors.tables import Table
from tests.actors.multiplexed import hidden, stream
from tests.actors.rows import FRAME, check_splits, closed, judged, packets
from tests.clips import generated_clip
from tests.equal import assert_equal

VIDEO, SOUND = 0x100, 0x101
KEY = "76a6c65c5ea762046bd749a2e632ccbb"


def rows(n=200, *, time=None, secret=(), before=(), empty=()):
    """Rows of packets: which of them are encrypted, come after scrambled ones, have no bytes."""
    told, between, size = np.zeros(n, np.bool_), np.zeros(n, np.int64), np.full(n, 100)
    told[list(secret)], between[list(before)], size[list(empty)] = True, 1, 0
    return packets(n, time=time, encrypted=told, scrambled=between, bytes=size)


def found(made, **thresholds):
    return closed(judged(Encrypted(EncryptedThresholds(**thresholds)), [made]))


def test_encrypted_packets_last_as_long_as_they_are_shown():
    assert found(rows(secret=range(50, 75))) == [(2.0, 3.0, "encrypted")]
    assert found(rows(secret=range(150, 200))) == [(6.0, 8.0, "encrypted")]
    assert found(rows(secret=(50, 99))) == [(2.0, 4.0, "encrypted")]
    assert found(rows(secret=(50, 149))) == [(2.0, 2.04, "encrypted"), (5.96, 6.0, "encrypted")]
    assert found(rows()) == []


def test_what_was_scrambled_lies_between_packets():
    time = np.concatenate((np.arange(50), np.arange(100, 250))) * FRAME
    assert found(rows(time=time, before=[50])) == [(2.0, 4.0, "scrambled")]
    assert found(rows(before=[50])) == []  # a damaged header: nothing is missing
    short = np.concatenate((np.arange(50), np.arange(53, 203))) * FRAME
    assert found(rows(time=short, secret=[49], empty=[49], before=[50])) == [(1.96, 2.12, "scrambled")]
    assert found(rows(time=short, before=[50])) == []
    assert found(rows(before=[0])) == []


ROWS = st.sets(st.integers(0, 299), max_size=12)


@settings(max_examples=50, deadline=None)
@given(ROWS, ROWS, ROWS, st.lists(st.integers(1, 400), min_size=300, max_size=300), st.lists(st.integers(1, 90)))
def test_any_split_gives_the_same_events(secret, before, empty, steps, sizes):
    time = np.cumsum([step * FRAME // 20 for step in steps])
    check_splits(Encrypted(), [rows(300, time=time, secret=secret, before=before, empty=empty)], sizes)


def test_it_explains_what_follows_from_it_and_one_track_the_others():
    pictures, sound = (judged(Encrypted(), [replace(rows(secret=range(50, 75)), track=one)]) for one in ("v:0", "a:0"))
    late = [replace(event, detector="corruption", start=75_000, end=event.end and 90_000) for event in pictures]
    settled = explain(ExplainState(), [*pictures, *sound, *late], None, "s")[1]
    cause = pictures[0].id("s")
    told_ = {(event.detector, event.track): event.explained_by for event in settled if event.kind != "opened"}
    assert told_ == {("encrypted", "v:0"): None, ("encrypted", "a:0"): cause, ("corruption", "v:0"): cause}


def told(packets_, sizes=()):
    """Every stretch that is told of packets, which come in pieces."""
    data, multiplex, at = b"".join(packets_), Multiplex(), 0
    for size in (*sizes, len(data)):
        multiplex.feed(data[at : at + size])
        at += size
    multiplex.finish()
    return multiplex.hidden(None)


def test_a_stretch_is_told_while_it_lasts():
    stretches = told(hidden(stream(6), {VIDEO}, 2, 5.5))
    assert {pid for pid, _ in stretches} == {VIDEO}
    assert [(one.start / CLOCK, one.stop / CLOCK) for _, one in stretches] == pytest.approx(
        [(1.96, 2.16), (2.16, 3.16), (3.16, 4.16), (4.16, 5.16)]
    )
    assert {(one.origin, one.since) for _, one in stretches} == {(0, 49 * CLOCK // 25)}
    both = told(hidden(stream(3), {VIDEO, SOUND}, 1, 9))
    assert {pid: one.stop for pid, one in both} == dict.fromkeys((VIDEO, SOUND), 74 * CLOCK // 25)
    assert told(hidden(stream(3), {VIDEO}, 1, 1.12)) == []
    assert told(stream(1)) == []


def test_it_is_said_where_the_demuxer_gives_nothing():
    data, multiplex, heard = b"".join(hidden(stream(6), {VIDEO, SOUND}, 0, 9)), Multiplex(), []
    multiplex.on_hidden = lambda: heard.extend(multiplex.hidden(None))
    for at in range(0, len(data), 1880):
        multiplex.feed(data[at : at + 1880])
    assert max(stretch.stop for _, stretch in heard) > 4 * CLOCK
    assert heard == told(hidden(stream(6), {VIDEO, SOUND}, 0, 9))[: len(heard)]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([VIDEO, SOUND]), st.integers(0, 50), st.integers(1, 60)), max_size=4),
    st.lists(st.integers(1, 9000), max_size=40),
)  # fmt: skip
def test_any_cut_of_the_bytes_tells_the_same(stretches, sizes):
    made = stream(3)
    for pid, start, length in stretches:
        made = hidden(made, {pid}, start / 20, (start + length) / 20)
    assert told(made, sizes) == told(made)


def test_time_goes_on_while_nothing_comes():
    base, clock = TimeBase(1, 90_000), StreamClock.starting(Fraction(1))
    clock, first = clock.step("v:0", base, 90_000, 90_000, 3600, wraps=True)
    clock, stamp = clock.hide("v:0", base, Fraction(1, 25), Fraction(30), wraps=True)
    assert (first.time, stamp.time, stamp.pts) == (0, 3600, 93_600)
    late, after = 93_600, 31 * 90_000
    clock, held = clock.step("v:0", base, late, late, 3600, wraps=True)
    clock, again = clock.step("v:0", base, after, after, 3600, wraps=True)
    assert (held.epoch, held.time, again.epoch, again.time) == (0, 3600, 0, 30 * 90_000)
    _, jumped = clock.step("v:0", base, after + 11 * 90_000, after + 11 * 90_000, 3600, wraps=True)
    assert jumped.epoch == 1
    _, unknown = clock.hide("a:0", base, Fraction(2), Fraction(3), wraps=True)
    assert (unknown.time, unknown.pts) == (2 * 90_000, 3 * 90_000)


@pytest.fixture(scope="module")
def source():
    return generated_clip(seconds=8, size=(96, 54), gop=25)


DETECTORS = ["encrypted", "timestamps", "decode_errors", "stutter", "freeze", "click", "transport"]


def analysed(source, tmp_path, *defects, detectors=DETECTORS):
    clip = tmp_path / "clip.ts"
    labels = inject(source, clip, [parse(f"scrambled:{one}") for one in defects], encode=Encode(gop=25)).defects
    (stream_,) = sightline.analyze(clip, results=tmp_path / "results", detectors=detectors)["streams"]
    mine = {one["track"]: one for one in stream_["incidents"] if one["detector"] == "encrypted"}
    others = [one for one in stream_["incidents"] if not one["explained_by"]]
    return labels, stream_, mine, others


@pytest.mark.parametrize("where", ["start=2.3,length=3", "start=5", "start=0,length=4", "start=0"])
def test_a_scrambled_track_is_found_where_it_is(source, tmp_path, where):
    (label,), stream_, mine, others = analysed(source, tmp_path, where)
    assert (label.kind, stream_["status"], stream_["epochs"], list(mine)) == ("encrypted", "completed", 1, ["v:0"])
    assert mine["v:0"]["start_seconds"] == pytest.approx(label.start_seconds, abs=0.13)
    assert mine["v:0"]["end_seconds"] == pytest.approx(label.end_seconds, abs=0.13)
    assert (mine["v:0"]["cause"], mine["v:0"]["severity"]) == ("scrambled", "warning")
    assert mine["v:0"]["peak"] == pytest.approx(label.end_seconds - label.start_seconds, abs=0.2)
    assert [one["detector"] for one in others] == ["encrypted"]
    verdicts = [one for one in stream_["verdicts"] if one["detector"] != "encrypted"]
    assert {(one["track"], one["state"]) for one in verdicts} - {("v:0", "incident")} == {
        ("v:0", "unknown"), ("a:0", "ok"),
    }  # fmt: skip
    holes = {one["reason"] for one in stream_["coverage"] if one["state"] != "analysed"}
    assert holes == ({"encrypted"} if where == "start=2.3,length=3" else set())


def test_all_tracks_scrambled_are_one_fault(source, tmp_path):
    both = [f"start=2,length=3,track={track}" for track in ("v:0", "a:0")]
    _, stream_, mine, others = analysed(source, tmp_path, *both)
    assert [(one["detector"], one["track"]) for one in others] == [("encrypted", "v:0")]
    assert mine["a:0"]["explained_by"] == mine["v:0"]["id"]
    assert "ok" not in {one["state"] for one in stream_["verdicts"]}


def test_a_source_of_which_nothing_is_clear(source, tmp_path):
    everything = [f"start=0,track={track}" for track in ("v:0", "a:0")]
    _, stream_, mine, _ = analysed(source, tmp_path, *everything, detectors=["encrypted", "black", "silence"])
    assert stream_["status"] == "partial"
    assert "all of it is scrambled" in stream_["error"]
    for one in mine.values():
        assert (one["start_seconds"], one["end_seconds"]) == pytest.approx((0, 8), abs=0.1)
    verdicts = {(one["detector"], one["state"]) for one in stream_["verdicts"]}
    assert verdicts == {("encrypted", "incident"), ("black", "unknown"), ("silence", "unknown")}


def test_what_lasts_longer_than_a_jump_is_no_jump(tmp_path):
    source = generated_clip(seconds=16, size=(48, 32), gop=25, layout=None)
    (label,), stream_, mine, _ = analysed(source, tmp_path, "start=2,length=12", detectors=["encrypted", "timestamps"])
    assert stream_["epochs"] == 1
    assert {one["cause"] for one in stream_["incidents"]} == {"scrambled", "gap"}
    assert mine["v:0"]["end_seconds"] == pytest.approx(label.end_seconds, abs=0.13)
    rows_ = Reader(str(tmp_path / "results")).read("packets", ["encrypted", "bytes", "start_seconds"]).to_pylist()
    assert [one["bytes"] for one in rows_ if one["encrypted"]] == [0] * 12
    assert max(one["start_seconds"] for one in rows_) == pytest.approx(15.96, abs=0.1)


def test_judged_again_it_is_found_again(source, tmp_path):
    _, _, mine, _ = analysed(source, tmp_path, "start=2.3,length=3", detectors=["encrypted"])
    longer = {"encrypted": {"hold_seconds": 2.5}}
    clip, results = tmp_path / "clip.ts", tmp_path / "results"
    (again,) = sightline.analyze(clip, results=results, detectors=["encrypted"], settings=longer)["streams"]
    assert [one["id"] for one in again["incidents"]] == [mine["v:0"]["id"]]
    assert again["incidents"][0]["end_seconds"] == mine["v:0"]["end_seconds"]


@pytest.mark.parametrize("number", [10, 31])
def test_killed_and_begun_again_it_finds_the_same(source, tmp_path, monkeypatch, number):
    monkeypatch.setattr(Direct, "bounds", replace(Direct.bounds, window_seconds=1, batch_seconds=0.5))
    clip, whole, again = tmp_path / "clip.ts", tmp_path / "whole", tmp_path / "again"
    defects = [parse("scrambled:start=2,length=2.5"), parse("scrambled:start=5.5,track=a:0")]
    inject(source, clip, defects, encode=Encode(gop=25))
    names = ["encrypted", "timestamps"]
    sightline.analyze(clip, results=whole, detectors=names)
    commit, left = Table.commit, iter(range(number))

    def dying(table, *given, **named):
        if next(left, None) is None:
            raise KeyboardInterrupt
        commit(table, *given, **named)

    with monkeypatch.context() as patch:
        patch.setattr(Table, "commit", dying)
        with pytest.raises(KeyboardInterrupt):
            sightline.analyze(clip, results=again, detectors=names)
    sightline.analyze(clip, results=again, detectors=names)
    assert_equal(again, whole, video=120, packets=400, encrypted=2, timestamps=1)


def test_what_is_only_marked_as_scrambled_is_read(source, tmp_path):
    clip = tmp_path / "clip.ts"
    inject(source, clip, [], encode=Encode(gop=25))
    data = np.fromfile(clip, np.uint8).reshape(-1, 188)
    data[np.isin((data[:, 1].astype(int) & 0x1F) << 8 | data[:, 2], (VIDEO, SOUND)), 3] |= 0x80
    data.tofile(clip)
    (stream_,) = sightline.analyze(clip, results=tmp_path / "results", detectors=["encrypted", "freeze"])["streams"]
    assert (stream_["incidents"], stream_["tracks"][0]["frames"]) == ([], 200)
    assert {one["state"] for one in stream_["verdicts"]} == {"ok"}


def test_only_transport_streams_can_be_scrambled(source, tmp_path):
    with pytest.raises(DefectError, match="needs a transport stream"):
        inject(source, tmp_path / "clip.mp4", [parse("scrambled:start=1")])


def common(source, target, **options):
    """A copy in Common Encryption, by FFmpeg's muxer."""
    given = {"encryption_scheme": "cenc-aes-ctr", "encryption_key": KEY, "encryption_kid": KEY, **options}
    with av.open(source) as read, av.open(target, "w", format="mp4", options=given) as out:
        streams = {stream.index: out.add_stream_from_template(stream) for stream in read.streams}
        for packet in read.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream_index]
                out.mux(packet)


@pytest.mark.parametrize("options", [{}, {"movflags": "frag_keyframe+empty_moov"}], ids=["whole", "fragments"])
def test_common_encryption_is_told_and_never_decoded(tmp_path, options):
    clip = tmp_path / "clip.mp4"
    common(generated_clip(seconds=2, size=(96, 54)), clip, **options)
    names = ["encrypted", "decode_errors", "corruption", "silence", "timestamps"]
    (stream_,) = sightline.analyze(clip, results=tmp_path / "results", detectors=names)["streams"]
    found_ = {one["track"]: one for one in stream_["incidents"]}
    assert {one["detector"] for one in stream_["incidents"]} == {"encrypted"}
    assert (found_["v:0"]["cause"], found_["a:0"]["explained_by"]) == ("encrypted", found_["v:0"]["id"])
    assert found_["v:0"]["end_seconds"] == pytest.approx(2, abs=0.05)
    states = {(one["detector"], one["state"]) for one in stream_["verdicts"]}
    assert states == {("encrypted", "incident"), *((name, "unknown") for name in names[1:])}


def test_a_packet_that_was_looked_at_is_given_back_at_once(tmp_path):
    clip = tmp_path / "clip.mp4"
    common(generated_clip(seconds=2, size=(96, 54)), clip)
    gc.collect()
    gc.disable()
    try:
        with av.open(clip) as container:
            secret = [is_encrypted(packet) for packet in container.demux() if packet.size]
        left = sum(type(one) is av.Packet for one in gc.get_objects())
    finally:
        gc.enable()
    assert all(secret)
    assert len(secret) > 100
    assert left <= 1


def test_a_sample_of_which_no_byte_is_encrypted_is_clear(tmp_path):
    with av.open(generated_clip(seconds=1, size=(96, 54))) as container:
        assert not any(is_encrypted(packet) for packet in container.demux() if packet.size)

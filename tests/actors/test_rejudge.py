"""Stored measurements judged again: as before where nothing is set, as a new analysis would where something is."""

import json
from dataclasses import replace

import pytest

import sightline
from actors import document, rejudge
from actors.changes import changes
from actors.checkpoint import Checkpoint
from actors.errors import SettingError
from actors.incident import Event
from actors.inject import Encode, inject, parse
from actors.kept import kept
from actors.measuring import schemas
from actors.reader import Reader
from actors.recorder import Recorder
from actors.verify import verify
from tests.clips import generated_clip, real_clip

DEFECTS = {
    "picture.mp4": ["black:start=1,length=3", "freeze:start=5,length=3"],
    "sound.mkv": ["silence:start=1,length=3", "channel_loss:start=5,length=3,channel=1"],
    "clipped.mkv": ["clipping:start=3,length=2,gain=20"],
    "stream.ts": ["timestamp_gap:start=4,length=1", "black:start=6,length=2.5"],
    "lossy.ts": ["lost_packets:start=3,length=2,share=0.1"],
}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """All of these clips, and two real ones, analysed with every default."""
    path = tmp_path_factory.mktemp("rejudge")
    source = generated_clip(seconds=9, size=(320, 180))
    for name, defects in DEFECTS.items():
        codec = {"audio_codec": "pcm_s16le"} if name == "clipped.mkv" else {}
        inject(source, path / name, [parse(defect) for defect in defects], seed=1, encode=Encode(gop=25, **codec))
    clips = [*(path / name for name in DEFECTS), real_clip("bikes.mp4"), real_clip("bigbuckbunny.mp4")]
    sightline.analyze(clips, results=str(path / "results"))
    return str(path / "results")


def judged(results, sets, names=None, *, anew=True):
    """Every stream as stored, and as judged again: ``anew`` by every detector, as if none remembered anything."""
    reader = Reader(results)
    for stream, stored in reader.streams().items():
        if anew:
            silent = {key: text for key, text in stored.checkpoint.states.items() if key.startswith("stalled|")}
            stored.checkpoint = replace(stored.checkpoint, states=silent)
        work, detectors = rejudge.wanted(stream, stored, names, sets)
        yield stream, stored, rejudge.rejudge(stream, stored, work, detectors, reader.read)


def test_nothing_changes_where_nothing_is_set(results):
    compared = {}
    for stream, stored, again in judged(results, {}):
        assert again.work == stored.checkpoint.work
        assert list(again.events) == stored.events
        for event in stored.events:
            compared[event.detector] = compared.get(event.detector, 0) + 1
        before, after = (document.incidents(events, stream) for events in (stored.events, again.events))
        found = changes(before, after)
        assert not found.any
        assert found.same == len(before)
    assert sum(compared.values()) >= 30, compared
    assert {"black", "freeze", "silence", "channel_loss", "clipping", "timestamps", "decode_errors"} <= compared.keys()


@pytest.mark.parametrize("windows", [1, 2])
def test_how_much_is_read_at_once_changes_nothing(results, monkeypatch, windows):
    monkeypatch.setattr(rejudge, "WINDOWS", windows)
    compared = 0
    for _, stored, again in judged(results, {}):
        assert list(again.events) == stored.events
        compared += len(stored.events)
    assert compared >= 30


@pytest.mark.parametrize(
    ("sets", "read", "changed"),
    [
        ({}, set(), 0),
        ({"black": {"minimum_seconds": "2.8"}}, {"video"}, 1),
        ({"freeze": {"minimum_seconds": "1"}, "loudness": {"max_true_peak_dbtp": "-20"}}, {"video", "audio"}, 2),
        ({"decode_errors": {"hold_seconds": "0.1"}, "encrypted": {"minimum_seconds": "3"}}, {"packets"}, 0),
        ({"av_sync": {"early_ms": "10"}, "av_skew": {"length_seconds": "0.001"}}, {"video", "audio", "packets"}, 0),
    ],
)  # fmt: skip
def test_what_is_taken_over_is_what_judging_all_of_it_gives(results, sets, read, changed):
    compared = different = 0
    for (_, stored, again), (_, _, whole) in zip(
        judged(results, sets, anew=False), judged(results, sets), strict=True
    ):
        names = kept(stored, again.detectors)
        tables = {detector.table for detector in again.detectors if detector.name not in names}
        assert tables <= read
        assert again.events == whole.events
        assert again.judges.into(Checkpoint(again.work)) == whole.judges.into(Checkpoint(again.work))
        compared += len(again.events)
        different += list(again.events) != stored.events
    assert compared >= 25
    assert different >= changed


SETS = {"freeze": {"minimum_seconds": "4"}, "silence": {"minimum_seconds": "0.5"}, "scene": {"threshold": "3"}}


def test_other_thresholds_give_what_a_new_analysis_gives(results, tmp_path):
    fresh = sightline.analyze(real_clip("bikes.mp4"), results=str(tmp_path), settings=SETS)["streams"][0]
    found = {stream: document.incidents(again.events, stream) for stream, _, again in judged(results, SETS)}
    assert found[fresh["stream"]] == fresh["incidents"]
    assert len(fresh["incidents"]) >= 3


def test_what_is_gone_and_what_has_moved_is_told(results):
    told = {"gone": [], "appeared": [], "moved": []}
    sets = {"black": {"minimum_seconds": "2.8"}, "freeze": {"minimum_seconds": "1"}}
    for stream, stored, again in judged(results, sets):
        before, after = (document.incidents(events, stream) for events in (stored.events, again.events))
        found = changes(before, after)
        told["gone"] += found.gone
        told["appeared"] += found.appeared
        told["moved"] += found.moved
    assert [one["detector"] for one in told["gone"]] == ["black"]
    freezes = [(was, now) for was, now in told["moved"] if was["detector"] == "freeze"]
    assert [(was["explained_by"] is None, now["explained_by"] is None) for was, now in freezes] == [(False, True)]


def test_what_is_written_is_the_newest_judgement_and_a_later_analysis_agrees(tmp_path):
    clip, where = tmp_path / "clip.mp4", str(tmp_path / "results")
    source = generated_clip(seconds=9, size=(320, 180))
    inject(source, clip, [parse("black:start=2,length=3")], seed=1, encode=Encode(gop=25))
    sightline.analyze(clip, results=where)
    sets = {"black": {"minimum_seconds": "5"}}
    ((stream, stored, again),) = judged(where, sets, anew=False)
    rejudge.write(Recorder(where, schemas(models=False)), stream, stored, again)
    assert verify(where) == []
    newest = Reader(where).streams()[stream]
    assert newest.checkpoint.judgement == stored.checkpoint.judgement + 1
    assert newest.events == list(again.events)
    notes = sightline.analyze(clip, results=where, settings=sets)["streams"][0]
    assert Reader(where).streams()[stream].checkpoint == newest.checkpoint, "it was judged once more"
    verdicts = {verdict["detector"]: verdict["state"] for verdict in notes["verdicts"]}
    assert (verdicts["black"], verdicts["freeze"]) == ("ok", "incident")
    assert notes["tracks"][1]["loudness"]["integrated_lufs"] is not None
    with pytest.raises(rejudge.NotStoredError, match="meanwhile"):
        rejudge.write(Recorder(where, schemas(models=False)), stream, stored, again)


def stall(kind, base, at):
    return Event(kind, "stalled", 1, "v:0", "", base, at, 0, 0, at, at, at + 9, "critical", 6.0, "s", "", "silent")


def test_what_no_row_tells_of_is_taken_over(results):
    reader = Reader(results)
    stream, stored = next(item for item in reader.streams().items() if item[1].events)
    base = stored.events[0].base
    crash = replace(stall("opened", base, 5), detector="decoder_crashed")
    extra = [stall("opened", base, 9), stall("closed", base, 9), crash]
    stored = replace(stored, events=[*stored.events, *extra])
    work, detectors = rejudge.wanted(stream, stored, None, {})
    events = rejudge.rejudge(stream, stored, work, detectors, reader.read).events
    assert [event for event in events if event in extra] == [crash, *extra[:2]]
    assert len(events) == len(stored.events)


def test_rows_that_were_rolled_up_are_not_taken_for_all(results):
    reader = Reader(results)
    stream, stored = next(iter(reader.streams().items()))
    work, detectors = rejudge.wanted(stream, stored, None, {"black": {"minimum_seconds": "1"}})
    with pytest.raises(rejudge.NotStoredError, match="kept as seconds only"):
        rejudge.rejudge(stream, stored, work, detectors, lambda *asked: reader.read(*asked).slice(10))


@pytest.fixture
def black_only(tmp_path):
    """A clip of which only what `black` needs was measured."""
    sightline.analyze(generated_clip(size=(160, 90)), results=str(tmp_path), detectors=["black"])
    return str(tmp_path)


@pytest.mark.parametrize("names", [["freeze"], ["scene", "black"], ["silence"]])
def test_a_metric_that_was_not_measured_is_named(black_only, names):
    with pytest.raises(rejudge.NotStoredError, match=f"{names[0]} needs .* was not measured: `analyze` it with"):
        list(judged(black_only, {}, names))


def test_facts_of_packets_are_always_there(black_only):
    ((_, _, again),) = judged(black_only, {}, ["timestamps", "decode_errors"])
    assert json.loads(again.work.settings).keys() == {"timestamps", "decode_errors"}


@pytest.mark.parametrize(
    ("sets", "error", "text"),
    [
        ({"stalled": {"seconds": "1"}}, rejudge.NotStoredError, "no rows"),
        ({"freeze": {"minimum": "1"}}, SettingError, "minimum_seconds"),
        ({"freze": {"noise": "1"}}, SettingError, "freeze"),
        ({"freeze": {"noise": "often"}}, SettingError, "noise"),
    ],
)
def test_what_cannot_be_set_is_refused(results, sets, error, text):
    with pytest.raises(error, match=text):
        list(judged(results, sets))


def test_a_detector_that_is_not_judged_cannot_be_set(black_only):
    with pytest.raises(SettingError, match="--detectors"):
        list(judged(black_only, {"freeze": {"noise": "0.1"}}))

"""Evidence of incidents: what is in it, that it is written once, and that no failure of it is one of the stream."""

import gc
import re
import shutil
import threading
import time
from dataclasses import replace

import av
import numpy as np
import pytest

from actors.clock import TimeBase
from actors.demux import PYAV_ERRORS
from actors.evidence import WAITING, Evidence
from actors.incident import Event
from actors.limits import Limits
from actors.shelf import Shelf
from actors.task import Task
from tests.actors.ringed import ringed
from tests.actors.witnessed import DEADLINE, Witnessed, is_black, until
from tests.clips import folder, generated_clip
from tests.senders import coded
from tests.serve.defective import DEFECTS, defective
from tests.serve.running import broken

SEEN = ("black", "freeze", "silence")


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """The broken clip, analysed with evidence."""
    return Witnessed(broken(), tmp_path_factory.mktemp("watched"), SEEN).run()


def test_every_incident_has_both_files(watched):
    ids = [one for name in SEEN for one in watched.ids(name)]
    assert len(ids) == 3
    assert set(watched.files) == {f"{id_}.{kind}" for id_ in ids for kind in ("mkv", "jpg")}
    assert watched.notes == []


@pytest.mark.parametrize("detector", SEEN)
def test_the_clip_holds_the_incident_and_what_was_before(watched, detector):
    (id_,) = watched.ids(detector)
    counts, lumas, times = watched.clip(id_)
    dark = [is_black(luma) for luma in lumas]
    assert dark[:25] == [False] * 25
    assert sum(dark) >= 2 * 25 - 1
    assert counts["a"] > 100
    assert times["v"][0][0] <= 23


def test_the_picture_is_the_one_that_the_incident_starts_with(watched):
    """By the time it is known, the newest picture of a file is 1 s past its end, and a good one."""
    (id_,) = watched.ids("black")
    assert is_black(watched.picture(id_), level=3)


def test_without_it_nothing_is_written_and_results_are_the_same(watched, tmp_path):
    plain = Witnessed(broken(), tmp_path, SEEN, evidence=False).run()
    assert not (tmp_path / "evidence").exists()
    assert {**plain.document, "usage": None} == {**watched.document, "usage": None}


def test_off_is_the_default():
    assert not Task("one", "one.mp4", SEEN, {}, 1).evidence
    with pytest.raises(ValueError, match="results"):
        Task("one", "one.mp4", SEEN, {}, 1, evidence=True)


def test_a_run_again_does_not_write_again(tmp_path):
    before = Witnessed(broken(), tmp_path, SEEN).run().files
    again = Witnessed(broken(), tmp_path, SEEN, fresh=True).run()
    assert (again.files, again.notes) == (before, [])


def test_what_is_missing_of_the_two_is_written(tmp_path):
    first = Witnessed(broken(), tmp_path, SEEN).run()
    (id_,) = first.ids("black")
    (tmp_path / "evidence" / f"{id_}.jpg").unlink()
    again = Witnessed(broken(), tmp_path, SEEN, fresh=True).run()
    assert {**again.files, f"{id_}.jpg": 0} == {**first.files, f"{id_}.jpg": 0}


def test_a_folder_that_cannot_be_written_is_one_note(watched, tmp_path):
    (tmp_path / "evidence").write_text("a file is in the way")
    hindered = Witnessed(broken(), tmp_path, SEEN).run()
    (note,) = hindered.notes
    assert note.startswith(f"{broken()}: evidence of incident {hindered.ids('black')[0]} is missing: {tmp_path}: ")
    assert "a file is in the way" in note
    assert "\n" not in note
    assert {**hindered.document, "usage": None} == {**watched.document, "usage": None}


def test_the_bound_of_a_task_is_kept(tmp_path):
    kept = Witnessed(broken(), tmp_path, SEEN, evidence_bytes=150_000).run()
    assert 0 < sum(path.stat().st_size for path in (tmp_path / "evidence").iterdir()) <= 150_000
    tiny = Witnessed(broken(), tmp_path, SEEN, evidence_bytes=100, fresh=True)
    shutil.rmtree(tmp_path / "evidence")
    tiny.run()
    (note,) = tiny.notes
    assert "more than the 100 that may be kept" in note
    assert kept.document["incidents"] == tiny.document["incidents"]


@pytest.mark.parametrize("name", sorted(DEFECTS))
def test_damaged_streams_have_evidence_too(name, tmp_path):
    kept = Witnessed(defective(name), tmp_path, (*SEEN, "decode_errors", "timestamps")).run()
    assert kept.notes == []
    opened = [event for event in kept.events if event.kind == "opened"]
    assert {f"{event.id(kept.stream)}.mkv" for event in opened} <= set(kept.files)
    assert opened
    for event in opened:
        counts, _, _ = kept.clip(event.id(kept.stream))
        assert counts["v"] > 20
        assert f"{event.id(kept.stream)}.jpg" in kept.files
        if event.detector == "black":
            assert is_black(kept.picture(event.id(kept.stream)), level=5)


def test_sound_alone_has_no_picture(tmp_path):
    source = generated_clip(seconds=6, size=None, suffix=".ts")
    quiet = Witnessed(source, tmp_path, ("silence",), {"silence": {"threshold_db": -1.0}}).run()
    (id_,) = quiet.ids("silence")
    assert set(quiet.files) == {f"{id_}.mkv"}
    assert quiet.clip(id_)[0]["a"] > 100


def test_a_codec_that_cannot_be_kept_is_one_note(tmp_path):
    source = folder() / "still_sorenson.avi"
    source.write_bytes(coded("flv", frames=100, container="avi"))
    held = Witnessed(source, tmp_path, ("black",), {"black": {"minimum_seconds": 0.5}}).run()
    assert held.notes == [f"{source}: evidence lacks v:0: Matroska cannot hold flv1"]


EVENT = Event("opened", "black", 1, "v:0", "", TimeBase(1, 12_800), 38_400, 0, 0, 0, 12_800, None, "critical", 1.0,
              "share", "", "black")  # fmt: skip


def starting(second):
    """An incident that starts at a second and is found two seconds later."""
    return replace(EVENT, start=second * 12_800, start_pts=second * 12_800, at=(second + 2) * 12_800)


@pytest.fixture
def keeping(tmp_path):
    """Evidence that has had a clip of 19 s, what it says, and its folder."""
    notes = []
    with ringed(generated_clip(seconds=19, size=(96, 64), gop=25)) as (ring, _):
        evidence = Evidence("one", Shelf(str(tmp_path)), Limits(), notes.append)
        evidence.begin(ring.tracks, ring.bases)
        for one in ring.held():
            evidence.keep(*one)
        yield evidence, notes, tmp_path / "evidence"
        evidence.close()


@pytest.mark.parametrize("event", [
    replace(EVENT, kind="closed"), replace(EVENT, kind="updated"), replace(EVENT, kind="marker"),
    replace(EVENT, severity="info"),
])  # fmt: skip
def test_other_events_have_no_evidence(keeping, event):
    evidence, notes, files = keeping
    evidence.take(replace(event, start=12_800 * 10, at=12_800 * 12))
    evidence.close()
    assert (files.exists(), notes) == (False, [])


def test_an_incident_that_was_found_too_late_is_one_note(keeping):
    evidence, notes, files = keeping
    evidence.take(starting(0))
    evidence.take(replace(starting(0), start_pts=1))
    evidence.close()
    assert notes == [
        f"evidence of incident {starting(0).id('one')} is missing: the packets of its time are not at hand"
    ]
    assert not files.exists()


def test_nothing_has_come_and_nothing_is_said(tmp_path):
    notes = []
    with Evidence("one", Shelf(str(tmp_path)), Limits(), notes.append) as evidence:
        evidence.take(EVENT)
    assert (notes, list(tmp_path.iterdir())) == ([], [])
    assert "sightline-evidence" not in {thread.name for thread in threading.enumerate()}


def test_decoding_does_not_wait_and_closing_does(keeping, monkeypatch):
    evidence, notes, files = keeping
    writing, go, put = threading.Event(), threading.Event(), Shelf.put

    def slow(shelf, name, data):
        writing.set()
        assert go.wait(DEADLINE)
        put(shelf, name, data)

    monkeypatch.setattr(Shelf, "put", slow)
    evidence.take(starting(6))
    assert writing.wait(DEADLINE)
    began = time.monotonic()
    for tick in range(WAITING + 3):
        evidence.take(replace(starting(7), start_pts=tick))
    assert time.monotonic() - began < DEADLINE / 2
    assert [re.sub("incident [^ ]+", "#", note) for note in notes] == [
        f"evidence of # is missing: that of {WAITING} others waits to be written"
    ]
    threading.Timer(0.2, go.set).start()
    evidence.close()
    assert len(list(files.iterdir())) == 2 * (1 + WAITING)
    assert "sightline-evidence" not in {thread.name for thread in threading.enumerate()}


def test_a_storage_that_fails_is_said_once_until_it_serves_again(keeping, monkeypatch):
    evidence, notes, files = keeping
    put, served = Shelf.put, starting(8).id("one")

    def fickle(shelf, name, data):
        if not name.startswith(served):
            raise OSError(f"https://user:secret@host/b?token=abc gave no answer in {time.monotonic()} s")
        put(shelf, name, data)

    monkeypatch.setattr(Shelf, "put", fickle)
    for second in (6, 7, 8, 9):
        evidence.take(starting(second))
    evidence.close()
    assert [starting(n).id("one") for n in (6, 9)] == [note.split(" ")[3] for note in notes]
    assert not [note for note in notes if "secret" in note or "abc" in note]
    assert len(list(files.iterdir())) == 2


def test_what_pyav_refuses_is_one_note(keeping, monkeypatch):
    evidence, notes, files = keeping

    def refuse(*given):
        raise PYAV_ERRORS[0](22, "no such\nthing")

    monkeypatch.setattr("actors.evidence.Remux", refuse)
    evidence.take(starting(6))
    evidence.take(starting(7))
    evidence.close()
    (note,) = notes
    assert "no such thing" in note
    assert not files.exists()


def test_packets_are_released_once_they_are_written(tmp_path):
    """At once, by their counts: nothing waits for the collector of cycles."""
    gc.collect()
    gc.disable()
    try:
        before = living()
        with ringed(generated_clip(seconds=19, size=(96, 64), gop=25)) as (ring, _):
            with Evidence("one", Shelf(str(tmp_path)), Limits(), lambda text: None) as evidence:
                evidence.begin(ring.tracks, ring.bases)
                for one in ring.held():
                    evidence.keep(*one)
                evidence.take(starting(6))
                assert living() - before > 1000
                evidence.begin([], {})
                ring.begin([], {})
                del one
                until(lambda: living() - before <= 2)
            assert (tmp_path / "evidence" / f"{starting(6).id('one')}.jpg").exists()
    finally:
        gc.enable()


def living():
    return sum(type(one) is av.Packet for one in gc.get_objects())


def test_once_closed_it_touches_no_track(keeping):
    evidence, notes, files = keeping
    evidence.close()
    evidence.take(starting(6))
    assert (notes, files.exists()) == ([], False)


def test_each_start_has_its_own_picture(keeping):
    evidence, notes, files = keeping
    for second in (6, 11):
        evidence.take(starting(second))
    evidence.close()
    pictures = [(files / f"{starting(second).id('one')}.jpg").read_bytes() for second in (6, 11)]
    assert notes == []
    assert not np.array_equal(pictures[0], pictures[1])

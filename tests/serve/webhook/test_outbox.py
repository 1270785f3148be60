"""The outbox: what it says outlives the process, is written whole, and never loses an event."""

import json
import threading

import pytest
from deltalake.fs import DeltaStorageHandler
from hypothesis import given
from hypothesis import strategies as st
from pyarrow.fs import PyFileSystem

from actors import storage
from actors.errors import StorageError
from serve.webhook import outbox as module
from serve.webhook.outbox import BEGINNING, MOST_FAILED, Outbox, Position
from tests.serve.listener import NOON


def _full(uri):
    outbox = Outbox(uri, "job-1")
    for place in range(4):
        outbox.add(f"id-{place}", Position(7, place))
    outbox.advance(Position(8, 2))
    outbox.tried(Position(7, 1), 3, NOON, NOON)
    outbox.settle(Position(7, 0))
    outbox.give_up(Position(7, 2), 9, "no answer", NOON)
    return outbox


def test_it_is_read_back_as_it_was(tmp_path):
    outbox = _full(str(tmp_path))
    outbox.write(outbox.snapshot())
    again = Outbox.load(str(tmp_path), "job-1", start=Position(99, 0))
    assert (again.position, again.pending) == (outbox.position, outbox.pending)
    assert (list(again.failed), again.failed_total, again.gone_at) == (list(outbox.failed), 1, None)
    assert again.read_after == Position(7, 0)
    assert [again.is_settled(Position(7, place)) for place in range(4)] == [True, False, True, False]
    assert not again.is_settled(Position(9, 0))


def test_it_is_one_small_readable_object(tmp_path):
    outbox = _full(str(tmp_path))
    outbox.write(outbox.snapshot())
    [path] = (tmp_path / "outbox").iterdir()
    stored = json.loads(path.read_text())
    assert path.name == "job-1.json"
    assert {name: stored[name] for name in ("schema", "job", "position")} == {
        "schema": 1, "job": "job-1", "position": [8, 2],
    }  # fmt: skip
    assert stored["pending"][0] == {
        "id": "id-1", "position": [7, 1], "attempts": 3, "first_at": "2026-01-02T12:00:00Z",
        "next_at": "2026-01-02T12:00:00Z",
    }  # fmt: skip
    assert stored["failed"][0]["reason"] == "no answer"
    assert path.stat().st_size < 600


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.booleans()), max_size=30))
def test_whatever_is_not_settled_is_read_again(events):
    """For any log, any of its events told, and any of those delivered: what is left is after ``read_after``."""
    outbox, place, left = Outbox("somewhere", "job"), BEGINNING, []
    for step, told, delivered in events:
        place = Position(place.commit + step, 0 if step else place.place + 1)
        if told:
            outbox.add("id", place)
        outbox.advance(place)
        if told and delivered:
            outbox.settle(place)
        elif told:
            left.append(place)
        assert outbox.is_settled(place) == (not told or delivered)
    assert list(outbox.pending) == left
    assert all(position > outbox.read_after for position in left)
    assert outbox.read_after <= outbox.position


def test_an_older_snapshot_never_replaces_a_newer_one(tmp_path):
    outbox = _full(str(tmp_path))
    old = outbox.snapshot()
    outbox.advance(Position(20, 0))
    outbox.write(outbox.snapshot())
    outbox.write(old)
    assert Outbox.load(str(tmp_path), "job-1").position == Position(20, 0)


def test_readers_see_whole_objects_only(tmp_path):
    """While it is written again and again, also where the object grows and shrinks."""
    outbox, ends, seen = _full(str(tmp_path)), threading.Event(), []
    outbox.write(outbox.snapshot())

    def read():
        while not ends.is_set():
            seen.append(Outbox.load(str(tmp_path), "job-1").position.commit)

    reader = threading.Thread(target=read)
    reader.start()
    for commit in range(10, 210):
        outbox.advance(Position(commit, 0))
        if commit % 2:
            outbox.add("id" * 500, Position(commit, 0))
        else:
            outbox.settle(Position(commit - 1, 0)) if commit > 10 else None
        outbox.write(outbox.snapshot())
    ends.set()
    reader.join()
    assert len(set(seen)) > 5
    assert seen == sorted(seen)
    assert len(list((tmp_path / "outbox").iterdir())) == 1


def test_an_object_store_is_written_without_renaming(tmp_path, monkeypatch):
    """deltalake's files, here on a folder: larger than its buffer, smaller again, and missing at first."""
    files = PyFileSystem(DeltaStorageHandler(f"file://{tmp_path}"))
    monkeypatch.setattr(module, "filesystem", lambda uri: files)
    outbox = Outbox.load("s3://bucket/results", "job-1")
    for count in (3000, 1):
        for place in range(count):
            outbox.add("id", Position(count, place))
        outbox.advance(Position(count, count))
        outbox.write(outbox.snapshot())
        assert Outbox.load("s3://bucket/results", "job-1").pending == outbox.pending
        for position in list(outbox.pending):
            outbox.settle(position)
    assert [path.name for path in (tmp_path / "outbox").iterdir()] == ["job-1.json"]


def test_what_was_given_up_is_counted_beyond_what_is_listed(tmp_path):
    outbox = Outbox(str(tmp_path), "job-1")
    for commit in range(MOST_FAILED + 5):
        outbox.add(f"id-{commit}", Position(commit, 0))
        outbox.give_up(Position(commit, 0), 1, "no answer", NOON)
    outbox.write(outbox.snapshot())
    again = Outbox.load(str(tmp_path), "job-1")
    assert (len(again.failed), again.failed_total, again.failed[0].id) == (MOST_FAILED, MOST_FAILED + 5, "id-5")


@pytest.mark.parametrize("text", ["", "{", '{"schema": 2, "job": "job-1", "position": [1, 2]}', "[]", "\xff"])
def test_what_is_no_outbox_is_not_taken_for_one(tmp_path, text):
    (tmp_path / "outbox").mkdir()
    (tmp_path / "outbox" / "job-1.json").write_text(text, encoding="latin-1")
    with pytest.raises(StorageError, match=r"outbox/job-1.json: is no outbox of this version; remove it"):
        Outbox.load(str(tmp_path), "job-1")


@pytest.mark.parametrize("job", ["", "../up", "a/b", ".hidden", "a" * 64, "a\nb", "a.json"])
def test_a_job_cannot_name_another_file(tmp_path, job):
    with pytest.raises(ValueError, match="is no id of a job"):
        Outbox(str(tmp_path), job)


def test_a_place_that_cannot_be_written_says_so(tmp_path):
    (tmp_path / "outbox").write_text("in the way")
    outbox = Outbox(str(tmp_path), "job-1")
    with pytest.raises(StorageError, match=r"outbox/job-1.json: a file is in the way"):
        outbox.write(outbox.snapshot())
    assert storage.located(str(tmp_path)) == str(tmp_path)

"""The folder of evidence: whole files, never written twice, and bounded in their sum."""

import os
import uuid
from pathlib import Path

import pyarrow.fs as pafs
import pytest
from deltalake.fs import DeltaStorageHandler

from actors.shelf import FOLDER, Shelf


def names(uri):
    return sorted(path.name for path in (Path(uri) / FOLDER).iterdir())


def aged(uri, name, seconds):
    path = Path(uri) / FOLDER / name
    os.utime(path, (seconds, seconds))


@pytest.mark.parametrize("size", [0, 1, 1 << 16, (1 << 16) + 1, 3_000_000])
def test_what_is_put_is_there(tmp_path, size):
    shelf = Shelf(str(tmp_path / "not" / "yet"))
    data = bytes(range(251)) * (size // 251 + 1)
    assert not shelf.has("one.mkv")
    shelf.put("one.mkv", memoryview(data)[:size])
    assert shelf.has("one.mkv")
    assert (tmp_path / "not" / "yet" / FOLDER / "one.mkv").read_bytes() == data[:size]
    assert names(tmp_path / "not" / "yet") == ["one.mkv"]


def test_an_object_store_takes_it_too(tmp_path):
    """Its stream takes bytes from a buffer alone: written at once, a file of 3 MB would be refused."""
    shelf = Shelf(str(tmp_path))
    shelf.__dict__["_files"] = pafs.PyFileSystem(DeltaStorageHandler(f"file://{tmp_path}"))
    data = bytes(range(250)) * 12_000
    shelf.put("one.mkv", data)
    shelf.put("one.mkv", b"again")
    assert (tmp_path / FOLDER / "one.mkv").read_bytes() == data
    assert shelf.has("one.mkv")
    assert not shelf.has("two.mkv")
    assert names(tmp_path) == ["one.mkv"]


def test_what_is_there_stays(tmp_path):
    shelf = Shelf(f"file://{tmp_path}")
    shelf.put("one.mkv", b"first")
    aged(tmp_path, "one.mkv", 1000)
    shelf.put("one.mkv", b"second")
    assert (tmp_path / FOLDER / "one.mkv").read_bytes() == b"first"
    assert (tmp_path / FOLDER / "one.mkv").stat().st_mtime == 1000
    assert names(tmp_path) == ["one.mkv"]


def clip(number):
    """The name of an incident's clip."""
    return f"{uuid.UUID(int=number)}.mkv"


def test_the_oldest_go_first(tmp_path):
    shelf = Shelf(str(tmp_path), most_bytes=100)
    for second, number in enumerate((3, 1, 2, 4)):
        shelf.put(clip(number), bytes(25))
        aged(tmp_path, clip(number), 1000 + second)
    shelf.put(clip(5), bytes(26))
    assert names(tmp_path) == [clip(2), clip(4), clip(5)]
    shelf.put(clip(6), bytes(100))
    assert names(tmp_path) == [clip(6)]


@pytest.mark.parametrize("name", ["master.mkv", ".hidden", "a.jpg", f"{clip(1)}.mp4", f"my {clip(1)}"])
def test_files_of_others_are_neither_counted_nor_removed(tmp_path, name):
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / name).write_bytes(bytes(500))
    aged(tmp_path, name, 1000)
    shelf = Shelf(str(tmp_path), most_bytes=100)
    for number in (1, 2, 3):
        shelf.put(clip(number), bytes(50))
        aged(tmp_path, clip(number), 1000 + number)
    assert names(tmp_path) == sorted([name, clip(2), clip(3)])


def test_what_is_larger_than_the_shelf_takes_nothing_away(tmp_path):
    shelf = Shelf(str(tmp_path), most_bytes=100)
    shelf.put("one", bytes(90))
    with pytest.raises(ValueError, match="101 bytes are more than the 100"):
        shelf.put("two", bytes(101))
    assert names(tmp_path) == ["one"]


def test_what_killed_writers_left_is_removed_in_its_turn(tmp_path):
    shelf = Shelf(str(tmp_path), most_bytes=100)
    shelf.put(clip(1), bytes(10))
    left = f".{uuid.uuid4()}"
    (tmp_path / FOLDER / left).write_bytes(bytes(60))
    aged(tmp_path, left, 1000)
    shelf.put(clip(2), bytes(40))
    assert names(tmp_path) == [clip(1), clip(2)]


def test_a_failure_leaves_nothing(tmp_path):
    shelf = Shelf(str(tmp_path))
    shelf.put("one", b"1")

    class Full(pafs.SubTreeFileSystem):
        def move(self, *paths):
            raise OSError(28, "No space left on device")

    shelf.__dict__["_files"] = Full(str(tmp_path), pafs.LocalFileSystem())
    with pytest.raises(OSError, match="No space"):
        shelf.put("two", bytes(10))
    assert names(tmp_path) == ["one"]


def test_a_file_in_the_way_is_an_error(tmp_path):
    (tmp_path / FOLDER).write_text("a file")
    with pytest.raises(OSError, match="Cannot create directory"):
        Shelf(str(tmp_path)).put("one", b"1")


def test_files_that_others_remove_at_the_same_time_are_no_error(tmp_path):
    shelf = Shelf(str(tmp_path), most_bytes=100)
    shelf.put(clip(1), bytes(90))

    class Rival(pafs.SubTreeFileSystem):
        def delete_file(self, path):
            super().delete_file(path)
            super().delete_file(path)

    shelf.__dict__["_files"] = Rival(str(tmp_path), pafs.LocalFileSystem())
    shelf.put(clip(2), bytes(90))
    assert names(tmp_path) == [clip(2)]

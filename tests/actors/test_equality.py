"""Equality of results: a second run is equal, whatever differs is said where it is, and nothing is never equal."""

import shutil

import pytest

from actors.equality import Compared, compare
from actors.errors import StorageError
from cluster.analysis import analyse
from cluster.job import Analysis
from tests.serve.running import broken, good

ROWS = {"video": 150, "audio": 60, "packets": 430}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Runs a source that is always found at one path, and so has one name; gives the results folder."""
    folder = tmp_path_factory.mktemp("equality")
    source = folder / "clip.mp4"

    def run(clip, name, **wanted):
        shutil.copy(clip, source)
        (document,) = analyse([str(source)], Analysis(results=str(folder / name), jobs=1, **wanted))
        assert document["status"] == "completed"
        return str(folder / name)

    return run


@pytest.fixture(scope="module")
def first(results):
    return results(broken(), "first")


def test_a_second_run_is_equal_and_it_is_said_how_much_was_compared(results, first):
    compared = compare(results(broken(), "second"), first)
    assert compared.equal
    assert compared.mismatches == []
    assert all(compared.rows[table] >= count for table, count in ROWS.items()), compared.rows
    assert compared.opened() == {"black": 1, "freeze": 1, "silence": 1}
    assert compared.stretches >= 2
    text = compared.text()
    assert text.startswith(f"streams: 1; rows: video {compared.rows['video']}, audio ")
    assert "black opened 1" in text


def test_another_threshold_differs_in_incidents_and_not_in_rows(results, first):
    other = results(broken(), "strict", settings={"freeze": {"minimum_seconds": 4}})
    compared = compare(other, first)
    assert not compared.equal
    assert any(line.startswith("incident clip-mp4-") and "against" in line for line in compared.mismatches)
    assert "events freeze opened: None against 1" in compared.mismatches
    assert not [line for line in compared.mismatches if line.startswith(tuple(ROWS))]


def test_rows_that_differ_are_named_by_column_and_place(results, first):
    one, other = results(good(), "plain"), results(good(), "plain-too", detectors=("black",))
    found = [line for line in compare(other, one).mismatches if line.startswith("video.")]
    assert len(found) >= 4
    assert all(": None against " in line and "track v:0, epoch 0, wrap 0, pts " in line for line in found)
    assert max(map(len, found)) < 250, "a list of numbers is cut short"
    assert "video: 50 rows against 150" in compare(one, first).mismatches


def test_results_without_a_stream_are_not_equal():
    assert not Compared().equal


def test_what_cannot_be_read_is_an_error(first, tmp_path):
    with pytest.raises(StorageError, match="nowhere"):
        compare(str(tmp_path / "nowhere"), first)

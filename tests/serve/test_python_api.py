"""`import sightline` gives scripts what the command gives people."""

import json
import shutil

import pytest

import sightline
from tests.serve.contract import Document
from tests.serve.running import broken, command, good


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    path = tmp_path_factory.mktemp("api")
    shutil.copy(broken(), path / "a.mp4")
    shutil.copy(good(), path / "b.mp4")
    (path / "c.mp4").write_text("no clip")
    return path


def test_it_gives_the_document_that_the_command_prints(place, monkeypatch):
    monkeypatch.chdir(place)
    document = sightline.analyze(".", results="results", settings={"black": {"minimum_seconds": 1}})
    Document.model_validate(document)
    assert [stream["status"] for stream in document["streams"]] == ["completed", "completed", "failed"]
    given = ("analyze", ".", "--results", "results", "--set", "black.minimum_seconds=1", "--json")
    status, out, _ = command(*given, cwd=place)
    assert status == 1
    assert json.loads(out) == document


def test_it_prints_nothing_and_writes_the_report(place, capfd):
    sightline.analyze(place / "b.mp4", results=place / "others", report=place / "report.html")
    assert capfd.readouterr() == ("", "")
    assert (place / "report.html").read_text().startswith("<!doctype html>")


@pytest.mark.parametrize("wrong", [
    {"sources": []},
    {"detectors": ["frieze"]},
    {"detectors": []},
    {"settings": {"freeze": {"minimum": 1}}},
    {"settings": {"freeze": 1}},
    {"jobs": 0},
    {"shape": "round"},
    {"device": "tpu"},
    {"device": "auto", "shape": "spread"},
    {"report": "no/such/folder/a.html"},
])  # fmt: skip
def test_wrong_arguments_are_value_errors(tmp_path, wrong):
    with pytest.raises(ValueError, match=r"\w"):
        sightline.analyze(**{"sources": [good()], "results": tmp_path / "results", **wrong})
    assert not (tmp_path / "results").exists()


def test_what_is_promised_is_there():
    assert sorted(sightline.__all__) == ["Batch", "Detector", "Meter", "Metric", "Model", "analyze"]
    assert all(getattr(sightline, name).__doc__ for name in sightline.__all__)

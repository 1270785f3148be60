"""`sightline rejudge` from outside."""

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from actors.reader import Reader
from serve.cli import app
from tests.serve.running import broken, good


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], prog_name="sightline")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    path = tmp_path_factory.mktemp("rejudge") / "results"
    assert run("analyze", broken(), good(), "--results", path).exit_code == 0
    return path


def document(*arguments):
    done = run("rejudge", *arguments, "--json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def test_without_a_set_nothing_changes(results):
    found = document("--results", results)
    assert [found[name] for name in ("appeared", "gone", "moved")] == [[], [], []]
    assert found["same"] >= 3
    assert (found["streams"], found["written"]) == (2, 0)
    assert 0 <= found["seconds"] < found["media_seconds"] * 100


def test_what_changes_is_told_and_nothing_is_written(results):
    for _ in range(2):
        found = document("--results", results, "--set", "black.minimum_seconds=3")
        assert [(one["detector"], one["stream"][:6]) for one in found["gone"]] == [("black", "broken")]
        (moved,) = found["moved"]
        assert moved["before"]["detector"] == "freeze"
        assert moved["before"]["explained_by"] == found["gone"][0]["id"]
        assert moved["after"]["explained_by"] is None


def test_it_is_told_in_words(results):
    said = run("rejudge", "--results", results, "--set", "black.minimum_seconds=3").stdout
    lines = said.splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["gone", "moved", "from"]
    assert "0 appeared, 1 gone, 1 moved" in lines[-1]
    assert "nothing written (--write does)" in lines[-1]


def test_what_is_written_is_what_is_shown_and_is_written_once(tmp_path):
    where = ("--results", tmp_path / "results")
    assert run("analyze", broken(), *where).exit_code == 0
    sets = ("--set", "black.minimum_seconds=3")
    assert document(*where, *sets, "--write")["written"] == 1
    assert document(*where, *sets, "--write")["written"] == 0
    assert document(*where)["gone"] == []
    assert run("verify", *where).exit_code == 0
    shown = json.loads(run("analyze", broken(), *where, *sets, "--json").stdout)["streams"][0]
    assert "black" not in {incident["detector"] for incident in shown["incidents"]}
    back = document(*where, "--set", "black.minimum_seconds=2", "--write")
    assert [one["detector"] for one in back["appeared"]] == ["black"]
    assert back["written"] == 1


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["nowhere"], "there is no stream 'nowhere'"),
        (["--set", "freeze=1"], "DETECTOR.FIELD=VALUE"),
        (["--set", "stalled.seconds=1"], "no rows"),
        (["--detectors", ""], "--detectors"),
        (["--detectors", "freze"], "did you mean 'freeze'"),
    ],
)
def test_wrong_usage_is_told(results, arguments, text):
    done = run("rejudge", "--results", results, *arguments)
    assert done.exit_code == 2
    assert text in done.stderr


def test_a_stream_that_is_not_finished_is_left_out_or_refused(results, monkeypatch):
    known = Reader(str(results)).streams()
    first, second = known
    unfinished = replace(known[first], checkpoint=replace(known[first].checkpoint, summary=None))
    given = {first: unfinished, second: known[second]}
    monkeypatch.setattr(Reader, "streams", lambda self, names=(): {name: given[name] for name in names or given})
    done = run("rejudge", "--results", results, "--json")
    assert json.loads(done.stdout)["streams"] == 1
    assert f"left out: {first} is not finished" in done.stderr
    done = run("rejudge", first, "--results", results)
    assert done.exit_code == 2
    assert f"{first} is not finished" in done.stderr


def test_there_must_be_results(tmp_path):
    done = run("rejudge", "--results", tmp_path / "nothing")
    assert done.exit_code == 1
    assert "holds no results" in done.stderr
    assert not (tmp_path / "nothing").exists()

"""A command changes no file but its results and what it is asked to write, and never writes over what it reads."""

import os
import shutil

import pytest
from typer.testing import CliRunner

from actors.inject import DefectError, inject, parse
from serve.cli import app
from sightline import analyze
from tests.serve.running import good


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], prog_name="sightline")


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(good(), tmp_path / "a.mp4")
    return tmp_path


def said(done):
    return " ".join(done.stderr.replace("│", " ").split())


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["video", "audio", "seconds"])
def test_results_where_a_table_would_lie_on_the_users_folder(place, name):
    (place / name).mkdir()
    (place / "a.mp4").rename(place / name / "master.mp4")
    os.utime(place / name / "master.mp4", (1, 1))
    before = contents(place)
    done = run("analyze", f"{name}/master.mp4", "--results", ".")
    assert (done.exit_code, done.stdout) == (1, "")
    assert said(done).count("name another results folder with --results") == 1
    assert contents(place) == before


def test_files_that_come_into_a_table_later_stay(place):
    assert run("analyze", "a.mp4", "--results", ".").exit_code == 0
    shutil.copy(good(), place / "video" / "master.mp4")
    (place / "video" / "day=2020-01-01").mkdir()
    shutil.copy(good(), place / "video" / "day=2020-01-01" / "b.mp4")
    for path in (place / "video").rglob("*.mp4"):
        os.utime(path, (1, 1))
    before = {name: data for name, data in contents(place).items() if name.endswith(".mp4")}
    assert run("analyze", "a.mp4", "video", "--results", ".").exit_code == 0
    assert len(before) == 3
    assert {name: data for name, data in contents(place).items() if name.endswith(".mp4")} == before


def links(place):
    """Other names of a.mp4."""
    (place / "soft.mp4").symlink_to("a.mp4")
    os.link(place / "a.mp4", place / "hard.mp4")
    (place / "here").symlink_to(".")
    whole, round_about = str(place / "a.mp4"), f"../{place.name}/a.mp4"
    return ["a.mp4", "./a.mp4", round_about, whole, "soft.mp4", "hard.mp4", "here/a.mp4"]


@pytest.mark.parametrize("option", ["--csv", "--report"])
@pytest.mark.parametrize("source", ["a.mp4", ".", "*.mp4", "file://PLACE/a.mp4"])
def test_no_output_is_written_over_a_source(place, option, source):
    names, before = links(place), contents(place)
    for name in names:
        done = run("analyze", source.replace("PLACE", str(place)), option, name)
        assert (done.exit_code, done.stdout) == (2, ""), name
        assert f"{option} {os.path.normpath(name)}: would overwrite" in said(done) or name.startswith("..")
    assert contents(place) == before


def test_no_output_is_written_over_the_manifest(place):
    (place / "list.txt").write_text("a.mp4\n")
    done = run("analyze", "--from", "list.txt", "--csv", "./list.txt")
    assert (done.exit_code, (place / "list.txt").read_text()) == (2, "a.mp4\n")


@pytest.mark.parametrize(("csv", "report"), [("x", "x"), ("x", "./x"), ("x", "link"), ("old", "hard")])
def test_two_outputs_are_two_files(place, csv, report):
    (place / "link").symlink_to("x")
    (place / "old").write_text("old")
    os.link(place / "old", place / "hard")
    done = run("analyze", "a.mp4", "--csv", csv, "--report", report)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "are one file" in said(done)
    assert (place / "old").read_text() == "old"


def test_outputs_may_both_go_nowhere(place):
    assert run("analyze", "a.mp4", "--csv", "/dev/null", "--report", "/dev/null").exit_code == 0


def test_python_writes_no_report_over_a_source(place):
    with pytest.raises(ValueError, match="would overwrite"):
        analyze("a.mp4", report="a.mp4")


def test_inject_writes_over_no_source(place):
    before = contents(place)
    for name in links(place):
        done = run("inject", "a.mp4", name, "--defect", "black")
        assert done.exit_code == 2, name
        assert "overwrite the source" in said(done)
        assert contents(place)["a.mp4"] == before["a.mp4"]


def test_labels_are_written_over_no_source(place):
    (place / "a.mp4").rename(place / "b.mp4.labels.json")
    with pytest.raises(DefectError, match="would overwrite the source"):
        inject(place / "b.mp4.labels.json", place / "b.mp4", [parse("black")])

"""Results that were damaged on disk: one line that names the file and what to do; what is done is still reported."""

import os
import shutil
from contextlib import chdir
from pathlib import Path

import pytest
from typer.testing import CliRunner

from actors.errors import StorageError
from actors.recorder import Recorder
from serve.cli import app
from tests.serve.contract import Document
from tests.serve.running import broken, good


def zeroed(path):
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size // 4)
        file.write(bytes(size // 2))


DAMAGE = {
    "cut": lambda path: os.truncate(path, path.stat().st_size // 2), "empty": lambda path: os.truncate(path, 0),
    "text": lambda path: path.write_text("this is no Parquet\n" * 100), "zeroed": zeroed, "gone": Path.unlink,
}  # fmt: skip


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    path = tmp_path_factory.mktemp("damaged")
    shutil.copy(good(), path / "a.mp4")
    shutil.copy(broken(), path / "b.mp4")
    assert ran(path, "analyze", "a.mp4", "b.mp4", "--results", "whole", "--jobs", "1")[0] == 0
    return path


@pytest.fixture
def place(template):
    """The folder, with results as they were."""
    shutil.rmtree(template / "results", ignore_errors=True)
    shutil.copytree(template / "whole", template / "results")
    return template


def oldest(place, table):
    """The data file of a table that was written first: a's."""
    return min((place / "results" / table).glob("day=*/*.parquet"), key=lambda path: path.stat().st_mtime_ns)


def ran(place, *arguments):
    """A command, in this process; its status, standard output and standard error."""
    with chdir(place):
        done = CliRunner().invoke(app, arguments, prog_name="sightline")
    return done.exit_code, done.stdout, done.stderr


def analysed(place, *arguments):
    return ran(place, "analyze", "a.mp4", "b.mp4", "--results", "results", "--json", "--jobs", "1", *arguments)


def names(line, path, place):
    return str(path.relative_to(place)) in line and f"`sightline verify --results {place}/results`" in line


@pytest.mark.parametrize("how", DAMAGE)
def test_events_that_cannot_be_read(place, how):
    path = oldest(place, "events")
    DAMAGE[how](path)
    status, out, said = analysed(place)
    assert (status, out, said.count("\n")) == (1, "", 1)
    assert names(said, path, place)
    assert ran(place, "verify", "--results", "results")[0] == 1


@pytest.mark.parametrize("how", DAMAGE)
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_measurements_that_are_judged_again(place, how, jobs):
    path = oldest(place, "video")
    DAMAGE[how](path)
    status, out, said = analysed(place, "--set", "black.minimum_seconds=1", "--jobs", jobs)
    a, b = Document.model_validate_json(out).streams
    assert (status, a.status, b.status, b.error) == (1, "failed", "completed", None)
    assert names(a.error, path, place)
    assert f"sightline: {a.error}\n" in said


@pytest.mark.parametrize("how", DAMAGE)
def test_tidying_up(place, how):
    path = oldest(place, "audio")
    DAMAGE[how](path)
    status, out, said = analysed(place, "--fresh")
    assert (status, {stream.status for stream in Document.model_validate_json(out).streams}) == (0, {"completed"})
    assert said.startswith("sightline: results could not be tidied up: ")
    assert said.count("\n") == 1
    assert names(said, path, place)


def test_documents_are_printed_although_storage_fails_later(place, monkeypatch):
    shutil.copy(good(), place / "c.mp4")
    real = Recorder.commit

    def commit(self, units):
        if any(unit.stream.startswith("c-mp4") for unit in units):
            raise StorageError("results: the disk is full")
        real(self, units)

    monkeypatch.setattr(Recorder, "commit", commit)
    given = ("analyze", "a.mp4", "c.mp4", "--results", "results", "--json", "--jobs", "1", "--csv", "found.csv")
    status, out, said = ran(place, *given)
    assert (status, said) == (1, "sightline: results: the disk is full\n")
    assert [stream.source for stream in Document.model_validate_json(out).streams] == ["a.mp4"]
    assert (place / "found.csv").read_text().startswith('"stream"')

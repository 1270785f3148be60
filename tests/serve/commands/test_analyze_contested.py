"""A stream that another run takes over meanwhile: it fails alone, and the others are done."""

import shutil

import pytest
from typer.testing import CliRunner

from actors.recorder import Recorder
from actors.verify import verify
from serve.cli import app
from tests.equal import summaries
from tests.serve.contract import Document
from tests.serve.running import good


@pytest.fixture
def contested(monkeypatch):
    """A rival claims b's stream when its first pictures are about to be committed."""
    real, lost = Recorder.commit, []

    def commit(self, units):
        for unit in units:
            if unit.stream.startswith("b-mp4") and unit.table == "video" and not lost:
                lost.append(unit.stream)
                Recorder(self.uri, {}).claim([unit.stream])
        real(self, units)

    monkeypatch.setattr(Recorder, "commit", commit)
    return lost


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("names", [["b.mp4"], ["a.mp4", "b.mp4", "c.mp4"]])
def test_only_that_stream_fails(tmp_path, monkeypatch, contested, jobs, names):
    monkeypatch.chdir(tmp_path)
    for name in names:
        shutil.copy(good(), tmp_path / name)
    done = CliRunner().invoke(app, ["analyze", *names, "--json", "--jobs", str(jobs)], prog_name="sightline")
    assert (done.exit_code, type(done.exception)) == (1, SystemExit), done.output
    assert contested
    streams = {stream.source: stream for stream in Document.model_validate_json(done.stdout).streams}
    assert list(streams) == names
    assert streams["b.mp4"].status == "failed"
    assert streams["b.mp4"].error == "b.mp4: another run has taken it over; what was committed is whole"
    assert done.stderr == f"sightline: {streams['b.mp4'].error}\n"
    others = [stream for name, stream in streams.items() if name != "b.mp4"]
    assert {stream.status for stream in others} <= {"completed"}
    results = str(tmp_path / "sightline-results")
    assert verify(results) == []
    assert sum(summary is not None for summary in summaries(results).values()) == len(others)
    again = CliRunner().invoke(app, ["analyze", *names, "--json"], prog_name="sightline")
    assert again.exit_code == 0, again.output

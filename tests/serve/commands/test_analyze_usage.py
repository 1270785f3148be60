"""Wrong usage: status 2, one line that names the option and says what is allowed, and nothing is begun."""

import pytest
from typer.testing import CliRunner

from serve.cli import app
from tests.serve.running import command, good


def run(*arguments):
    return CliRunner().invoke(app, ["analyze", *map(str, arguments)], prog_name="sightline")


@pytest.mark.parametrize(("arguments", "said"), [
    ((), ("no source is named", "--from")),
    (("CLIP", "--json", "--jsonl"), ("--json and --jsonl",)),
    (("CLIP", "--shape", "spred"), ("--shape", "'auto', 'fused', 'colocated', 'spread' or 'staged'", "'spred'")),
    (("CLIP", "--shape", "staged"), ("--bucket s3://BUCKET/PREFIX", "SIGHTLINE_BUCKET", "moto_server", ":5000")),
    (("CLIP", "--shape", "staged", "--bucket", "s3://a:hush@b"), ("s3://***@b: is no bucket",)),
    (("CLIP", "--jobs", "0"), ("--jobs", "greater than or equal to 1")),
    (("CLIP", "--jobs", "many"), ("--jobs", "integer")),
    (("CLIP", "--fail-on-incident=bad"), ("--fail-on-incident=bad", "info, warning, critical")),
    (("CLIP", "--detectors", "frieze"), ("frieze", "did you mean 'freeze'", "black")),
    (("CLIP", "--detectors", ","), ("--detectors", "name at least one")),
    (("CLIP", "--set", "freeze"), ("--set freeze", "DETECTOR.FIELD=VALUE")),
    (("CLIP", "--set", "freeze.=1"), ("--set freeze.=1", "DETECTOR.FIELD=VALUE")),
    (("CLIP", "--set", "freeze.minimum=1"), ("freeze", "'minimum'", "minimum_seconds")),
    (("CLIP", "--set", "freeze.minimum_seconds=soon"), ("freeze.minimum_seconds", "soon")),
    (("CLIP", "--set", "freeze.minimum_seconds=nan"), ("freeze.minimum_seconds", "nan")),
    (("CLIP", "--set", "cold.noise=1"), ("cold", "allowed:")),
    (("CLIP", "--from", "nowhere.txt"), ("--from nowhere.txt", "No such file")),
    (("CLIP", "--from", "."), ("--from .", "directory")),
    (("CLIP", "--csv", "no/such/folder/a.csv"), ("--csv no/such/folder/a.csv", "No such file", "folder that is there")),
    (("CLIP", "--csv", "."), ("--csv .", "directory")),
    (("CLIP", "--report", "x" * 300), ("--report xxx", "too long")),
    (("CLIP", "--jsno"), ("--jsno",)),
    (("CLIP", "--results", ""), ("--results", "name a folder")),
    (("CLIP", "--results", "file://"), ("--results", "name a folder")),
])  # fmt: skip
def test_is_refused_before_anything_is_begun(tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    clip = good()
    done = run(*(clip if given == "CLIP" else given for given in arguments))
    assert done.exit_code == 2, done.output
    assert not done.stdout
    for text in said:
        assert text in " ".join(done.stderr.replace("│", " ").split())
    assert not list(tmp_path.iterdir())


def test_a_target_that_can_be_written_is_left_as_it_is_until_the_end(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.csv").write_text("old")
    done = run(good(), "--csv", "old.csv", "--report", "new.html", "--detectors", "none")
    assert done.exit_code == 2
    assert (tmp_path / "old.csv").read_text() == "old"
    assert not (tmp_path / "new.html").exists()


def test_results_that_cannot_be_written_are_one_line_and_status_1(tmp_path):
    (tmp_path / "file").write_text("in the way")
    status, out, said = command("analyze", good(), "--results", "file", "--json", cwd=tmp_path)
    assert (status, out) == (1, "")
    assert said.count("\n") == 1
    assert str(tmp_path / "file") in said


def test_help_names_every_option_of_the_contract():
    said = CliRunner().invoke(app, ["analyze", "--help"], env={"COLUMNS": "200"}).stdout
    for option in (
        "--from", "--include", "--jobs", "--shape", "--detectors", "--results", "--set", "--fresh", "--json", "--jsonl",
        "--csv", "--report", "--fail-on-incident",
    ):  # fmt: skip
        assert option in said


def test_help_says_that_markers_do_not_count():
    said = CliRunner().invoke(app, ["analyze", "--help"], env={"COLUMNS": "400"}).stdout
    assert "Markers (cuts, changes of format) are no incidents" in " ".join(said.replace("│", " ").split())

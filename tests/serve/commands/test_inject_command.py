"""`sightline inject` from outside."""

import json

import pytest
import typer
from typer.testing import CliRunner

from serve.commands.inject import inject
from tests.clips import generated_clip

app = typer.Typer()
app.command()(inject)


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_writes_a_clip_and_labels_that_json_repeats(tmp_path):
    source, target = generated_clip(size=(96, 64)), tmp_path / "out.mp4"
    done = run(source, target, "--defect", "freeze:start=1,length=0.5", "--encode", "gop=12", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == json.loads((tmp_path / "out.mp4.labels.json").read_text())
    assert json.loads(done.stdout)["defects"][0]["start_frame"] == 25


def test_lists_all_defects(tmp_path):
    done = run(generated_clip(size=(96, 64)), tmp_path / "out.mp4", "--defect", "help")
    assert done.exit_code == 0
    assert "dim, noise" in done.stdout
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("arguments", "said"), [
    (("--defect", "freeze:lenght=1"), "lenght"),
    (("--defect", "black:start=9"), "past the end"),
    (("--defect", "black", "--encode", "gop=often"), "gop"),
    (("--defect", "black", "--encode", "speed=9"), "speed"),
])  # fmt: skip
def test_wrong_usage_is_status_2_and_names_what_is_wrong(tmp_path, arguments, said):
    done = run(generated_clip(size=(96, 64)), tmp_path / "out.mp4", *arguments)
    assert done.exit_code == 2
    assert said in done.output
    assert not list(tmp_path.iterdir())

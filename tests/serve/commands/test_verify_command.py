"""`sightline verify` from outside."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from serve.cli import app
from tests.serve.running import good


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], prog_name="sightline")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    path = tmp_path_factory.mktemp("verify") / "results"
    assert run("analyze", good(), "--results", path).exit_code == 0
    return path


def test_a_whole_folder(results):
    done = run("verify", "--results", results)
    assert (done.exit_code, done.stdout) == (0, f"{results}: whole\n")
    document = json.loads(run("verify", "--results", results, "--json").stdout)
    assert document == {"results": str(results), "findings": []}


def test_a_folder_with_a_hole(results, tmp_path):
    shutil.copytree(results, tmp_path / "results")
    next((tmp_path / "results" / "video").rglob("*.parquet")).unlink()
    done = run("verify", "--results", tmp_path / "results", "--json")
    assert done.exit_code == 1
    assert "video" in {finding["table"] for finding in json.loads(done.stdout)["findings"]}


def test_no_results(tmp_path):
    done = run("verify", "--results", tmp_path / "nothing")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [f"sightline: {tmp_path / 'nothing'}: holds no results"]


def test_results_that_name_nothing():
    done = run("verify", "--results", "")
    assert (done.exit_code, done.stderr) == (2, "sightline: name a folder or an s3:// URI for the results\n")

"""`sightline report` from outside."""

import csv
import gzip
import io
import json

import pytest
from typer.testing import CliRunner

from serve.cli import app
from tests.serve.report.reported import results, streams

SINGLE = {"webvtt": "WEBVTT", "edl": "TITLE:", "otio": "{", "qctools": "<?xml", "ebu-qc": "<?xml"}


def run(*arguments):
    return CliRunner().invoke(app, ["report", *map(str, arguments)], prog_name="sightline")


def test_json_and_csv_are_those_of_analyze():
    document = json.loads(run("--results", results(), "--format", "json").stdout)
    assert document["streams"] == [stream.document for stream in streams()]
    rows = list(csv.DictReader(io.StringIO(run("--results", results(), "--format", "csv").stdout)))
    assert [row["id"] for row in rows] == [one["id"] for stream in streams() for one in stream.document["incidents"]]
    assert len(rows) >= 3


@pytest.mark.parametrize(("name", "begins"), SINGLE.items())
def test_a_stream_is_written_in_each_format(name, begins, tmp_path):
    stream, target = streams()[0].name, tmp_path / "out.gz"
    done = run("--results", results(), stream, "--format", name)
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith(begins)
    assert run("--results", results(), stream, "--format", name, "-o", target).exit_code == 0
    assert gzip.decompress(target.read_bytes()).decode() == done.stdout


def test_html_is_the_default(tmp_path):
    target = tmp_path / "report.html"
    assert run("--results", results(), "-o", target).exit_code == 0
    text = target.read_text()
    assert text.startswith("<!doctype html>")
    assert all(stream.name in text for stream in streams())


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--format", "pdf"], "allowed are html, csv, json, webvtt, edl, otio, qctools, ebu-qc"),
        (["--format", "edl"], "is of one stream; name one of: broken-mp4-"),
        (["nowhere"], "there is no stream 'nowhere' in the results; there are: broken-mp4-"),
        (["-o", "/nonexistent/file"], "cannot be written"),
    ],
)
def test_wrong_usage_is_told(arguments, text):
    done = run("--results", results(), *arguments)
    assert done.exit_code == 2
    assert text in done.stderr
    assert done.stdout == ""


def test_there_must_be_results(tmp_path):
    done = run("--results", tmp_path / "nothing")
    assert done.exit_code == 1
    assert "holds no results" in done.stderr

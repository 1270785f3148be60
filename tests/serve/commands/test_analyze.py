"""`sightline analyze` from outside: the contract's document, lines, CSV, page and exit status."""

import csv
import json
import shutil

import pytest
from typer.testing import CliRunner

from serve.cli import app
from tests.serve.contract import Document, Stream
from tests.serve.running import broken, command, good


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with two clips."""
    path = tmp_path_factory.mktemp("analyze")
    shutil.copy(broken(), path / "broken.mp4")
    shutil.copy(good(), path / "good.mp4")
    return path


@pytest.fixture(scope="module")
def first(place):
    """The first run, of both clips, in a process of its own: its status, document and standard error."""
    status, out, said = command("analyze", "good.mp4", "broken.mp4", "--json", "--jobs", "2", cwd=place)
    return status, json.loads(out), said


def again(place, *arguments):
    """Ask for the same results in this process, which analyses nothing anew."""
    given = ("analyze", place / "good.mp4", place / "broken.mp4", "--results", place / "sightline-results", *arguments)
    return CliRunner().invoke(app, [str(each) for each in given], prog_name="sightline")


def test_the_document_is_the_contract_and_in_the_order_of_the_command(first):
    status, document, said = first
    assert (status, said) == (0, "")
    parsed = Document.model_validate(document)
    assert [stream.source for stream in parsed.streams] == ["good.mp4", "broken.mp4"]
    assert {stream.status for stream in parsed.streams} == {"completed"}
    assert parsed.results == "./sightline-results"


def test_what_was_put_in_is_found_where_it_is(first):
    clean, damaged = first[1]["streams"]
    assert not [i for i in clean["incidents"] if i["severity"] != "info"]
    found = {i["detector"]: i for i in damaged["incidents"]}
    assert {"black", "freeze", "silence"} <= set(found)
    for name in ("black", "silence"):
        assert found[name]["start_seconds"] == pytest.approx(1.0, abs=0.05)
        assert found[name]["end_seconds"] == pytest.approx(3.5, abs=0.05)
        assert found[name]["severity"] == "critical"
    assert found["freeze"]["explained_by"] == found["black"]["id"]
    verdicts = {(v["detector"], v["track"]): v["state"] for v in damaged["verdicts"]}
    assert verdicts["black", "v:0"] == verdicts["silence", "a:0"] == "incident"
    assert verdicts["timestamps", "v:0"] == "ok"


def test_the_same_command_again_gives_the_same_and_decodes_nothing(place, first):
    done = again(place, "--json")
    assert done.exit_code == 0, done.output
    streams = json.loads(done.stdout)["streams"]
    for stream, before in zip(streams, first[1]["streams"], strict=True):
        assert stream == {**before, "source": stream["source"]}


def test_lines_are_one_stream_each(place, first):
    done = again(place, "--jsonl", "--jobs", 1)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [Stream.model_validate(line).stream for line in lines] == [s["stream"] for s in first[1]["streams"]]


def test_csv_has_a_row_for_each_incident(place, first, tmp_path):
    (tmp_path / "found.csv").write_text("what was there before, and is longer than nothing")
    assert again(place, "--csv", tmp_path / "found.csv").exit_code == 0
    with (tmp_path / "found.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    incidents = [(s["stream"], i) for s in first[1]["streams"] for i in s["incidents"]]
    assert [(row["stream"], row["id"]) for row in rows] == [(stream, i["id"]) for stream, i in incidents]
    assert [float(row["start_seconds"]) for row in rows] == [i["start_seconds"] for _, i in incidents]


def test_the_table_names_incidents_and_ends_with_totals(place, first):
    lines = again(place).stdout.splitlines()
    assert lines[-1].startswith("2 streams; 00:08.")
    assert "; 2 critical, 0 warnings; 0 failed, 0 cut short; results: " in lines[-1]
    black = next(line for line in lines if " black " in line)
    assert black.split()[:5] == ["00:01.000", "00:03.520", "critical", "black", "v:0"]
    assert any("explained by black" in line for line in lines)
    assert any(line.strip() == "no incidents" for line in lines)


@pytest.mark.parametrize(("given", "status"), [
    ((), 0),
    (("--fail-on-incident=critical",), 3),
    (("--fail-on-incident=warning",), 3),
    (("--fail-on-incident=info", "--detectors", "scene"), 0),  # a cut is no incident
    (("--fail-on-incident=critical", "--detectors", "loudness"), 0),
])  # fmt: skip
def test_the_exit_status_says_whether_an_incident_matters(place, first, given, status):
    assert again(place, *given).exit_code == status


def test_fail_on_incident_alone_means_critical(place, first):
    assert command("analyze", "broken.mp4", "--fail-on-incident", cwd=place)[0] == 3
    assert command("analyze", "good.mp4", "--fail-on-incident", cwd=place)[0] == 0


def test_another_threshold_is_judged_without_decoding(place, first):
    done = again(place, "--json", "--set", "black.minimum_seconds=3")
    streams = json.loads(done.stdout)["streams"]
    assert not [i for i in streams[1]["incidents"] if i["detector"] == "black"]
    freeze = next(i for i in streams[1]["incidents"] if i["detector"] == "freeze")
    assert freeze["explained_by"] is None
    assert streams[1]["usage"]["bytes_direct"] == 0
    assert again(place, "--json").exit_code == 0


def test_only_the_detectors_that_are_asked_for(tmp_path):
    status, out, _ = command("analyze", broken(), "--detectors", "silence,black", "--json", "--fresh", cwd=tmp_path)
    (stream,) = Document.model_validate_json(out).streams
    assert status == 0
    assert {verdict.detector for verdict in stream.verdicts} == {"black", "silence"}
    assert {incident.detector for incident in stream.incidents} == {"black", "silence"}

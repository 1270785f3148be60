"""Sources that are missing, empty, cut short, no media, forbidden or oddly named: a line each, the others are done."""

import json
import os
import shutil
import socket
import tempfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from serve.cli import app
from tests.serve.contract import Document
from tests.serve.running import command, cut_short, good

NOT_UTF8 = b"caf\xe9.mp4"
NEWLINE = "two\nlines [red]and[bold] :smile:.mp4"
FAILED = {
    "missing.mp4": "no such file",
    "empty.mp4": "is empty",
    "text.mp4": "is no media",
    "none": "folder without media",
    "dangling.mp4": "no such file",
    "*.webm": "no such file",
    "x" * 300 + ".mp4": "too long",
    "rtsp://me:s3cr3t@127.0.0.1/x": "what can be read",
    "http://[::1/x.mp4": "not a valid URL",
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    path = tmp_path_factory.mktemp("sources")
    shutil.copy(good(), path / "good.mp4")
    shutil.copy(good(), path / NEWLINE)
    shutil.copy(good(), os.fsencode(path) + b"/" + NOT_UTF8)
    (path / "empty.mp4").touch()
    (path / "text.mp4").write_text("this is no clip\n" * 100)
    (path / "none").mkdir()
    (path / "none" / "notes.txt").write_text("no clip either")
    (path / "dangling.mp4").symlink_to("nowhere")
    cut_short(path / "short.mp4")
    return path


@pytest.fixture(scope="module")
def run(place):
    """One run of everything: status, document, standard error."""
    names = [*FAILED, "short.mp4", "good.mp4", NEWLINE, NOT_UTF8]
    status, out, said = command("analyze", *names, "./good.mp4", "--json", "--jobs", "1", cwd=place)
    return status, Document.model_validate_json(out), said


def test_the_others_are_done(run):
    status, document, _ = run
    assert status == 1
    done = [stream for stream in document.streams if stream.status == "completed"]
    assert [stream.source for stream in done] == ["good.mp4", NEWLINE, r"caf\xe9.mp4"]
    assert all(stream.tracks[0].frames == 50 and stream.error is None for stream in done)


def test_each_that_failed_says_why_in_one_line(run):
    _, document, said = run
    failed = [stream for stream in document.streams if stream.status == "failed"]
    assert len(failed) == len(FAILED)
    for stream, (name, why) in zip(failed, FAILED.items(), strict=True):
        assert why in stream.error
        assert "\n" not in stream.error
        assert f"sightline: {stream.error}\n" in said
        assert stream.source == name.replace("me:s3cr3t", "***")


def test_a_clip_that_is_cut_short_is_partial(run):
    _, document, said = run
    (short,) = [stream for stream in document.streams if stream.status == "partial"]
    assert short.source == "short.mp4"
    assert "cut short" in short.error
    assert short.error in said


def test_one_spelling_of_a_path_is_enough(run):
    assert len(run[1].streams) == len(FAILED) + 4


def test_nothing_secret_is_shown(run):
    _, document, said = run
    assert "s3cr3t" not in document.model_dump_json() + said


MISTYPED = (
    "http://user:Zq7w two@127.0.0.1:1/x.ts", "http://user:Zq7w/ret@127.0.0.1:1/x.ts", "http://user:Zq7w#r@127.0.0.1:1/",
    "http://u'se:\"Zq7w\"@127.0.0.1:1/x.ts", "http://user:Zq7w?ret@127.0.0.1:1/x.ts", "http://Zq7w:80/et@127.0.0.1:1/x",
    "udp://user:80/Zq7w@127.0.0.1:1", "rtsp://Zq7w:a b@127.0.0.1/x", "http://a@b:Zq7w@[::1/x",
)  # fmt: skip


@pytest.mark.parametrize("mode", [("--json",), ("--jsonl",), ()])
def test_a_mistyped_login_is_shown_nowhere(tmp_path, monkeypatch, mode):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("socket.getaddrinfo", unknown)
    outputs = ("--csv", "a.csv", "--report", "a.html", "--jobs", "1")
    done = CliRunner().invoke(app, ["analyze", *MISTYPED, *mode, *outputs], prog_name="sightline")
    assert (done.exit_code, type(done.exception)) == (1, SystemExit)
    written = (tmp_path / "a.csv").read_text() + (tmp_path / "a.html").read_text()
    assert "zq7w" not in (done.output + written).lower()
    assert done.stdout.count("http://***@") >= 6
    assert "***@127.0.0.1:1/x.ts" in written


def unknown(*args, **kwargs):
    raise socket.gaierror(-2, f"{args[0]}: Name or service not known")


def test_names_are_text_and_never_markup_in_tables(place, run):
    status, out, _ = command("analyze", NEWLINE, NOT_UTF8, cwd=place)
    assert status == 0
    assert r"two\x0alines [red]and[bold] :smile:.mp4" in out
    assert r"caf\xe9.mp4" in out


def test_names_of_any_bytes_come_from_a_manifest(place, run):
    names = b"\0".join([os.fsencode(NEWLINE), NOT_UTF8, b""])
    status, out, _ = command("analyze", "--from", "-", "--json", cwd=place, stdin=names)
    assert status == 0
    assert [stream.source for stream in Document.model_validate_json(out).streams] == [NEWLINE, r"caf\xe9.mp4"]


def test_two_sources_that_would_be_one_stream_are_told_apart(tmp_path):
    urls = [f"http://127.0.0.1:1/x.mp4?token={secret}" for secret in ("alpha1", "beta2")]
    status, out, said = command("analyze", *urls, "--json", "--jobs", "1", cwd=tmp_path)
    first, second = Document.model_validate_json(out).streams
    assert status == 1
    assert "same name" in first.error + second.error
    assert not [secret for secret in ("alpha1", "beta2") if secret in out + said]


@pytest.mark.root
def test_what_may_not_be_read_is_said(monkeypatch):
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        shutil.copy(good(), place / "mine.mp4")
        (place / "mine.mp4").chmod(0o600)
        (place / "closed").mkdir(mode=0o700)
        place.chmod(0o777)
        monkeypatch.chdir(place)
        assert CliRunner().invoke(app, ["analyze", "mine.mp4", "--results", "warm"]).exit_code == 0  # all is imported
        os.seteuid(65534)
        try:
            done = CliRunner().invoke(app, ["analyze", "mine.mp4", "closed", "--json"])
        finally:
            os.seteuid(0)
    assert done.exit_code == 1, done.output + repr(done.exception)
    streams = json.loads(done.stdout)["streams"]
    assert [(stream["source"], stream["status"]) for stream in streams] == [
        ("mine.mp4", "failed"), ("closed", "failed"),
    ]  # fmt: skip
    assert all("check its permissions" in stream["error"] for stream in streams)


def test_twenty_thousand_paths_that_are_not_there(tmp_path, monkeypatch):
    """No process is started for them, and the tables learn nothing of them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("cluster.pool.mp.get_context", None)
    lines = [f"archive/tape {number}/clip.mp4" for number in range(20_000)]
    done = CliRunner().invoke(app, ["analyze", "--from", "-", "--jsonl"], input="\n".join(lines))
    assert (done.exit_code, type(done.exception)) == (1, SystemExit), done.output
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert [stream["source"] for stream in said] == lines
    assert {stream["status"] for stream in said} == {"failed"}
    assert not list((tmp_path / "sightline-results").rglob("*.parquet"))

"""Ends that nobody plans: Ctrl-C, a reader that goes away, a terminal on one side only."""

import json
import os
import pty
import shutil
import signal
import subprocess

import pytest

from tests.senders import free_port
from tests.serve.running import DEADLINE, begun, command, good

CLIPS = 12


@pytest.fixture
def place(tmp_path):
    (tmp_path / "clips").mkdir()
    for number in range(CLIPS):
        shutil.copy(good(), tmp_path / "clips" / f"{number:02}.mp4")
    return tmp_path


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_after_ctrl_c_the_same_command_goes_on(place, jobs):
    given = ("analyze", "clips", "--jsonl", "--jobs", jobs)
    with begun(*given, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0) as process:
        assert process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=DEADLINE)
    assert process.returncode == 130, said
    assert said == b"sightline: stopped; run the same command again to go on\n"
    status, out, said = command(*given, cwd=place)
    assert (status, said) == (0, "")
    assert {json.loads(line)["status"] for line in out.splitlines()} == {"completed"}
    assert len(out.splitlines()) == CLIPS
    assert command("verify", cwd=place)[:2] == (0, "./sightline-results: whole\n")


def test_ctrl_c_ends_a_live_stream_and_gives_its_document(tmp_path):
    source = f"udp://127.0.0.1:{free_port()}"
    with begun("analyze", source, "--json", cwd=tmp_path, stdout=subprocess.PIPE) as live:
        while not (tmp_path / "sightline-results" / "events").exists():
            assert live.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            live.wait(timeout=2)
        live.send_signal(signal.SIGINT)
        out, _ = live.communicate(timeout=DEADLINE)
    assert [stream["source"] for stream in json.loads(out)["streams"]] == [source]


@pytest.mark.parametrize("mode", ["--jsonl", "--csv=/dev/null"])
def test_a_reader_that_goes_away_ends_it_quietly(place, mode):
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with begun("analyze", "clips", mode, "--jobs", "1", cwd=place, **pipes) as process:
        assert process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()
        process.wait(timeout=DEADLINE)
    assert process.returncode == 141
    assert said == b""


def test_lines_go_to_their_file_while_the_bar_is_on_the_terminal(place):
    """Rich would send standard output round its bar, to the wrong place."""
    ours, theirs = pty.openpty()
    with (place / "out.jsonl").open("wb") as target:
        process = begun("analyze", "clips", "--jsonl", "--jobs", "1", cwd=place, stdout=target, stderr=theirs)
        os.close(theirs)
        shown = b""
        while True:
            try:
                shown += os.read(ours, 1 << 16)
            except OSError:  # the other side is closed
                break
        assert process.wait(timeout=DEADLINE) == 0
    os.close(ours)
    assert b"analysing" in shown
    assert b"schema" not in shown
    lines = [json.loads(line) for line in (place / "out.jsonl").read_text().splitlines()]
    assert [line["source"] for line in lines] == [f"clips/{number:02}.mp4" for number in range(CLIPS)]

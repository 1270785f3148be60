"""Ends that nobody plans: Ctrl-C, a reader that goes away, a terminal on one side only."""

import json
import os
import pty
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from actors.detectors import DETECTORS
from actors.verify import verify
from tests.senders import HttpServer, UdpSender, bytes_of, clip, free_port, paced, remuxed
from tests.serve.contract import Document
from tests.serve.running import DEADLINE, begun, command, good, watched

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


@pytest.mark.parametrize("seconds", ["1", "60"])
def test_a_live_source_that_never_gives_anything_is_not_healthy(tmp_path, seconds):
    """Ctrl-C ends it and gives its document."""
    source = f"udp://127.0.0.1:{free_port()}"
    given = ("analyze", source, "--json", "--report", "a.html", "--set", f"stalled.seconds={seconds}")
    with begun(*given, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as live:
        while not watched(tmp_path / "sightline-results"):
            assert live.poll() is None
            time.sleep(0.1)
        with pytest.raises(subprocess.TimeoutExpired):
            live.wait(timeout=2.5)
        live.send_signal(signal.SIGINT)
        out, said = live.communicate(timeout=DEADLINE)
    (stream,) = Document.model_validate_json(out).streams
    error = f"{source}: nothing arrived; is it being sent?"
    assert (live.returncode, stream.status, stream.error) == (1, "failed", error)
    assert said.decode() == f"sightline: {error}\n"
    assert error.partition(": ")[2] in (tmp_path / "a.html").read_text()
    verdicts = {verdict.detector: (verdict.track, verdict.state) for verdict in stream.verdicts}
    assert set(verdicts) == set(DETECTORS)
    assert {verdict for name, verdict in verdicts.items() if name != "stalled"} == {("", "unknown")}
    assert verdicts["stalled"] == ("", "incident" if seconds == "1" else "unknown")
    assert [incident.detector for incident in stream.incidents] == (["stalled"] if seconds == "1" else [])
    for incident in stream.incidents:
        assert incident.end_seconds - incident.start_seconds == pytest.approx(incident.peak, abs=0.01)
        assert 2.4 < incident.peak < 60


@pytest.fixture
def channels():
    """The URLs of two senders of a transport stream."""
    data, ports = remuxed(clip("bikes.mp4"), "mpegts"), [free_port(), free_port()]
    with UdpSender(data, 10, ports[0]), UdpSender(data, 10, ports[1]):
        yield [f"udp://127.0.0.1:{port}" for port in ports]


@pytest.mark.parametrize("shape", ["fused", pytest.param("colocated", marks=[pytest.mark.ray, pytest.mark.slow])])
def test_live_streams_leave_room_for_files_and_ctrl_c_ends_them_all(place, channels, shape):
    given = ("analyze", "clips", *channels, "--jsonl", "--jobs", "1", "--shape", shape)
    with begun(*given, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0) as process:
        files = [json.loads(process.stdout.readline()) for _ in range(CLIPS)]
        while len(watched(place / "sightline-results")) < CLIPS + 2:
            assert process.poll() is None
            time.sleep(0.1)
        time.sleep(4)
        process.send_signal(signal.SIGINT)
        out, said = process.communicate(timeout=DEADLINE)
    assert (process.returncode, said) == (0, b"")
    assert {stream["status"] for stream in files} == {"completed"}
    live = [json.loads(line) for line in out.splitlines()]
    assert {stream["source"] for stream in live} == set(channels)
    assert {stream["status"] for stream in live} == {"completed"}
    assert all(stream["tracks"][0]["frames"] > 0 for stream in live)
    assert verify(str(place / "sightline-results")) == []


def test_ctrl_c_gives_the_documents_of_live_streams_although_files_are_not_done(tmp_path, channels):
    with HttpServer() as server:
        server.routes["/slow.ts"] = paced(remuxed(clip("bikes.mp4"), "mpegts"), 60)
        given = ("analyze", server.url("/slow.ts"), "gone.mp4", *channels, "--json", "--jobs", "1")
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with begun(*given, cwd=tmp_path, **pipes) as process:
            while len(watched(tmp_path / "sightline-results")) < 3:
                assert process.poll() is None
                time.sleep(0.1)
            time.sleep(3)
            process.send_signal(signal.SIGINT)
            out, said = process.communicate(timeout=DEADLINE)
    assert process.returncode == 130
    assert said.endswith(b"sightline: stopped; run the same command again to go on\n")
    streams = {stream["source"]: stream["status"] for stream in json.loads(out)["streams"]}
    assert streams == {"gone.mp4": "failed", channels[0]: "completed", channels[1]: "completed"}


def workers(process):
    """The worker processes of a command."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [int(child) for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


def test_the_second_ctrl_c_interrupts(tmp_path):
    silent = [f"udp://127.0.0.1:{free_port()}" for _ in range(2)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with begun("analyze", *silent, "--json", cwd=tmp_path, **pipes) as process:
        while len(watched(tmp_path / "sightline-results")) < 2:
            assert process.poll() is None
            time.sleep(0.1)
        for worker in workers(process):
            os.kill(worker, signal.SIGSTOP)
        process.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=2)
        process.send_signal(signal.SIGINT)
        out, said = process.communicate(timeout=DEADLINE)
    assert (process.returncode, out) == (130, b"")
    assert said == b"sightline: stopped; run the same command again to go on\n"


def test_a_source_that_turns_out_to_be_live_makes_room_for_the_next(place):
    with HttpServer() as server:
        server.routes["/s0.ts"] = bytes_of(remuxed(clip("bikes.mp4"), "mpegts"))
        text = "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\ns0.ts\n"
        server.routes["/live.m3u8"] = bytes_of(text.encode())
        given = ("analyze", server.url("/live.m3u8"), "clips/00.mp4", "--jsonl", "--jobs", "1")
        with begun(*given, cwd=place, stdout=subprocess.PIPE, bufsize=0) as process:
            assert json.loads(process.stdout.readline())["source"] == "clips/00.mp4"
            process.send_signal(signal.SIGINT)
            live = json.loads(process.communicate(timeout=DEADLINE)[0])
    assert (process.returncode, live["status"]) == (0, "completed")
    assert live["tracks"][0]["frames"] > 200


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

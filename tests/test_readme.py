"""The README is run: every command in it, and its Python, beside clips of the names that it uses."""

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.senders import HttpServer, UdpSender, bytes_of, clip, free_port, remuxed
from tests.serve.running import DEADLINE, ENVIRONMENT, ROOT, broken, good

README = (ROOT / "README.md").read_text()
COMMANDS = [
    line for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) for line in block.splitlines() if line.strip()
]
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
TARGETS = [line.split()[1] for line in COMMANDS if line.startswith("make ")]
SHELL = [line for line in COMMANDS if not line.startswith("make ") and "udp://" not in line]
LIVE = [line for line in COMMANDS if "udp://" in line]
INCIDENTS = {3: "--fail-on-incident"}
"""Exit statuses that a command is to have beside 0, by what stands in it."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What the README's reader has: a clip, and an archive."""
    path = tmp_path_factory.mktemp("readme")
    (path / "clip.mp4").write_bytes(broken().read_bytes())
    (path / "archive" / "old").mkdir(parents=True)
    (path / "archive" / "one.mp4").write_bytes(good().read_bytes())
    (path / "archive" / "old" / "two.mp4").write_bytes(broken().read_bytes())
    return path


def environment():
    return {**ENVIRONMENT, "PATH": f"{Path(sys.executable).parent}:{ENVIRONMENT['PATH']}"}


def run(line, folder):
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", line], cwd=folder, env=environment(), capture_output=True, text=True,
        timeout=DEADLINE, check=False,
    )  # fmt: skip


def test_nothing_in_it_goes_untested():
    assert len(SHELL) >= 10
    assert len(LIVE) == len(PYTHON) == 1
    assert {"demo", "test"} <= set(TARGETS)
    assert README.index("```sh\nmake demo") < README.index("```sh\nmake test") < README.index("## Files")


@pytest.mark.parametrize("target", TARGETS)
def test_make_knows_the_target(target):
    done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert ".venv/bin" in done.stdout


@pytest.mark.parametrize("line", SHELL)
def test_a_command_does_what_it_says(line, folder):
    with HttpServer() as server:
        server.routes["/clip.mp4"] = bytes_of((folder / "clip.mp4").read_bytes())
        done = run(line.replace("http://127.0.0.1:8000", server.url("").rstrip("/")), folder)
    expected = next((status for status, option in INCIDENTS.items() if option in line), 0)
    assert done.returncode == expected, done.stdout + done.stderr
    assert done.stdout
    assert "Traceback" not in done.stderr
    for named in re.findall(r"--(?:csv|report) (\S+)", line):
        assert (folder / named).stat().st_size > 100


@pytest.mark.parametrize("line", LIVE)
def test_a_live_stream_is_watched_until_it_is_stopped(line, folder):
    port = free_port()
    line = line.replace("udp://127.0.0.1:5000", f"udp://127.0.0.1:{port}") + " --json"
    data = remuxed(clip("bikes.mp4"), "mpegts")
    with UdpSender(data, 10, port):
        running = subprocess.Popen(
            ["bash", "-c", f"exec {line}"], cwd=folder, env=environment(), stdout=subprocess.PIPE, text=True
        )
        try:
            time.sleep(5)
            running.send_signal(signal.SIGINT)
            said, _ = running.communicate(timeout=30)
        finally:
            running.kill()
    assert running.returncode == 0
    assert '"frames"' in said


@pytest.mark.parametrize("code", PYTHON)
def test_the_python_runs(code, folder):
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment(), capture_output=True, text=True, timeout=DEADLINE,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "black" in done.stdout

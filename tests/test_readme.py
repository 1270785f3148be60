"""The README is run: every command in it, and its Python, beside clips of the names that it uses."""

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.senders import HttpServer, UdpSender, bytes_of, clip, free_port, remuxed
from tests.serve.running import DEADLINE, ENVIRONMENT, ROOT, broken, good, watched

README = (ROOT / "README.md").read_text()


def commands(text):
    """Lines of its shell blocks."""
    return [line for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) for line in block.splitlines() if line]


SEVERAL = commands(README[README.index("### Several machines") : README.index("## API")])
"""These are run on hosts of their own, by tests/hosts."""
ON_A_CLUSTER = [
    line for line in commands(README[README.index("## Cluster") : README.index("## Costs")]) if line not in SEVERAL
]  # fmt: skip
"""These are run one after the other, on one cluster."""
COMMANDS = [line for line in commands(README) if line not in ON_A_CLUSTER + SEVERAL]
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
    assert len(ON_A_CLUSTER) >= 14
    assert ON_A_CLUSTER[0].startswith("sightline demo")
    assert {"demo", "test"} <= set(TARGETS)
    assert README.index("```sh\nmake demo") < README.index("```sh\nmake test") < README.index("## Files")


@pytest.mark.parametrize("target", TARGETS)
def test_make_knows_the_target(target):
    done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert ".venv/bin" in done.stdout


@pytest.mark.parametrize(
    "line", [pytest.param(line, marks=pytest.mark.slow) if " compare " in line else line for line in SHELL]
)
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
    before = watched(folder / "sightline-results", "video")
    with UdpSender(data, 10, port):
        running = subprocess.Popen(
            ["bash", "-c", f"exec {line}"], cwd=folder, env=environment(), stdout=subprocess.PIPE, text=True
        )
        try:
            while watched(folder / "sightline-results", "video") == before:
                assert running.poll() is None
                time.sleep(0.1)
            running.send_signal(signal.SIGINT)
            said, _ = running.communicate(timeout=120)
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


@pytest.mark.ray
@pytest.mark.timeout(600)
def test_what_is_said_of_a_cluster_is_so(folder, tmp_path):
    """The demo; then all between `up` and `down`, and what the section on the API says, while it is up."""
    (folder / "jobs.yaml").write_text("streams:\n  - {source: archive/one.mp4, name: one}\n")
    port, udp, known = free_port(), free_port(), {**environment(), "XDG_STATE_HOME": str(tmp_path)}
    known.pop("RAY_ADDRESS", None)

    def said(line):
        """What a command prints. Ports are others, and what goes on until Ctrl-C is stopped soon."""
        line = line.replace("8080", str(port)).replace("5000", str(udp))
        line += f" --port {port}" if line.startswith(("sightline up", "sightline demo")) else ""
        line = f"timeout -s INT 4 {line}" if line == "sightline watch" else line
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", line], cwd=folder, env=known, capture_output=True, text=True,
            timeout=DEADLINE, check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        assert done.returncode in ((0, 124) if "timeout" in line else (0,)), line + done.stdout + done.stderr
        return done.stdout

    demo, down = ON_A_CLUSTER[0], "sightline down"
    assert "black" in said(demo)
    try:
        results = {line: said(line) for line in ON_A_CLUSTER[1:] if line != down}
    finally:
        assert "down" in said(down)
    assert "completed" in results["sightline submit clip.mp4 --name clip --wait"]
    assert "freeze" in results["sightline events --severity critical"]
    (streams,) = [text for line, text in results.items() if line.endswith("/v1/streams")]
    assert {"clip", "one"} <= {item["stream"] for item in json.loads(streams)["items"]}
    (job,) = [text for line, text in results.items() if line.endswith("/v1/jobs")]
    assert [stream["stream"] for stream in json.loads(job)["streams"]] == ["channel-one"]
    (feed,) = [text for line, text in results.items() if "/v1/events" in line]
    assert "id: 0." in feed

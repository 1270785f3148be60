"""`sightline up --block` stays as long as what it started, which a signal ends. Its Ray is a process that sleeps."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cluster.head import Head, alive
from tests.serve.running import DEADLINE, ENVIRONMENT, command

SCRIPT = """
import os, subprocess, sys
from serve.client.local_state import LocalState
from serve.commands import up

def start(*asked):
    mark = f"of-{os.getpid()}"
    head = subprocess.Popen(["sleep", "600"], env={**os.environ, "SIGHTLINE_HEAD": mark}, start_new_session=True)
    return LocalState(url="http://127.0.0.1:1", results="r", pid=head.pid, mark=mark, address="", folder="")

up._start, up._LOOK_SECONDS = start, 0.05
from serve.cli import main
sys.argv = ["sightline", "up", "--block"]
main()
"""


@pytest.fixture
def staying(tmp_path):
    environment = {**ENVIRONMENT, "XDG_STATE_HOME": str(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT], env=environment, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    assert process.stdout.readline().startswith("up: ")
    process.stdout.readline()
    yield process
    process.kill()
    process.communicate()


def sleeper(process):
    return int(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_what_it_started(staying, tmp_path, number):
    head = Head(sleeper(staying), f"of-{staying.pid}", "", "", "")
    assert alive(head)
    staying.send_signal(number)
    said, wrong = staying.communicate(timeout=DEADLINE)
    assert (staying.returncode, said, wrong) == (0, "down: http://127.0.0.1:1\n", "")
    assert not (tmp_path / "sightline/up.json").exists()
    assert not alive(head)


def test_it_fails_where_ray_ends_by_itself(staying):
    os.kill(sleeper(staying), signal.SIGKILL)
    _, wrong = staying.communicate(timeout=DEADLINE)
    assert staying.returncode == 1
    assert wrong.startswith("sightline: Ray has ended; see ")


def test_a_ray_that_is_joined_cannot_be_waited_for(tmp_path):
    status, _, wrong = command("up", "--block", "--address", "127.0.0.1:1", cwd=tmp_path)
    assert status == 2
    assert "--block" in wrong


def test_a_ray_of_this_machine_alone_has_no_other_to_serve_the_api(tmp_path):
    status, _, wrong = command("up", "--api-machines", "2", cwd=tmp_path)
    assert (status, wrong.count("\n")) == (2, 1)
    assert "--api-machines" in wrong
    assert "--address" in wrong


@pytest.mark.parametrize("host", [(), ("--host", "192.0.2.10")])
def test_machines_that_serve_the_api_need_an_address_that_each_of_them_has(tmp_path, host):
    status, _, wrong = command("up", "--address", "127.0.0.1:1", "--api-machines", "2", *host, cwd=tmp_path)
    assert (status, wrong.count("\n")) == (2, 1)
    assert "--host 0.0.0.0" in wrong

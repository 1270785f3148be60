"""A Ray of our own on this machine: its head started as a process that holds all of it, and ended by its id."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 90.0
STOP_SECONDS = 3.0
"""What each step of an ending may take: asked to, told to, and gone."""

_MARK = "SIGHTLINE_HEAD"


class HeadError(Exception):
    """Ray could not be started; the text says where its log is."""


@dataclass(frozen=True, slots=True)
class Head:
    """A running head.

    ``mark`` is in the environment of every process of it, ``folder`` holds its temporary files, sockets and logs.
    """

    pid: int
    mark: str
    address: str
    dashboard: str
    folder: str


def start(log: Path, environment: Mapping[str, str], cpus: int | None, store_bytes: int) -> Head:
    """Start a head, in a session of its own, and wait until it answers.

    Args:
        log: Where it says how it started.
        environment: Added to this process's (see :func:`cluster.loopback.environment`).
        cpus: Logical processors; the machine's if None.
        store_bytes: Of the object store.

    Raises:
        HeadError: It ended, or does not answer.
    """
    mark, folder = secrets.token_hex(16), tempfile.mkdtemp(prefix="sl-")
    port, dashboard, agent, client, metrics = _free_ports(5)
    command = [
        sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", "--node-ip-address=127.0.0.1",
        f"--port={port}", "--dashboard-host=127.0.0.1", f"--dashboard-port={dashboard}",
        f"--dashboard-agent-listen-port={agent}", f"--ray-client-server-port={client}",
        f"--metrics-export-port={metrics}", f"--temp-dir={folder}", f"--object-store-memory={store_bytes}",
        "--disable-usage-stats", *([] if cpus is None else [f"--num-cpus={cpus}"]),
    ]  # fmt: skip
    pid = os.posix_spawn(
        sys.executable, command, {**os.environ, **environment, _MARK: mark}, setsid=True,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
    )  # fmt: skip
    head = Head(pid, mark, f"127.0.0.1:{port}", f"http://127.0.0.1:{dashboard}", folder)
    until = time.monotonic() + START_SECONDS
    while not log.exists() or "block forever" not in log.read_text(errors="replace"):
        if os.waitpid(pid, os.WNOHANG)[0]:
            raise HeadError(f"Ray ended as it started; see {log}")
        if time.monotonic() > until:
            stop(head)
            raise HeadError(f"Ray has not started within {START_SECONDS:.0f} s; see {log}")
        time.sleep(0.1)
    return head


def alive(head: Head) -> bool:
    """Whether its process is there, and is still that one."""
    return head.pid in _processes(head.mark)


def stop(head: Head) -> bool:
    """End a head and all that it started; False: all of it was gone already.

    Ray would first let its workers end as they like, which takes half a minute. Nothing of ours needs that: what is
    committed is whole at any moment.
    """
    there = _processes(head.mark)
    if head.pid in there:
        _signal([head.pid], signal.SIGTERM)
        _wait(head)
    for _ in range(2):
        _signal(_processes(head.mark), signal.SIGKILL)
        _wait(head)
    if there and head.folder:
        shutil.rmtree(head.folder, ignore_errors=True)
    return bool(there)


def _wait(head: Head) -> None:
    until = time.monotonic() + STOP_SECONDS
    while time.monotonic() < until and _processes(head.mark):
        time.sleep(0.1)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(head.pid, os.WNOHANG)


def _signal(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _processes(mark: str) -> list[int]:
    """Living processes of this user that have the mark in their environment."""
    wanted = f"{_MARK}={mark}".encode()
    found = []
    for entry in Path("/proc").iterdir() if mark else ():
        with contextlib.suppress(OSError):  # not ours, or gone
            if entry.name.isdigit() and wanted in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
    return found


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]

"""A Ray that only this machine reaches: what must be in the environment before ``ray`` is imported."""

from __future__ import annotations

import importlib
import os
import secrets
import sys
from pathlib import Path
from typing import Any

_LOOPBACK = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"


def environment(token: Path) -> dict[str, str]:
    """Variables for every process of such a Ray and for those that connect to it.

    Ray binds its servers to all addresses unless its node's own address is the loopback one, which it takes only where
    clusters of several machines are switched off (docs/decisions/0010-ray-on-the-loopback.md).

    Ray runs what it starts at a niceness of 15, where decoders would fall behind whatever else the machine does.

    Args:
        token: The file that holds the token which every call must carry.
    """
    return {
        _LOOPBACK: "0", "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token),
        "RAY_USAGE_STATS_ENABLED": "0", "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0", "RAY_DEDUP_LOGS": "0",
        "RAY_free_objects_period_milliseconds": "50", "RAY_SERVE_CONTROL_LOOP_INTERVAL_S": "0.5",
        "RAY_worker_niceness": "0",
    }  # fmt: skip


def write_token(path: Path) -> None:
    """A new token of 256 bits, which only this user may read. One that is there stays."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_hex(32))


def close_replica() -> None:
    """Keep a replica of Ray Serve, in whose process this is called as it begins, from listening to other machines.

    Ray 2.60 opens a server for calls between deployments on all addresses of every replica, asks for no token there,
    and unpickles what comes. Nothing of ours calls it: it is bound to the loopback.
    """
    replica: Any = importlib.import_module("ray.serve._private.replica")
    add_port = replica.add_port_to_grpc_server
    replica.add_port_to_grpc_server = lambda server, address: add_port(server, address.replace("[::]", "127.0.0.1"))


def keep_quiet() -> None:
    """Keep Ray's own messages off standard output, which is the command's: it prints those on deaths of actors there.

    Ray 2.60 does so whatever it is told to log.
    """
    worker: Any = importlib.import_module("ray._private.worker")
    worker._worker_logs_enabled = False


def start_no_api() -> None:
    """Keep a Ray that this process starts from starting the server of its dashboard's interface: nobody asks there.

    Ray 2.60 starts it without a dashboard, too: a second, and two of a processor, at each start.
    """
    node: Any = importlib.import_module("ray._private.node")
    node.Node.start_api_server = lambda _, **options: None


def prepare(token: Path) -> None:
    """Put the variables into this process's environment.

    Raises:
        RuntimeError: Ray is imported already, and has read them.
    """
    if "ray" in sys.modules:
        raise RuntimeError("ray is imported already: run this in a process of its own")
    os.environ.pop("RAY_ADDRESS", None)
    os.environ.update(environment(token))

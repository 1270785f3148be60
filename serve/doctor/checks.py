"""All checks, in the order in which they are told."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from serve.client import address, local_state
from serve.doctor import authentication, codecs, gpu, memory, ports, rays, results, server, upload, versions
from serve.doctor.finding import Finding
from serve.terminal.exits import CommandFailedError


def run(uri: str, host: str, port: int, url: str | None, store_bytes: int) -> Iterator[Finding]:
    """Look at everything. Nothing is changed, and nobody is asked who is not named.

    Args:
        uri: Of the results.
        host: What `sightline up` is to listen on.
        port: The port for it.
        url: Of an API elsewhere; None for what `sightline up` started, if it did.
        store_bytes: Of the object store that `sightline up` asks for.

    Raises:
        UsageError: The URL is none, or SIGHTLINE_API_KEY is no key.
    """
    try:
        up, broken = local_state.read(), None
    except CommandFailedError as error:
        up, broken = None, Finding("state of `sightline up`", "problem", str(error), "Delete that file.")
    there = address.known(url) if url is not None or up is not None else None
    yield from versions.judge(versions.look(), versions.running())
    yield from codecs.judge(codecs.look())
    yield gpu.judge(gpu.look())
    yield results.judge(results.attempt(uri))
    yield from map(results.judge_room, results.rooms(uri))
    yield memory.judge_shared(memory.shared_memory(), store_bytes)
    yield memory.judge_files(memory.open_files())
    yield from [] if broken is None else [broken]
    yield from _reached(host, port, up)
    yield from server.judge(None if there is None else server.look(there), _own_version())
    yield upload.judge(upload.look(Path.cwd()))


def _reached(host: str, port: int, up: local_state.LocalState | None) -> Iterator[Finding]:
    """Ports, and who is let in."""
    folder = local_state.path().parent
    yield ports.judge(ports.attempt(host, port, ours=up is not None and rays.port_of(up.url) == port))
    own = rays.port_of(str((up.model_extra or {}).get("dashboard", ""))) if up is not None else None
    yield rays.judge(rays.look(ports.listening(), {rays.DASHBOARD, own or rays.DASHBOARD}))
    yield authentication.judge_token(authentication.look(os.environ, folder / "token"))
    yield authentication.judge_keys(host, authentication.keys(folder / "keys.json"))


def _own_version() -> str | None:
    try:
        return version("sightline")
    except PackageNotFoundError:
        return None

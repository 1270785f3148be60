"""Starts and ends what runs on a Ray that this process is connected to."""

from __future__ import annotations

import time
from typing import Any

import ray
from ray.exceptions import ActorUnavailableError, GetTimeoutError

from actors.remote import NAMESPACE, ON_HEAD
from actors.trust import Trust
from cluster import cell as cells
from cluster import recording
from cluster.settings import Chunks, Placement, Supervision
from cluster.supervisor import NAME, Supervisor

CALL_SECONDS = 60.0
"""What any call to the supervisor may take, and its being started again."""
_LOOK_SECONDS = 0.1


def start(
    uri: str, trust: Trust, placement: Placement | None = None, supervision: Supervision | None = None,
    chunks: Chunks | None = None,
) -> Any:  # fmt: skip
    """The supervisor's handle; it is started if there is none.

    One that trusts otherwise is ended with all that it runs: decoders keep to what they were told when they began.

    Raises:
        RayError: The one that there is does not answer, or does not end.
    """
    there = cells.handle(NAME)
    if there is not None and _trusted(there) != trust:
        stop()
        _await_end()
    return ray.remote(Supervisor).options(
        name=NAME, namespace=NAMESPACE, lifetime="detached", max_restarts=-1, max_concurrency=8, get_if_exists=True,
        **ON_HEAD,
    ).remote(uri, trust, placement, supervision, chunks)  # fmt: skip


def _trusted(supervisor: Any) -> Trust:
    """What a supervisor trusts. After its machine was off it is started again, and refuses calls until it is there."""
    until = time.monotonic() + CALL_SECONDS
    while True:
        try:
            trust: Trust = ray.get(supervisor.trust.remote(), timeout=CALL_SECONDS)
        except ActorUnavailableError:
            if time.monotonic() > until:
                raise
            time.sleep(_LOOK_SECONDS)
        else:
            return trust


def _await_end() -> None:
    """Wait until a supervisor that was killed is gone, and its name is free."""
    until = time.monotonic() + CALL_SECONDS
    while cells.handle(NAME) is not None:
        if time.monotonic() > until:
            raise GetTimeoutError("the supervisor before does not end")
        time.sleep(_LOOK_SECONDS)


def supervisor() -> Any:
    """The supervisor's handle.

    Raises:
        ValueError: There is none.
    """
    return ray.get_actor(NAME, namespace=NAMESPACE)


def stop() -> None:
    """End the supervisor, every cell and the recorder; what is committed stays."""
    cells.end(NAME)
    for cell in cells.cells(Placement().decoder_cpus):
        cells.remove(cell.name)
    cells.end(recording.NAME)

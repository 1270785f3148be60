"""Starts and ends what runs on a Ray that this process is connected to."""

from __future__ import annotations

from typing import Any

import ray

from actors.remote import NAMESPACE
from cluster import cell as cells
from cluster import recording
from cluster.settings import Placement, Supervision
from cluster.supervisor import NAME, Supervisor

CALL_SECONDS = 60.0
"""What any call to the supervisor may take."""


def start(uri: str, placement: Placement | None = None, supervision: Supervision | None = None) -> Any:
    """The supervisor's handle; it is started if there is none."""
    return ray.remote(Supervisor).options(
        name=NAME, namespace=NAMESPACE, lifetime="detached", max_restarts=-1, num_cpus=0, max_concurrency=8,
        get_if_exists=True,
    ).remote(uri, placement, supervision)  # fmt: skip


def supervisor() -> Any:
    """The supervisor's handle.

    Raises:
        ValueError: There is none.
    """
    return ray.get_actor(NAME, namespace=NAMESPACE)


def stop() -> None:
    """End the supervisor, every cell and the recorder; what is committed stays."""
    cells.end(NAME)
    for cell in cells.cells():
        cells.remove(cell.name)
    cells.end(recording.NAME)

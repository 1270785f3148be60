"""What Ray itself has moved: its own counters of the bytes of objects, read from every node's metrics."""

from __future__ import annotations

import re
import time
import urllib.request
from dataclasses import astuple, dataclass

ANSWER_SECONDS = 10.0
REPORT_SECONDS = 12.0
"""Within which whatever was moved is in the metrics: Ray reports every 10 s."""

_SAMPLE = re.compile(r"(?P<name>ray_\w+)\{(?P<labels>[^}]*)\} (?P<value>\S+)")


@dataclass(frozen=True, slots=True)
class Moved:
    """Bytes of objects that a node has received from others, and pushed to others, and written to its disk."""

    received: int = 0
    pushed: int = 0
    spilled: int = 0

    def __add__(self, other: Moved) -> Moved:
        return Moved(*(mine + its for mine, its in zip(astuple(self), astuple(other), strict=True)))

    def __sub__(self, other: Moved) -> Moved:
        return Moved(*(mine - its for mine, its in zip(astuple(self), astuple(other), strict=True)))


def read(text: str) -> Moved:
    """What a node's metrics say, in the format of Prometheus. Pure."""
    found = Moved()
    for sample in _SAMPLE.finditer(text):
        name, labels, value = sample["name"], sample["labels"], round(float(sample["value"]))
        if name == "ray_object_manager_bytes" and 'Type="Received"' in labels:
            found += Moved(received=value)
        elif name == "ray_object_manager_bytes" and 'Type="Pushed' in labels:
            found += Moved(pushed=value)
        elif name == "ray_spill_manager_objects_bytes" and 'State="Spilled"' in labels:
            found += Moved(spilled=value)
    return found


def moved() -> dict[str, Moved]:
    """Of every living node, by its id, since it began. Ray reports late: see :func:`settled`.

    Raises:
        OSError: A node's metrics cannot be read.
    """
    import ray

    alive = [node for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
    found = {}
    for node in alive:
        url = f"http://{node['NodeManagerAddress']}:{node['MetricsExportPort']}/metrics"
        with urllib.request.urlopen(url, timeout=ANSWER_SECONDS) as answer:
            found[node["NodeID"]] = read(answer.read().decode())
    return found


def settled() -> dict[str, Moved]:
    """As :func:`moved`, once all that was moved before the call is in it.

    Raises:
        OSError: A node's metrics cannot be read.
    """
    time.sleep(REPORT_SECONDS)
    return moved()

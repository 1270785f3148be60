"""The machine that something was measured on."""

from __future__ import annotations

import os
import platform
from pathlib import Path

_GIB = 2**30


Facts = dict[str, str | int | float]


def machine() -> Facts:
    """``processor``, ``cores``, ``memory_bytes``, ``system``, ``python``, and ``load`` of the last minute."""
    return {
        "processor": _processor(), "cores": os.cpu_count() or 1,
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), "system": platform.system(),
        "python": platform.python_version(), "load": round(os.getloadavg()[0], 1),
    }  # fmt: skip


def described(facts: Facts) -> str:
    """The same in one line."""
    memory = int(facts["memory_bytes"]) / _GIB
    return (
        f"{facts['processor']}, {facts['cores']} cores, {memory:.0f} GiB, {facts['system']}, Python {facts['python']}, "
        f"load {facts['load']}"
    )


def _processor() -> str:
    """The processor's name, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())

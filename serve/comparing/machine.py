"""The machine that something was measured on."""

from __future__ import annotations

import os
import platform
from pathlib import Path

_GIB = 2**30


def machine() -> dict[str, str | int]:
    """``processor``, ``cores``, ``memory_bytes``, ``system`` and ``python``."""
    return {
        "processor": _processor(), "cores": os.cpu_count() or 1,
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), "system": platform.system(),
        "python": platform.python_version(),
    }  # fmt: skip


def described(facts: dict[str, str | int]) -> str:
    """The same in one line."""
    memory = int(facts["memory_bytes"]) / _GIB
    return (
        f"{facts['processor']}, {facts['cores']} cores, {memory:.0f} GiB, {facts['system']}, Python {facts['python']}"
    )


def _processor() -> str:
    """The processor's name, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())

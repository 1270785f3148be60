"""Timing of whole commands, and the machine that they ran on."""

import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """What one run of a command took, by the operating system: it and its children."""

    cpu_seconds: float
    wall_seconds: float
    peak_mib: float


def cost(command):
    """Run a command to its end; its output is thrown away."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    error = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}: status {process.returncode}\n{error.decode()}")
    scale = 1 << 10 if sys.platform == "linux" else 1 << 20
    return Cost(usage.ru_utime + usage.ru_stime, time.perf_counter() - began, usage.ru_maxrss / scale)


def side_by_side(commands, runs):
    """Run several commands in turn, ``runs`` times after one warm-up, so that a drifting machine hits all alike."""
    for command in commands.values():
        cost(command)
    seen = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            seen[name].append(cost(command))
    return {
        name: Cost(*(statistics.median(getattr(c, field) for c in costs) for field in
                     ("cpu_seconds", "wall_seconds", "peak_mib")))
        for name, costs in seen.items()
    }  # fmt: skip


def machine():
    """One line on the machine."""
    known = Path("/proc/cpuinfo")
    lines = known.read_text().splitlines() if known.exists() else []
    model = next((line.split(":", 1)[1].strip() for line in lines if "model name" in line), platform.processor())
    memory = resource.getpagesize() * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}, "
        f"load {os.getloadavg()[0]:.1f}"
    )

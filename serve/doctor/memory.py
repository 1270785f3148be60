"""What the system grants to a process: shared memory for Ray's object store, and open files."""

from __future__ import annotations

import resource
import shutil
from pathlib import Path

from serve.doctor.finding import Finding
from serve.doctor.results import gib

SHARED = Path("/dev/shm")
FEW_FILES = 4096
"""Below which Ray 2.60 warns of connections that fail; it raises the soft limit to the hard one, to 65536 at most."""
ENOUGH_FILES = 65536


def shared_memory(folder: Path = SHARED) -> int | None:
    """Bytes that are free there; None where the system has none."""
    return shutil.disk_usage(folder).free if folder.is_dir() else None


def open_files() -> int:
    """The hard limit on open files of a process; -1: there is none."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def judge_shared(free: int | None, store_bytes: int) -> Finding:
    """``store_bytes``: of the object store that `sightline up` asks for."""
    check = "shared memory"
    if free is None:
        return Finding(check, "skipped", "this system has no /dev/shm; Ray's object store lies in files")
    found = f"{gib(free)} free in {SHARED}, and `sightline up` asks for {gib(store_bytes)}"
    if free >= store_bytes:
        return Finding(check, "ok", found)
    remedy = f"In a container give --shm-size={2 * store_bytes >> 30}g; Ray shares frames through files otherwise."
    return Finding(check, "warning", found, remedy)


def judge_files(hard: int) -> Finding:
    """A cluster's processes have many connections."""
    if hard < 0 or hard >= FEW_FILES:
        return Finding("open files", "ok", "without limit" if hard < 0 else f"up to {hard} of a process")
    remedy = f"Set `ulimit -Hn {ENOUGH_FILES}` before `sightline up` or `ray start`: connections fail otherwise."
    return Finding("open files", "warning", f"only {hard} of a process", remedy)

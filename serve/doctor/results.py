"""Where results go: whether an object can be written there, read back and removed, and how much room there is."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from serve.doctor.finding import Finding

CHECK = "results"
FULL_BYTES, LITTLE_BYTES = 256 << 20, 2 << 30
"""Free on a disk, below which an analysis may not end, or a live stream's evidence (32 MiB each) soon not be kept."""
SPILLED_SHARE = 0.95
"""Of the disk of temporary files: Ray 2.60 writes no objects there where more is used (local_fs_capacity_threshold)."""

IMPATIENT = {"timeout": "10s", "connect_timeout": "5s", "max_retries": "1", "retry_timeout": "10s"}
"""Of a bucket's client: a doctor is not to wait as long as work in progress does."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of the object. ``where`` has no secret; ``failure`` is None where all went well."""

    where: str
    failure: str | None = None
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes of a disk. ``use``: what it is for. ``spilled``: Ray puts objects there."""

    use: str
    where: str
    free: int
    total: int
    spilled: bool = False


def attempt(uri: str) -> Tried:
    """Try it under a results URI. Nothing is left there, and no folder is made."""
    from actors.storage import FAILURES, located, one_line, remedy
    from actors.url import shown

    where, data = located(uri), secrets.token_bytes(64)
    try:
        (_in_bucket if "://" in where else _in_folder)(where, data)
    except (*FAILURES, ValueError) as error:
        return Tried(shown(where), shown(one_line(error)), remedy(error))
    return Tried(shown(where))


def _in_folder(where: str, data: bytes) -> None:
    folder = existing(Path(where))
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".sightline-doctor-") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
        if Path(file.name).read_bytes() != data:
            raise OSError(f"{folder}: what was written reads back as something else")


def _in_bucket(where: str, data: bytes) -> None:
    from actors.storage import filesystem

    files, name = filesystem(where, IMPATIENT), f".sightline-doctor-{secrets.token_hex(8)}"
    # deltalake's file takes bytes, and pyarrow gives it some only from a buffer that is not full.
    with files.open_output_stream(name, buffer_size=len(data) + 1) as out:
        out.write(data)
    try:
        with files.open_input_file(name) as file:
            if file.read() != data:
                raise OSError("what was written reads back as something else")
    finally:
        files.delete_file(name)


def existing(folder: Path) -> Path:
    """A folder, or the one in which it would be made."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def rooms(uri: str) -> list[Room]:
    """The disk of the results, if they lie in a folder that can be looked at, and that of temporary files."""
    from actors.storage import located

    where, found = located(uri), []
    if "://" not in where:
        with suppress(OSError):  # which :func:`attempt` has told
            found.append(_room("results", existing(Path(where)), spilled=False))
    return [*found, _room("temporary files", Path(tempfile.gettempdir()), spilled=True)]


def _room(use: str, folder: Path, *, spilled: bool) -> Room:
    disk = shutil.disk_usage(folder)
    return Room(use, str(folder), disk.free, disk.total, spilled)


def judge(tried: Tried) -> Finding:
    """Results that cannot be kept are the one thing no command can do without."""
    if tried.failure is None:
        return Finding(CHECK, "ok", f"{tried.where}: an object was written, read back and removed")
    remedy = tried.remedy or "see that it can be reached and written, or name another place by --results"
    return Finding(CHECK, "problem", f"{tried.where}: {tried.failure}", f"{remedy[0].upper()}{remedy[1:]}.")


def judge_room(room: Room) -> Finding:
    """Room on one disk."""
    check = f"disk of {room.use}"
    found = f"{room.where}: {gib(room.free)} free of {gib(room.total)}"
    if room.free < FULL_BYTES:
        return Finding(check, "problem", found, "Free some space, or name another place.")
    if room.free < LITTLE_BYTES:
        return Finding(check, "warning", found, f"Free some space: {gib(LITTLE_BYTES)} are soon used.")
    if room.spilled and room.free < (1 - SPILLED_SHARE) * room.total:
        why = f"Ray puts no objects on a disk of which more than {SPILLED_SHARE:.0%} is used"
        return Finding(check, "warning", found, f"Free some space, or set TMPDIR to another disk: {why}.")
    return Finding(check, "ok", found)


def gib(size: int) -> str:
    """Bytes, for people."""
    return f"{size / (1 << 30):.1f} GiB"

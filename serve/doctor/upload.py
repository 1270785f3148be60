"""What ``ray job submit --working-dir .`` would send from here."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from serve.doctor.finding import Finding

CHECK = "upload of a Ray job"
MARKS = (".rayignore", "ray-cluster.yaml")
"""A folder with one of them is meant to be sent; in others, however large, nothing is looked at."""
LARGE_BYTES = 64 << 20
"""Much for code: something was not left out."""


@dataclass(frozen=True, slots=True)
class Upload:
    """Bytes that would be sent, and that Ray takes; None: of a folder that is not meant for it, or without Ray."""

    folder: str
    installed: bool = True
    size: int | None = None
    most: int | None = None
    failure: str | None = None


def look(folder: Path) -> Upload:
    """Of a folder. Ray is imported only where there is something to measure."""
    if not any((folder / mark).is_file() for mark in MARKS):
        return Upload(str(folder))
    if find_spec("ray") is None:
        return Upload(str(folder), installed=False)
    from cluster.upload import measure

    try:
        size, most = measure(folder)
    except (ImportError, AttributeError, OSError) as error:
        return Upload(str(folder), failure=str(error))
    return Upload(str(folder), size=size, most=most)


def judge(upload: Upload) -> Finding:
    """Ray refuses what is too large, after it has packed it."""
    if not upload.installed:
        return Finding(CHECK, "skipped", "Ray is not installed", "For a cluster: `pip install 'sightline[cluster]'`.")
    if upload.failure is not None:
        return Finding(CHECK, "skipped", f"{upload.folder}: cannot be measured: {upload.failure}")
    if upload.size is None or upload.most is None:
        return Finding(CHECK, "skipped", f"{upload.folder} has no {' and no '.join(MARKS)}")
    found = f"{_mib(upload.size)} of the {_mib(upload.most)} that Ray takes"
    remedy = "List in .rayignore what is not code: results, clips, environments."
    if upload.size >= upload.most:
        return Finding(CHECK, "problem", found, remedy)
    return Finding(CHECK, "ok", found) if upload.size < LARGE_BYTES else Finding(CHECK, "warning", found, remedy)


def _mib(size: int) -> str:
    return f"{size / (1 << 20):.1f} MiB"

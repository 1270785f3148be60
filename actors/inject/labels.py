"""What was put into a clip, and where: written beside it as ``<clip>.labels.json``."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict


class Label(BaseModel):
    """One defect as it came out.

    ``kind`` is the detector that should find it, ``defect`` the injector's own name. Seconds count from the stream's
    first PTS, as if timestamps had not jumped; ``end_seconds`` is when the last one touched stops being shown or heard,
    equal to ``start_seconds`` for what happens at one moment. ``start_frame`` and ``end_frame`` are the ordinals in the
    clip of the first and last frame touched, of a sample in an audio track; of a gap, the first after it. A damaged
    bitstream's window is that of the pictures whose bytes were hit; ``visible_frames`` are those that look different
    when decoded (see :mod:`actors.inject.damage`).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str
    defect: str
    track: str
    start_seconds: float
    end_seconds: float
    start_frame: int
    end_frame: int
    params: dict[str, Any]
    seed: int
    visible_frames: tuple[int, ...] | None = None


class Labels(BaseModel):
    """All labels of a clip. ``natural``: what is in it and is no defect. ``source``: name of the file it came from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str
    sha256: str
    defects: tuple[Label, ...]
    natural: tuple[Label, ...]

    @staticmethod
    def path(clip: Path) -> Path:
        """Where the labels of a clip are."""
        return clip.with_name(clip.name + ".labels.json")

    @classmethod
    def read(cls, clip: Path) -> Labels:
        """Read the labels of a clip."""
        return cls.model_validate_json(cls.path(clip).read_bytes())

    def write(self, clip: Path) -> None:
        """Write them beside their clip."""
        self.path(clip).write_text(self.model_dump_json(indent=1) + "\n")


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

"""What ``ray job submit --working-dir`` sends to a cluster: asked of Ray's own code, which decides it."""

from __future__ import annotations

import importlib
import logging
import os
from pathlib import Path
from typing import Any

_SILENT = logging.Logger("sightline.upload", logging.CRITICAL)


def measure(folder: Path) -> tuple[int, int]:
    """Bytes that a folder's files have which ``.rayignore``, ``.gitignore`` and Ray leave in, and what Ray takes.

    Ray packs them without compressing. These are functions of Ray 2.60 that it promises to nobody.

    Raises:
        ImportError: Ray is not installed, or is another one.
        AttributeError: It is another one.
        OSError: A file cannot be looked at.
    """
    packaging: Any = importlib.import_module("ray._private.runtime_env.packaging")
    constants: Any = importlib.import_module("ray._private.ray_constants")
    folder, sizes = folder.absolute(), [0]

    def add(path: Path) -> None:
        if path.is_file():
            sizes.append(path.stat().st_size)

    left_out = packaging._get_excludes(folder, constants.get_runtime_env_default_excludes())
    git_too = os.environ.get(constants.RAY_RUNTIME_ENV_IGNORE_GITIGNORE, "0") != "1"
    packaging._dir_travel(folder, [left_out], add, include_gitignore=git_too, logger=_SILENT)
    return sum(sizes), int(packaging.GCS_STORAGE_MAX_SIZE)

"""Declarations of the models of tests, with their weights; and batches of pictures to give to them."""

import hashlib
from functools import cache
from pathlib import Path

import numpy as np

from actors.clock import Stamp, TimeBase
from actors.media import Batch, Frame, Plane, VideoFormat
from actors.models.spec import LocalModel
from tests.clips import folder

BASE = TimeBase(1, 25)
HERE = str(Path(__file__).parent)
EXAMPLE = Path(__file__).parents[2] / "docs" / "models"


@cache
def weights():
    """One weight, 1.0: the file, and its hash."""
    import torch
    from safetensors.torch import save_file

    path = folder() / "one.safetensors"
    save_file({"weight": torch.ones(1)}, path)
    return str(path), hashlib.sha256(path.read_bytes()).hexdigest()


def model(class_="Bright", name=None, judge=None, **given):
    """One of tests/actors/poisoned_models.py; by default brightness is never an incident."""
    path, digest = weights()
    return LocalModel.model_validate({
        "name": name or class_.lower(), "class": f"poisoned_models:{class_}", "weights": path, "sha256": digest,
        "judge": {"metric": "mean", "above": 2.0, **(judge or {})}, "folder": HERE, **given,
    })  # fmt: skip


def example(**given):
    """The example of docs/models."""
    import yaml

    (said,) = yaml.safe_load((EXAMPLE / "noise.yaml").read_text())
    said |= {"weights": str(EXAMPLE / said["weights"]), "folder": str(EXAMPLE), **given}
    return LocalModel.model_validate(said)


def fmt(width, height, *, depth=8, planes=3, range_="limited"):
    return VideoFormat("h264", width, height, "x", depth, 0, 0, planes, range_, "sdr")


def batch(first, count, *, depth=8, stride=40, planes=3, rng=None):
    rng = rng or np.random.default_rng(first)
    kind = np.uint16 if depth > 8 else np.uint8
    frames = tuple(
        Frame(Stamp(0, 0, row, row), 1,
              tuple(Plane(rng.integers(0, 1 << depth, (18, stride), dtype=kind), 32) for _ in range(planes)),
              False, False, 1, True, 1)
        for row in range(first, first + count)
    )  # fmt: skip
    return Batch("v:0", BASE, fmt(32, 18, depth=depth, planes=planes), frames, (), first, first // 25)

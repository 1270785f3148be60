"""Declarations of the models of tests, with their weights."""

import hashlib
from functools import cache
from pathlib import Path

from actors.models.spec import LocalModel
from tests.clips import folder

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

"""A model from its class and weights. The only module that imports torch for it, and the class: run it in its process.

The weights are read once: what was hashed is what is loaded. They are safetensors: numbers and nothing else.
"""

from __future__ import annotations

import hashlib
import importlib
import sys
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load as tensors_of

from actors.localfile import open_file
from actors.measure import Metric
from actors.models import Colour
from actors.models.scores import Unfit
from actors.models.spec import LocalModel, ModelSpec
from actors.trust import Gate, Trust

MOST_BYTES = 4 << 30
"""Of a file of weights."""
MOST_METRICS = 64
LARGEST = 4096
"""Lines, and columns, of a picture for a model."""


class WrongShape(Exception):
    """A model gave something else than a number for each picture and metric."""


class Loaded:
    """A model that is ready to measure. It computes on one thread, in float32, without gradients."""

    def __init__(self, spec: ModelSpec, trust: Trust | None) -> None:
        """Load it.

        Raises:
            Unfit: It cannot be used, or may not.
            Exception: Whatever the module or its class raises.
        """
        weights = _weights(spec, trust)
        torch.set_num_threads(1)
        module = _class(spec, trust)()
        if not isinstance(module, torch.nn.Module):
            raise Unfit(f"{spec.class_} is no torch.nn.Module")
        self.metrics, self.size, self.colour = _declared(module, spec)
        try:
            module.load_state_dict(tensors_of(weights), strict=True)
        except Exception as error:
            raise Unfit(f"the weights do not fit {spec.class_}: {error}") from error
        self._device = _device(spec.device)
        self._module = module.float().eval().requires_grad_(False).to(self._device)

    def __call__(self, pictures: NDArray[np.float32]) -> NDArray[np.float64]:
        """Measure pictures (n, channels, height, width); gives (n, metrics).

        Raises:
            WrongShape: It gave something else.
            Exception: Whatever the model raises.
        """
        with torch.inference_mode():
            given: Any = self._module(torch.from_numpy(pictures).to(self._device))
        wanted = (len(pictures), len(self.metrics))
        if not isinstance(given, torch.Tensor):
            raise WrongShape(f"gave {type(given).__name__}, not a tensor of shape {wanted}")
        if tuple(given.shape) != wanted:
            raise WrongShape(f"gave a tensor of shape {tuple(given.shape)}, not {wanted}")
        return np.array(given.to("cpu", torch.float64).numpy())


def _weights(spec: ModelSpec, trust: Trust | None) -> bytes:
    """The bytes of the weights, which are those that were pinned."""
    path = Path(spec.weights)
    with open_file(path, Gate(trust)) as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise Unfit(f"{path}: has more than {MOST_BYTES} bytes, the most that is read of weights")
    found = hashlib.sha256(data).hexdigest()
    if found != spec.sha256:
        raise Unfit(f"{path}: has the SHA-256 {found}, not the one that is pinned, {spec.sha256}")
    return data


def _class(spec: ModelSpec, trust: Trust | None) -> Any:
    if trust is not None:
        trust.judge_model(spec.class_)
    if isinstance(spec, LocalModel) and spec.folder:
        sys.path.insert(0, spec.folder)
    module, _, name = spec.class_.partition(":")
    found = getattr(importlib.import_module(module), name, None)
    if not isinstance(found, type):
        raise Unfit(f"the module {module} has no class {name}")
    return found


def _declared(module: Any, spec: ModelSpec) -> tuple[tuple[str, ...], tuple[int, int], Colour]:
    """Names of metrics, size and colour that the class says."""
    metrics, size, colour = (getattr(module, name, None) for name in ("metrics", "size", "colour"))
    if not (isinstance(metrics, tuple) and metrics and all(isinstance(metric, Metric) for metric in metrics)):
        raise Unfit(f"{spec.class_}.metrics must be a tuple of sightline.Metric")
    names = tuple(metric.name for metric in metrics)
    odd = [name for name in names if not name.isidentifier() or name == "why"]
    if odd or len(set(names)) < len(names) or len(names) > MOST_METRICS:
        raise Unfit(f"{spec.class_}.metrics: {MOST_METRICS} names at most, all different, none of them 'why'")
    if spec.judge.metric not in names:
        raise Unfit(f"{spec.class_} has no metric {spec.judge.metric!r} to judge; it has {', '.join(names)}")
    whole = isinstance(size, tuple) and len(size) == 2 and all(type(n) is int and 1 <= n <= LARGEST for n in size)
    if not whole:
        raise Unfit(f"{spec.class_}.size must be (height, width), each from 1 to {LARGEST}")
    if colour not in get_args(Colour):
        raise Unfit(f"{spec.class_}.colour must be 'gray' or 'rgb'")
    return names, size, colour  # type: ignore[return-value]


def _device(asked: str) -> torch.device:
    there = asked != "cpu" and torch.cuda.is_available()
    if asked == "cuda" and not there:
        raise Unfit("device 'cuda': torch finds no GPU here; choose the device 'cpu' or 'auto'")
    return torch.device("cuda" if there else "cpu")

"""Where pictures are measured: what a user asks for, and what the machine has."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import sys
from typing import Literal

BackendName = Literal["numba", "reference", "torch"]
Device = Literal["cpu", "cuda"]


def chosen(device: Literal["auto", "cpu", "cuda"]) -> tuple[BackendName, Device]:
    """The backend and device for :class:`actors.measure.picture.PictureMeter`.

    Torch is imported only where there is an NVIDIA driver, and not for ``cpu``.

    Args:
        device: ``cpu`` is numba; ``cuda`` is torch on a GPU; ``auto`` is that where it can be had, else numba.

    Raises:
        ValueError: ``cuda`` without a GPU that torch can use; says what is missing, and what helps.
    """
    if device == "cpu":
        return "numba", "cpu"
    missing = _missing()
    if missing is None:
        return "torch", "cuda"
    if device == "cuda":
        raise ValueError(f"device 'cuda': {missing}; or choose the device 'cpu' or 'auto'")
    return "numba", "cpu"


def _missing() -> str | None:
    """Why torch cannot compute on a GPU here, with the remedy; None where it can."""
    if os.environ.get("CUDA_VISIBLE_DEVICES") in {"", "-1"}:
        return "the environment hides every GPU: unset CUDA_VISIBLE_DEVICES, or ask Ray for a GPU (num_gpus)"
    if importlib.util.find_spec("torch") is None:
        return "torch is not installed: run pip install 'sightline[gpu]'"
    if not _driver():
        return "no NVIDIA driver is installed: install one for this GPU"
    from actors.measure.picture.gpu import usable

    return None if usable() else "torch finds no GPU: install a build of torch with CUDA that this driver supports"


def _driver() -> bool:
    """Whether the driver's library is there. Nothing in it is called."""
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True

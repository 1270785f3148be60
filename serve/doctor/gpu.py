"""An NVIDIA GPU: its driver, torch, and whether FFmpeg decodes there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from serve.doctor.finding import Finding

CHECK = "gpu"
DRIVER = Path("/proc/driver/nvidia/version")


@dataclass(frozen=True, slots=True)
class Gpu:
    """What is known of it. Each is None where it is not there, ``not_decoding`` where it decodes.

    ``cuda``: the version that torch was built for. ``names``: devices that torch can use.
    """

    driver: str | None
    torch: str | None = None
    cuda: str | None = None
    names: tuple[str, ...] = ()
    not_decoding: str | None = None


def look(driver: Path = DRIVER) -> Gpu:
    """The GPU of this machine. Torch is imported only where there is a driver."""
    if not driver.is_file():
        return Gpu(None)
    told = re.search(r"\b\d{3}\.\d+(\.\d+)?\b", driver.read_text(errors="replace"))
    version = told[0] if told else "of an unknown version"
    if find_spec("torch") is None:
        return Gpu(version)
    from actors.hardware import missing

    not_decoding = missing()
    import torch

    names = tuple(torch.cuda.get_device_name(at) for at in range(torch.cuda.device_count()))
    return Gpu(version, torch.__version__, torch.version.cuda, names, not_decoding)


def judge(gpu: Gpu) -> Finding:
    """A machine without one lacks nothing: pictures are decoded and measured on the CPU."""
    if gpu.driver is None:
        return Finding(CHECK, "skipped", "no NVIDIA driver here; the CPU decodes and measures")
    driver = f"driver {gpu.driver}"
    if gpu.torch is None:
        return Finding(CHECK, "skipped", f"{driver}, no torch", "To use the GPU: `pip install 'sightline[gpu]'`.")
    if gpu.cuda is None:
        why = f"{driver}, but torch {gpu.torch} is built without CUDA"
        return Finding(CHECK, "warning", why, "Install a torch with CUDA: see pytorch.org, \"Get started\".")
    if not gpu.names:
        why = f"{driver}, but torch {gpu.torch} for CUDA {gpu.cuda} can use no GPU"
        return Finding(CHECK, "warning", why, "Update the driver to one for that CUDA, and see `nvidia-smi`.")
    what = f"{', '.join(gpu.names)}; {driver}, torch {gpu.torch}, CUDA {gpu.cuda}"
    if gpu.not_decoding is not None:
        remedy = "In a container set NVIDIA_DRIVER_CAPABILITIES=compute,video,utility; else install libnvcuvid."
        return Finding(CHECK, "warning", f"{what}; {gpu.not_decoding}", remedy)
    return Finding(CHECK, "ok", f"{what}; it decodes")

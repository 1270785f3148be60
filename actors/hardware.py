"""Whether and how FFmpeg decodes on an NVIDIA GPU."""

from __future__ import annotations

from functools import cache
from typing import Literal

import av
from av.codec.hwaccel import HWAccel


def accelerator(device: Literal["cpu", "cuda"]) -> HWAccel | None:
    """What ``av.open`` needs to decode on a device; codecs that the GPU does not know are decoded on the CPU.

    Raises:
        ValueError: There is no GPU that can decode; see :func:`missing`.
    """
    if device == "cpu":
        return None
    if (why := missing()) is not None:
        raise ValueError(f"device 'cuda': {why}; or choose the device 'cpu'")
    return HWAccel("cuda", allow_software_fallback=True, is_hw_owned=True)


def missing() -> str | None:
    """Why pictures cannot be decoded on a GPU here; None where they can. Ask before torch uses the GPU."""
    try:
        _held()
    except (av.FFmpegError, NotImplementedError, RuntimeError) as error:
        return f"FFmpeg cannot decode on a GPU here ({getattr(error, 'strerror', None) or error})"
    return None


@cache
def _held() -> HWAccel:
    """A device that is opened first, and never closed.

    FFmpeg and torch share the GPU's primary context, and FFmpeg refuses one that was made without its flags.
    """
    return HWAccel("cuda", is_hw_owned=True).create(av.Codec("h264", "r"))

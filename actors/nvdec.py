"""Pictures that an NVIDIA GPU decodes, and that stay in its memory. Torch is imported where there is one of them.

H.264, HEVC, VP9 and AV1 leave a decoder no choice, so an intact stream gives the same pictures as on a CPU. MPEG-2 and
MPEG-4 part 2 let the inverse transform be rounded, and what is shown where bytes were lost is every decoder's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import av
import numpy as np

from actors.media import Pixels, Plane, VideoFormat
from actors.pixels import describe
from actors.url import SourceError

if TYPE_CHECKING:
    from torch import Tensor

_PLANAR = {"nv12": "yuv420p", "p010le": "yuv420p10le", "p016le": "yuv420p12le"}
"""What a GPU gives for 4:2:0 of 8, 10 and 12 bits, and the planar format of the same codes."""


def holds(frame: av.VideoFrame) -> bool:
    """Whether a frame lies in a GPU's memory."""
    return frame.format.name == "cuda"


class DevicePlane(Plane):
    """A plane in the memory of a torch device. Whoever reads ``lines`` has it copied to this machine's memory, once.

    ``tensor``: contiguous (height, width) uint8, or int16 of the same bits where depth > 8.
    """

    __slots__ = ("_host", "tensor")
    tensor: Tensor
    _host: Pixels | None

    def __init__(self, tensor: Tensor) -> None:
        for name, value in (("tensor", tensor), ("_host", None), ("width", tensor.shape[1])):
            object.__setattr__(self, name, value)

    @property
    def lines(self) -> Pixels:
        """See :class:`actors.media.Plane`."""
        if self._host is None:
            host = self.tensor.cpu().numpy()
            object.__setattr__(self, "_host", host if host.dtype == np.uint8 else host.view(np.uint16))
        assert self._host is not None
        return self._host

    @property
    def height(self) -> int:
        """Lines."""
        return int(self.tensor.shape[0])

    @property
    def nbytes(self) -> int:
        """Bytes of ``lines``."""
        return int(self.tensor.nbytes)

    def __reduce__(self) -> tuple[Any, ...]:
        return Plane, (self.lines, self.width)


def picture(codec: str, frame: av.VideoFrame) -> tuple[VideoFormat, tuple[Plane, ...]]:
    """Format and planes of a frame that :func:`holds` says yes to.

    They are copies within the GPU's memory, so that its decoder gets the frame back at once: it has few of them.

    Raises:
        SourceError: The GPU gives it in a layout that is not 4:2:0, or of an odd size.
    """
    name = str(frame.sw_format.name) if frame.sw_format else ""
    if name not in _PLANAR or frame.width % 2 or frame.height % 2:
        what = f"{name or 'an unknown layout'} of {frame.width}x{frame.height}"
        why = f"the GPU decodes its pictures to {what}, which is not read there; take the device cpu"
        raise SourceError(why, "unsupported")
    fmt = describe(
        codec, frame.width, frame.height, _PLANAR[name], int(frame.color_range), int(frame.color_trc),
        int(frame.colorspace),
    )  # fmt: skip
    return fmt, planes(frame, fmt.depth)


def planes(frame: av.VideoFrame, depth: int) -> tuple[Plane, ...]:
    """Y, U and V of a semi-planar frame, on the device where it lies. More than 8 bits are the top ones of its words.

    Decoding and copying are both on the device's default stream, one after the other.
    """
    import torch
    from torch.utils.dlpack import from_dlpack

    luma, chroma = (from_dlpack(plane.__dlpack__()) for plane in frame.planes)
    if depth > 8:
        luma, chroma = (
            (part.view(torch.int16) >> (16 - depth)) & ((1 << depth) - 1) for part in (luma, chroma)
        )  # fmt: skip
    parts = (luma, chroma[..., 0], chroma[..., 1])
    return tuple(DevicePlane(part.clone(memory_format=torch.contiguous_format)) for part in parts)

"""Decoded pictures as they lie in memory: which pixel formats are taken as they are, and views of their planes."""

from __future__ import annotations

import re
from functools import cache
from typing import Literal

import av
import numpy as np

from actors.media import Matrix, Pixels, Plane, Range, VideoFormat

_NATIVE = re.compile(r"(yuvj?|yuva)4[0-4]\dp(\d+le)?|gray(\d+le)?")
_LIMITED, _FULL = 1, 2  # AVCOL_RANGE_MPEG, AVCOL_RANGE_JPEG
_TRANSFERS: dict[int, Literal["pq", "hlg"]] = {16: "pq", 18: "hlg"}  # SMPTE ST 2084, ARIB STD-B67
_MATRICES: dict[int, Matrix] = {1: "bt709", 5: "bt601", 6: "bt601", 9: "bt2020", 10: "bt2020"}  # AVCOL_SPC_*
_BT601 = 5


@cache
def planar(name: str) -> str | None:
    """The planar YUV or grey format of the same depth that stands in for one that is not; None: it is one itself.

    Semi-planar and packed YUV, palettes and RGB have to be rearranged; what H.26x, MPEG, VPx and AV1 decoders give on a
    CPU is taken as it lies.
    """
    if _NATIVE.fullmatch(name):
        return None
    known = av.VideoFormat(name)
    depth = max((component.bits for component in known.components), default=8)
    suffix = "" if depth <= 8 else f"{next((d for d in (10, 12) if d >= depth), 16)}le"
    if len(known.components) < 3 and not known.has_palette:
        return f"gray{suffix}"
    wide, high = (1, 1) if known.is_rgb or known.has_palette else (known.chroma_width(8), known.chroma_height(8))
    layout = {(4, 4): "420", (4, 8): "422", (2, 8): "411"}.get((wide, high), "444")
    return f"yuv{layout}p{suffix}"


@cache
def describe(
    codec: str, width: int, height: int, name: str, color_range: int, transfer: int, matrix: int
) -> VideoFormat:
    """The format of a picture whose planes are native."""
    known = av.VideoFormat(name)
    grey = name.startswith("gray")
    ranges: dict[int, Range] = {_LIMITED: "limited", _FULL: "full"}
    return VideoFormat(
        codec=codec, width=width, height=height, pixel_format=name, depth=known.components[0].bits,
        chroma_x=0 if grey else 5 - known.chroma_width(16).bit_length(),
        chroma_y=0 if grey else 5 - known.chroma_height(16).bit_length(),
        planes=1 if grey else 3,
        range="full" if name.startswith("yuvj") else ranges.get(color_range, "assumed"),
        transfer=_TRANSFERS.get(transfer, "sdr"), matrix=_MATRICES.get(matrix, "assumed"),
    )  # fmt: skip


def picture(codec: str, frame: av.VideoFrame) -> tuple[VideoFormat, tuple[Plane, ...]]:
    """Format and planes of a decoded frame, without copying where the format is native.

    Returns:
        The format, and Y or Y, U, V as views of the frame's memory, which they keep alive.
    """
    stand_in = planar(frame.format.name)
    matrix = int(frame.colorspace)
    if stand_in is not None:
        rgb = frame.format.is_rgb or frame.format.has_palette
        matrix = _BT601 if rgb else matrix  # swscale's own
        frame = frame.reformat(format=stand_in, dst_color_range=_LIMITED if frame.format.is_rgb else None)
    fmt = describe(
        codec, frame.width, frame.height, frame.format.name, int(frame.color_range), int(frame.color_trc), matrix
    )  # fmt: skip
    return fmt, tuple(Plane(_lines(plane, fmt.depth), plane.width) for plane in frame.planes[: fmt.planes])


def _lines(plane: av.video.plane.VideoPlane, depth: int) -> Pixels:
    memory = memoryview(plane)
    samples: Pixels = np.frombuffer(memory, np.uint8) if depth <= 8 else np.frombuffer(memory, np.uint16)
    return samples.reshape(plane.height, -1)

"""Decoded pictures as a model wants them: of one size, gray or RGB, float32 from 0 to 1.

Each plane is brought to the wanted size by area: a sample is the mean of what it covers, of pixels cut by its border
the share that lies inside. The sums are exact integers. Then, in float64: codes become shares of the range that the
stream says (limited where it says nothing) and are clipped to 0..1; gray is luma as it is coded. RGB is by BT.709 for
pictures of 720 lines and more, else BT.601. PQ and HLG stay as they are coded. The shape of the picture is not kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from actors.measure.kernels import compiled
from actors.media import Plane, VideoFormat
from actors.models import Colour

HD_LINES = 720
"""Pictures so high are coded by BT.709."""

_BT709, _BT601 = (0.2126, 0.0722), (0.299, 0.114)
"""Weights of red and blue in luma."""


def ready() -> None:
    """Load the kernel for 8-bit pictures, so that the first picture does not wait for it."""
    _kernel(np.dtype(np.uint8))


def prepared(
    pictures: Sequence[tuple[Plane, ...]], fmt: VideoFormat, size: tuple[int, int], colour: Colour
) -> NDArray[np.float32]:
    """Pictures for a model.

    Args:
        pictures: At least one: Y, or Y, U, V.
        fmt: Their format.
        size: Height and width wanted.
        colour: ``gray`` or ``rgb``.

    Returns:
        (n, 1 or 3, height, width) float32.
    """
    made = np.empty((len(pictures), 1 if colour == "gray" else 3, *size), np.float32)
    for index, planes in enumerate(pictures):
        luma = _luma(area_means(planes[0], size), fmt)
        if colour == "gray" or fmt.planes == 1:
            made[index] = luma
        else:
            blue, red = (_chroma(area_means(plane, size), fmt) for plane in planes[1:])
            made[index] = _rgb(luma, blue, red, _BT709 if fmt.height >= HD_LINES else _BT601)
    return made


def area_means(plane: Plane, size: tuple[int, int]) -> NDArray[np.float64]:
    """A plane brought to a size by area.

    Returns:
        (height, width) float64 codes.
    """
    lines, (height, width) = plane.lines, size
    sums = np.zeros((height, width), np.int64)
    _kernel(lines.dtype)(lines, plane.width, np.zeros(plane.width, np.int64), sums)
    return sums / float(lines.shape[0] * plane.width)


def _scan(lines: NDArray[np.uint8], across: int, line: NDArray[np.int64], sums: NDArray[np.int64]) -> None:
    """Sum what each wanted sample covers.

    A pixel is as many units long as there are samples, a sample as many as there are pixels: so every overlap is a
    whole number of units, and the weights of a sample sum to the pixels.
    """
    down = lines.shape[0]
    height, width = sums.shape
    for i in range(height):
        line[:] = 0
        for y in range(i * down // height, ((i + 1) * down + height - 1) // height):
            weight = min((y + 1) * height, (i + 1) * down) - max(y * height, i * down)
            for x in range(across):
                line[x] += weight * lines[y, x]
        for j in range(width):
            total = 0
            for x in range(j * across // width, ((j + 1) * across + width - 1) // width):
                total += (min((x + 1) * width, (j + 1) * across) - max(x * width, j * across)) * line[x]
            sums[i, j] = total


@cache
def _kernel(dtype: np.dtype[np.generic]) -> Callable[..., None]:
    import numba

    of = numba.from_dtype(dtype)
    plane = numba.types.Array(of, 2, "C", readonly=True)
    return compiled(_scan, f"area_{dtype}", plane, numba.int64, numba.int64[::1], numba.int64[:, ::1])


def _luma(codes: NDArray[np.float64], fmt: VideoFormat) -> NDArray[np.float64]:
    scale = float(1 << (fmt.depth - 8))
    if fmt.range == "full":
        return codes / float((1 << fmt.depth) - 1)
    return np.clip((codes - 16 * scale) / (219 * scale), 0.0, 1.0)


def _chroma(codes: NDArray[np.float64], fmt: VideoFormat) -> NDArray[np.float64]:
    scale = float(1 << (fmt.depth - 8))
    full = float((1 << fmt.depth) - 1)
    return (codes - 128 * scale) / (full if fmt.range == "full" else 224 * scale)


def _rgb(
    luma: NDArray[np.float64], blue: NDArray[np.float64], red: NDArray[np.float64], weights: tuple[float, float]
) -> NDArray[np.float64]:
    of_red, of_blue = weights
    r = luma + 2 * (1 - of_red) * red
    b = luma + 2 * (1 - of_blue) * blue
    g = (luma - of_red * r - of_blue * b) / (1 - of_red - of_blue)
    return np.clip(np.stack([r, g, b]), 0.0, 1.0)

"""From codes of Y, U and V to light, in whole numbers: what every backend looks up, so that all find the same."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from actors.media import VideoFormat

WHITE = 1 << 14
"""The luminance of white; also the greatest saturated red."""

RED, GREEN, BLUE = 13933, 46871, 4732
"""What the primaries give to luminance, times 2^16: 0.2126, 0.7152, 0.0722 (BT.709)."""

FRACTION = 14
"""Bits of the fraction of a matrix' coefficients."""

_WEIGHTS = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722), "bt2020": (0.2627, 0.0593)}
"""Of red and blue in luma."""

LARGE = 720
"""Lines from which a picture that does not say its matrix has that of BT.709."""


class Colour(NamedTuple):
    """How 8-bit codes become R', G' and B' of 0 to 255.

    ``R' = (luma * (Y - black) + red * (V - 128)) / 2^14``, rounded and cut off; of green both parts are taken away.
    """

    black: int
    luma: int
    red: int
    green_u: int
    green_v: int
    blue: int


@cache
def colour(matrix: str, full: bool) -> Colour:
    """Coefficients by the matrix (BT.601, BT.709, BT.2020) and the range of the codes."""
    kr, kb = _WEIGHTS[matrix]
    luma, chroma = (1.0, 1.0) if full else (255 / 219, 255 / 224)
    red, blue = 2 * (1 - kr) * chroma, 2 * (1 - kb) * chroma
    greens = (blue * kb / (1 - kr - kb), red * kr / (1 - kr - kb))
    scaled = [round(value * (1 << FRACTION)) for value in (luma, red, *greens, blue)]
    return Colour(0 if full else 16, *scaled)


def colour_of(fmt: VideoFormat) -> Colour:
    """That of a format; an unsaid range is limited, an unsaid matrix goes by the size."""
    unsaid = "bt709" if fmt.height >= LARGE else "bt601"
    return colour(unsaid if fmt.matrix == "assumed" else fmt.matrix, fmt.range == "full")


UNSAID = colour("bt601", full=False)
"""That of small pictures that say nothing."""


@cache
def linear() -> NDArray[np.int32]:
    """(256,) light of R', G' or B', of :data:`WHITE`: the curve of sRGB (IEC 61966-2-1)."""
    codes = np.arange(256) / 255
    light = np.where(codes <= 0.04045, codes / 12.92, ((codes + 0.055) / 1.055) ** 2.4)
    found: NDArray[np.int32] = np.rint(light * WHITE).astype(np.int32)
    return found

"""A test pattern, or plain colour, in the place of the picture."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from typing_extensions import override

from actors.detectors.patterns import PATTERNS, signal
from actors.inject.defects import Facts, Picture, PictureChange, PictureDefect
from actors.media import Pixels

BLUE = (0.0, 0.0, 0.75)


class Bars(PictureDefect):
    """Colour bars over the whole picture, or one colour: blue, as players show it where nothing comes."""

    detector: ClassVar[str] = "bars"
    kind: Literal["bars"] = "bars"
    pattern: Literal["smpte", "smpte_hd", "ebu", "solid"] = Field("smpte", description="which; solid is blue")
    matrix: Literal["bt601", "bt709"] = Field("bt709", description="from red, green and blue to the signal")

    @override
    def begin(self, rng: np.random.Generator, facts: Facts) -> PictureChange:
        pattern = next((pattern for pattern in PATTERNS if pattern.name == self.pattern), None)
        begins, colours = (pattern.begins, pattern.colours) if pattern else ((0,), (BLUE,))
        values = np.array([signal(colour, self.matrix) for colour in colours])
        shown: list[Picture] = []

        def change(picture: Picture, share: float) -> Picture:
            if not shown:
                planes = [_drawn(plane, begins, values[:, n], n, picture) for n, plane in enumerate(picture.planes)]
                shown.append(Picture(tuple(planes), picture.depth, picture.full))
            return shown[0]

        return change


def _drawn(plane: Pixels, begins: tuple[float, ...], values: NDArray[np.float64], number: int, like: Picture) -> Pixels:
    """A plane of bars: Y, U or V by its number."""
    height, width = plane.shape
    bar = np.searchsorted(np.round(np.array(begins) * width), np.arange(width), side="right") - 1
    if like.full:
        codes = values * 255 + (128 if number else 0)
    else:
        codes = values * (224 if number else 219) + (128 if number else 16)
    line = np.rint(codes[bar] * like.scale).astype(plane.dtype)
    return np.tile(line, (height, 1))

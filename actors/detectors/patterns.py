"""Colour bars, as the signal has them, and what the cells of a picture of them are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from actors.measure.picture.sums import COLUMNS, ROWS

Matrix = Literal["bt601", "bt709"]
LUMA: dict[Matrix, tuple[float, float, float]] = {"bt601": (0.299, 0.587, 0.114), "bt709": (0.2126, 0.7152, 0.0722)}
"""What red, green and blue add to luma (ITU-R BT.601, BT.709)."""

WHITE, GREY = (1.0, 1.0, 1.0), (0.4, 0.4, 0.4)
Colour = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Pattern:
    """Bars from left to right, each from a share of the width on. ``height``: the share they fill, from the top."""

    name: str
    height: float
    begins: tuple[float, ...]
    colours: tuple[Colour, ...]


def _bars(level: float) -> tuple[Colour, ...]:
    """White, yellow, cyan, green, magenta, red, blue, black: green off last, then red, then blue."""
    return tuple((level * (not n & 2), level * (not n & 4), level * (not n & 1)) for n in range(8))


def _even(first: float, stop: float, count: int) -> tuple[float, ...]:
    return tuple(first + (stop - first) * number / count for number in range(count))


PATTERNS = (
    Pattern("smpte", 2 / 3, _even(0, 1, 7), _bars(0.75)[:7]),
    Pattern("smpte_hd", 7 / 12, (0, *_even(1 / 8, 7 / 8, 7), 7 / 8), (GREY, *_bars(0.75)[:7], GREY)),
    Pattern("ebu", 1, _even(0, 1, 8), (WHITE, *_bars(0.75)[1:])),
    Pattern("ebu", 1, _even(0, 1, 8), _bars(1)),
)
"""SMPTE EG 1 and RP 219 (75%), and EBU bars 100/0/75/0 and 100/0/100/0 (ITU-R BT.471)."""


def signal(colour: Colour, matrix: Matrix) -> tuple[float, float, float]:
    """Luma and both colour differences of red, green and blue from 0 to 1."""
    red, green, blue = LUMA[matrix]
    luma = red * colour[0] + green * colour[1] + blue * colour[2]
    return luma, (colour[2] - luma) / (2 - 2 * blue), (colour[0] - luma) / (2 - 2 * red)


def cells(pattern: Pattern, matrix: Matrix) -> NDArray[np.float64]:
    """(3, 144) means of luma and colour differences in the cells of a picture; NaN below the bars."""
    ends = np.array([*pattern.begins[1:], 1.0])
    left, right = np.arange(COLUMNS)[:, None] / COLUMNS, (np.arange(COLUMNS)[:, None] + 1) / COLUMNS
    shares = np.clip(np.minimum(right, ends) - np.maximum(left, np.array(pattern.begins)), 0, None) * COLUMNS
    values = shares @ np.array([signal(colour, matrix) for colour in pattern.colours])
    found = np.full((3, ROWS, COLUMNS), np.nan)
    found[:, : int(pattern.height * ROWS + 1e-9)] = values.T[:, None]
    return found.reshape(3, -1)

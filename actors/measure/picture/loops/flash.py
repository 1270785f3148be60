"""What of a picture became lighter or darker, and more or less red: a lattice of pixels of two pictures."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from actors.measure.kernels import compiled
from actors.measure.picture.light import BLUE, FRACTION, GREEN, RED, Colour, linear
from actors.measure.picture.sums import LIGHTS, Planes, first_of, lattice, subsampling
from actors.media import Pixels

HALF = 1 << (FRACTION - 1)
LEAST, MOST = np.int32(0), np.int32(255)


class Changes:
    """What became lighter and darker, some lines after others. ``found``: (12,)."""

    def __init__(self, planes: Planes, before: Planes, depth: int, colour: Colour) -> None:
        coloured, luma = len(planes) > 1, planes[0]
        across, down = subsampling(planes) if coloured else (0, 0)
        self._every = lattice(luma.height)
        self._lines = [p.lines for picture in (before, planes) for p in (picture if coloured else picture[:1] * 3)]
        self._width = (coloured, luma.width)
        self._layout = (self._every, lattice(luma.width), across, down, (1 << depth) - 1, depth - 8, *colour)
        self._scratch = np.empty((2, 2, luma.width), np.int32)
        self.found = np.zeros(4 * len(LIGHTS), np.int64)
        self._flash = _kernel(luma.lines.dtype)

    def add(self, first: int, last: int) -> None:
        """Lines ``first`` to ``last`` of luma."""
        begin = first_of(self._every, first)
        self._flash(*self._lines, *self._width, begin, last, *self._layout, linear(), self._scratch, self.found)


@cache
def _kernel(dtype: np.dtype[np.uint8 | np.uint16]) -> Callable[..., None]:
    from numba import from_dtype, types

    pixel = from_dtype(dtype)
    lines = types.Array(pixel, 2, "C", readonly=True)
    return compiled(
        _flash, f"flash_{pixel}", *[lines] * 6, types.boolean, *[types.intp] * 7, pixel, types.int32,
        *[types.int32] * len(Colour._fields), types.Array(types.int32, 1, "C"), types.Array(types.int32, 3, "C"),
        types.Array(types.int64, 1, "C"),
    )  # fmt: skip


def _flash(
    old_luma: Pixels, old_blue: Pixels, old_red: Pixels, luma: Pixels, blue: Pixels, red: Pixels, coloured: bool,
    width: int, begin: int, end: int, every_line: int, every: int, across: int, down: int, mask: int, shift: int,
    black: int, scale: int, red_v: int, green_u: int, green_v: int, blue_u: int,
    linear: NDArray[np.int32], light: NDArray[np.int32], found: NDArray[np.int64],
) -> None:  # fmt: skip
    """Add to ``found`` (12,). ``light`` (2, 2, width) is scratch: luminance and red of a line, before and now."""
    for y in range(begin, end, every_line):
        for side in range(2):
            lumas, blues, reds = (luma, blue, red) if side else (old_luma, old_blue, old_red)
            line, u_line, v_line = lumas[y], blues[y >> down], reds[y >> down]
            luminance, redness = light[side, 0], light[side, 1]
            count = 0
            for x in range(every // 2, width, every):
                grey = (np.int32((line[x] & mask) >> shift) - black) * scale + HALF
                r = g = b = grey
                if coloured:
                    u = np.int32((u_line[x >> across] & mask) >> shift) - 128
                    v = np.int32((v_line[x >> across] & mask) >> shift) - 128
                    r, g, b = grey + red_v * v, grey - green_u * u - green_v * v, grey + blue_u * u
                r = linear[min(max(r >> FRACTION, LEAST), MOST)]
                g = linear[min(max(g >> FRACTION, LEAST), MOST)]
                b = linear[min(max(b >> FRACTION, LEAST), MOST)]
                luminance[count] = (RED * r + GREEN * g + BLUE * b) >> 16
                redness[count] = r - g - b if r >= 4 * (g + b) else 0
                count += 1
        for part in range(len(LIGHTS)):
            kind, least = LIGHTS[part]
            then, now, first = light[0, kind], light[1, kind], 4 * part
            for x in range(count):
                step = now[x] - then[x]
                if abs(step) >= least:
                    found[first] += np.int64(step > 0)
                    found[first + 1] += np.int64(step < 0)
                    found[first + 2] += np.int64(then[x])
                    found[first + 3] += np.int64(now[x])

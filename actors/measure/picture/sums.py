"""What the kernels return: exact integers per frame, by group. A group computed alone equals the full pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from actors.measure.picture.light import Colour
from actors.media import Plane

Group = Literal[
    "luma", "difference", "signature", "grid", "levels", "edges", "borders", "seams", "flash", "fields", "dropouts",
    "colours",
]  # fmt: skip

BLOCK = 16
"""Side of a luma block, in pixels. Blocks at the right and lower edges are smaller."""

COLUMNS, ROWS = 16, 9
"""Cells of the signature. Cell (j, i) spans lines ``floor(j*h/9)`` to ``floor((j+1)*h/9)``, columns likewise by 16."""

GRADIENT = 12
"""Bits of a gradient's fraction: a step is ``floor(2^12 * step / the six steps around it)``."""

LOW, LUMA_TOP, CHROMA_TOP = 16, 235, 240
"""8-bit codes: the least legal one, and the greatest of luma and of chroma (BT.601, BT.709, BT.2020)."""

SPAN, CONTRAST = 15, 32
"""Pixels across an edge, and the least difference of 8-bit codes over them that is one."""

TEAR = 16
"""8-bit codes by which the step across a side of a block must exceed the mean of the steps beside it to be a tear."""

SIDE_LINES = (1, 5, 9, 13)
"""Lines of a block that are read for its left and right sides."""

OUTLIER, STREAK = 24, 8
"""By how many 8-bit codes a pixel leaves the lines around it, and the frame before; and how many in a row are one."""

LIKE, UNLIKE = 8, 2
"""A line repeats the one above if its steps to that are an eighth of those along it, and these 2 codes on average."""

SPECK, SPECKS = 32, 8
"""By how many 8-bit codes, at least, a pixel stands out from all eight around it; and how many such are looked for."""

DARK = 24
"""Greatest mean of a dark line or column, in 8-bit codes (ffmpeg's cropdetect)."""

STRIP = 128
"""Columns that are taken together where not all are."""

LIGHT_STEP, LEAP_STEP = 1 << 7, 1638
"""Changes of luminance, or of saturated red, of 2^14 that count: 1/128 at least; and 1/10, a leap."""

LIGHTS = ((0, LIGHT_STEP), (0, LEAP_STEP), (1, LIGHT_STEP))
"""What is summed up of light: luminance (0) or red (1), and its least change."""

PAIRS: frozenset[Group] = frozenset({"fields", "dropouts"})
"""Groups that compare 8-bit luma codes with those of the frame before."""

COMPARED: frozenset[Group] = frozenset({"difference", "flash", "fields", "dropouts"})
"""Groups of which a frame has sums only beside the frame before it."""

Profile = NDArray[np.int64]
"""A sum for each column, or for each line."""

Flash = tuple[int, ...]
"""Twelve numbers, see :attr:`Sums.flash`."""
Weaves = tuple[int, int, int, int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """Integers of one frame; None for a group that was not wanted, and for differences without an earlier frame.

    A pixel's code is its low ``depth`` bits.
    """

    sizes: tuple[tuple[int, int], ...]
    """(height, width) of each plane."""
    histogram: NDArray[np.int64] | None
    """(2**depth,) pixels of each luma code, of :func:`some_lines`."""
    differences: tuple[int, ...] | None
    """Sum of absolute differences to the earlier frame, per plane, of :func:`compared_lines`."""
    block: tuple[int, int] | None
    """Of these lines, sum of absolute differences and pixels of the luma block where their ratio is largest: the first
    of equals, and (0, 1) where nothing changed."""
    signature: NDArray[np.int64] | None
    """(9, 16) sums of luma codes."""
    gradients: tuple[Profile, Profile, Profile, Profile] | None = None
    """(width,), (height,), (width,), (height,): steps of luma to the pixel at the right, summed up down each column,
    and to the one below, along each line; 0 where there are not three steps before and after. The first two are of
    steps over the six around them (1 at least), the last two of steps in 8-bit codes. Columns are summed over every
    :func:`line_step`-th line from the second on, lines over :func:`strips`."""
    illegal: int | None = None
    """Luma pixels outside 16 to 235, or with chroma outside 16 to 240, times 2^(depth-8), of :func:`some_lines`."""
    edge: tuple[int, int, int] | None = None
    """Over every :func:`line_step`-th line from the second on, of 8-bit luma codes: for each step from a pixel to the
    one at its right, its contrast is the difference of the pixels seven before and after them. Where that is 32 at
    least: the sum of step times contrast, the sum of step squared, and how many there are."""
    borders: tuple[int, int, int, int] | None = None
    """Lines from the top and from the bottom on, and columns from the left and from the right on, whose mean of 8-bit
    luma codes, without its fraction, is 24 at most."""
    torn: tuple[int, int] | None = None
    """16x16 blocks of 8-bit luma codes that are torn at two sides at least: of the grid that begins at the upper left
    corner, where coders have theirs, and of one that begins 8 pixels further right and down. Only whole blocks count. A
    side is torn where, added up along it, twice the step across it exceeds the steps before and after by more than 32
    for each pixel looked at: 16 along an upper or lower side, 4 along a left or right one. A side that has not two
    pixels at both hands is not."""
    flash: Flash | None = None
    """Of the pixels of a :func:`lattice`, in 8-bit codes, whose luminance (of 2^14) differs from the earlier frame's by
    1/128 at least: how many rose, how many fell, and the sums of all of them before and now; then the same of those
    where it differs by 1/10 at least; then, as at first, of saturated red, R - G - B of linear light where R is
    4 (G + B) at least, and else 0."""
    weaves: Weaves | None = None
    """Over :func:`strips` of 8-bit luma codes, of every :func:`weave_step`-th line but two above and below: how far it
    is from the mean of its neighbours, doubled and summed up. The first is of the even lines (the top field) among the
    odd ones of the frame before, and these among those; the second of the odd lines and the even ones before; the third
    of the frame's own. Then what even lines, and odd lines, differ from the frame before. None without one."""
    dropouts: tuple[int, int] | None = None
    """Over :func:`strips` of 8-bit luma codes, of all lines but two above and below. First, pixels that begin a run of
    8 that leave both the lines next to theirs and those two away, as signalstats has it for TOUT, and the frame before,
    by more than 24. Then, lines that repeat the one above. None without a frame before."""
    specks: NDArray[np.int64] | None = None
    """(8,) where the pixels are that stand out most from all eight around them, by 32 at least of 8-bit luma codes:
    line times width plus column. The first of equals comes first; -1 where there are no more."""
    colours: NDArray[np.int64] | None = None
    """(2, 9, 16) sums of the codes of U and of V; 0 in grey."""


Planes = tuple[Plane, ...]
Kernel = Callable[[Planes, Planes | None, int, frozenset[Group], Colour], Sums]
"""Planes of a frame, of the frame before it (or None), bit depth, wanted groups, and what its codes mean."""


class Backend(Protocol):
    """Sums up the frames of a batch."""

    def __call__(
        self, frames: Sequence[Planes], before: Sequence[Planes | None], depth: int, groups: frozenset[Group],
        *, colour: Colour,
    ) -> list[Sums]:  # fmt: skip
        """Sum up frames of one format, each compared to the one at its place in ``before``, where there is one."""
        ...


def one_by_one(kernel: Kernel) -> Backend:
    """The backend that runs a kernel over frame after frame."""

    def sums_of(
        frames: Sequence[Planes], before: Sequence[Planes | None], depth: int, groups: frozenset[Group],
        *, colour: Colour,
    ) -> list[Sums]:  # fmt: skip
        return [kernel(planes, old, depth, groups, colour) for planes, old in zip(frames, before, strict=True)]

    return sums_of


def edges(length: int, parts: int) -> NDArray[np.int64]:
    """Where the cells of a signature begin, and where the last one ends: (parts + 1,) int64."""
    return np.arange(parts + 1, dtype=np.int64) * length // parts


def line_step(height: int) -> int:
    """Which lines are taken where a sum over some is as good: all below 512, else some 100, of both fields alike."""
    return 1 if height < 512 else (height // 120) | 1


def some_lines(height: int) -> slice:
    """Which lines are taken where pixels are counted: every :func:`line_step`-th, from the middle of the first on."""
    return slice(line_step(height) // 2, height, line_step(height))


def first_of(every: int, first: int) -> int:
    """The first line from ``first`` on of those that are ``every`` apart, from the middle of so many on."""
    return first + (every // 2 - first) % every


@cache
def compared_lines(height: int, luma_height: int) -> Profile:
    """Which lines of a plane are compared with the frame before: all of a picture below 512 lines, else two of four."""
    lines = np.arange(height, dtype=np.int64)
    return lines if luma_height < 512 else lines[lines & 2 == 0]


def weave_step(height: int) -> int:
    """Every how many lines one is taken where lines are compared with their neighbours, of both fields alike."""
    return (height // 360) | 1


def strips(width: int) -> list[tuple[int, int]]:
    """Which columns are taken where a sum over some is as good, as (begin, end); the first column never is."""
    every = STRIP * max(1, width // 384)
    return [(max(left, 1), min(left + STRIP, width)) for left in range(0, width, every)]


def blocks(length: int, shift: int) -> int:
    """Whole blocks along so many pixels, from ``shift`` on."""
    return max(length - shift, 0) // BLOCK


def lattice(length: int) -> int:
    """Every how many lines or columns one is taken where few do, of both fields alike.

    That is from the middle of the first so many on, and all of them below 160, else 53 to 159.
    """
    return (length // 80) | 1


def columns_in_strips(width: int) -> int:
    """How many columns :func:`strips` has."""
    return sum(right - left for left, right in strips(width))


def low_code(depth: int) -> int:
    """The least legal code."""
    return LOW << (depth - 8)


def subsampling(planes: Planes) -> tuple[int, int]:
    """log2 of the luma pixels of a chroma pixel, across and down."""
    lengths = zip((planes[0].width, planes[0].height), (planes[1].width, planes[1].height), strict=True)
    across, down = (next(bits for bits in range(5) if -(-luma >> bits) == chroma) for luma, chroma in lengths)
    return across, down


def sizes(planes: Planes, before: Planes | None) -> tuple[tuple[int, int], ...]:
    """(height, width) of each plane.

    Raises:
        ValueError: The earlier frame has other sizes.
    """
    found = tuple((plane.height, plane.width) for plane in planes)
    if before is not None and found != tuple((plane.height, plane.width) for plane in before):
        raise ValueError(f"cannot compare a frame with planes of {found} to an earlier one of another size")
    return found

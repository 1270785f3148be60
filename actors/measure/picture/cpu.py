"""The sums of a frame on a CPU, compiled by numba: one pass over the lines of each plane, and the families in loops.

Each line is read once, while it is in the nearest cache, by all wanted groups. Plain loops over contiguous lines, with
accumulators as narrow as the sums allow, become packed instructions. A pixel counted where its neighbour was counted
would wait for it, so neighbours count in different tables.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from actors.measure.kernels import compiled
from actors.measure.picture.light import UNSAID, Colour
from actors.measure.picture.loops.borders import borders
from actors.measure.picture.loops.dropouts import dropouts
from actors.measure.picture.loops.edges import edge
from actors.measure.picture.loops.fields import weaves
from actors.measure.picture.loops.flash import flash
from actors.measure.picture.loops.grid import gradients
from actors.measure.picture.loops.grid_cells import grid_cells
from actors.measure.picture.loops.legal import illegal
from actors.measure.picture.loops.narrow import narrowed, packed
from actors.measure.picture.loops.seams import torn
from actors.measure.picture.loops.specks import specks
from actors.measure.picture.sums import BLOCK, COLUMNS, PAIRS, ROWS, STRIP, Group, Planes, Sums, sizes
from actors.media import Pixels, Plane

LANES = 8
"""Neighbours counted at a time."""

TABLE_CODES = 4096
"""Entries of all tables together, as long as one has no more: they share the nearest cache with the lines."""

NARROW: frozenset[Group] = frozenset({"grid", "edges", "borders", "seams", "fields", "dropouts"})
"""Groups that are summed up from 8-bit codes."""

IN_STRIPS: frozenset[Group] = frozenset({"grid", "fields", "dropouts"})
"""Groups that go down strips of columns."""

PADDING = 16
"""Entries between tables: processors take addresses that are 4 KiB apart for the same one, and wait."""


def sums(
    planes: Planes, before: Planes | None, depth: int, groups: frozenset[Group], colour: Colour = UNSAID
) -> Sums:
    """Sum up one frame; see :class:`Sums`."""
    shapes = sizes(planes, before)
    luma, signature = "luma" in groups, "signature" in groups
    olds = before if "difference" in groups else None
    codes = 1 << depth if luma else 0
    tables = np.zeros((min(LANES, max(1, TABLE_CODES >> depth)), codes + PADDING), np.uint32)
    cells = np.zeros((ROWS, COLUMNS), np.int64)
    colours, coloured = np.zeros((2, ROWS, COLUMNS), np.int64), "colours" in groups
    found = [_scan(planes[0], olds[0] if olds else None, depth, tables, cells, luma=luma, signature=signature)]
    for number, plane in enumerate(planes[1:] if olds or coloured else ()):
        old = olds[1 + number] if olds else None
        found.append(_scan(plane, old, depth, tables, colours[number], luma=False, signature=coloured))
    histogram = tables[:, :codes].sum(axis=0, dtype=np.int64) if luma else None
    narrow = narrowed(planes[0], depth) if groups & NARROW else None
    then = narrowed(before[0], depth) if before is not None and groups & PAIRS else None
    strips, taken = packed(narrow, planes[0].width) if narrow is not None and groups & IN_STRIPS else (None, [])
    strips_then = packed(then, planes[0].width)[0] if then is not None else None
    return Sums(
        sizes=shapes,
        histogram=histogram,
        differences=tuple(int(total) for total, _, _ in found) if olds else None,
        block=(int(found[0][1]), int(found[0][2])) if olds else None,
        signature=cells if signature else None,
        colours=colours if coloured else None,
        gradients=(
            gradients(narrow, planes[0].width, strips, taken)
            if narrow is not None and strips is not None and "grid" in groups else None
        ),
        illegal=illegal(planes, depth, histogram) if "levels" in groups else None,
        edge=edge(narrow, planes[0].width) if narrow is not None and "edges" in groups else None,
        borders=borders(narrow, planes[0].width) if narrow is not None and "borders" in groups else None,
        torn=torn(narrow, planes[0].width) if narrow is not None and "seams" in groups else None,
        flash=flash(planes, before, depth, colour) if before and "flash" in groups else None,
        weaves=(
            weaves(strips, strips_then, taken)
            if strips is not None and strips_then is not None and "fields" in groups else None
        ),
        dropouts=(
            dropouts(strips, strips_then, taken)
            if strips is not None and strips_then is not None and "dropouts" in groups else None
        ),
        specks=specks(narrow, planes[0].width) if narrow is not None and "dropouts" in groups else None,
    )


def load(depth: int, groups: frozenset[Group] = frozenset(get_args(Group))) -> None:
    """Load the kernels of groups for frames of a depth, or compile them: on a frame of one colour."""
    blank = np.zeros((2 * STRIP, 2 * STRIP), np.uint8 if depth == 8 else np.uint16)
    planes = tuple(Plane(blank[: STRIP * size, : STRIP * size].copy(), STRIP * size) for size in (2, 1, 1))
    sums(planes, planes, depth, groups)
    if "grid" in groups:
        grid_cells(*np.zeros((2, 1, STRIP), np.int64))


def _scan(
    plane: Plane, old: Plane | None, depth: int, tables: NDArray[np.uint32], cells: NDArray[np.int64],
    *, luma: bool, signature: bool,
) -> NDArray[np.int64]:  # fmt: skip
    """Run the kernel over a plane; returns (sum of differences, largest block's sum, its pixels)."""
    found = np.zeros(3, np.int64)
    wide = depth > 12
    kernel(plane.lines.dtype, wide)(
        plane.lines, plane.lines if old is None else old.lines, plane.width, (1 << depth) - 1,
        luma, old is not None, signature, tables,
        np.zeros(plane.width, np.uint32 if wide else np.uint16), np.zeros(plane.width, np.uint32), cells, found,
    )  # fmt: skip
    return found


@cache
def kernel(dtype: np.dtype[np.uint8 | np.uint16], wide: bool) -> Callable[..., None]:
    """The kernel for a type of pixel. 16 lines of 12-bit differences just fit 16 bits; ``wide`` ones do not."""
    from numba import from_dtype, types

    pixel, change = from_dtype(dtype), types.uint32 if wide else types.uint16
    lines = types.Array(pixel, 2, "C", readonly=True)
    return compiled(
        _lines, f"lines_{pixel}_{change}", lines, lines, types.intp, pixel, types.boolean, types.boolean, types.boolean,
        types.Array(types.uint32, 2, "C"), types.Array(change, 1, "C"), types.Array(types.uint32, 1, "C"),
        types.Array(types.int64, 2, "C"), types.Array(types.int64, 1, "C"),
    )  # fmt: skip


def _lines(
    lines: Pixels, before: Pixels, width: int, mask: int,
    luma: bool, difference: bool, signature: bool,
    tables: NDArray[np.uint32], changes: NDArray[np.uint32], totals: NDArray[np.uint32],
    cells: NDArray[np.int64], found: NDArray[np.int64],
) -> None:  # fmt: skip
    """Add to ``tables`` (a power of two, codes), ``cells`` (ROWS, COLUMNS) and ``found`` (3,).

    ``changes`` and ``totals`` are zeros of ``width``: sums down each column of a row of blocks and of a row of cells.
    """
    height = lines.shape[0]
    one = np.uint32(1)
    last = tables.shape[0] - 1
    whole = width - width % LANES
    largest, area, cell = np.int64(0), 1, 0
    for y in range(height):
        line = lines[y]
        if luma:
            for x in range(0, whole, LANES):
                for lane in range(LANES):
                    tables[lane & last, line[x + lane] & mask] += one
            for x in range(whole, width):
                tables[0, line[x] & mask] += one
        if difference:
            old = before[y]
            for x in range(width):
                now, then = line[x] & mask, old[x] & mask
                changes[x] += max(now, then) - min(now, then)
            if y % BLOCK == BLOCK - 1 or y == height - 1:
                for left in range(0, width, BLOCK):
                    right = min(left + BLOCK, width)
                    block = np.int64(0)
                    for x in range(left, right):
                        block += np.int64(changes[x])
                        changes[x] = 0
                    found[0] += block
                    pixels = (right - left) * (y % BLOCK + 1)
                    if block * area > largest * pixels:
                        largest, area = block, pixels
        if signature:
            for x in range(width):
                totals[x] += line[x] & mask
            while (cell + 1) * height // ROWS <= y:
                cell += 1
            if (cell + 1) * height // ROWS == y + 1:
                for column in range(COLUMNS):
                    for x in range(column * width // COLUMNS, (column + 1) * width // COLUMNS):
                        cells[cell, column] += np.int64(totals[x])
                        totals[x] = 0
    found[1], found[2] = largest, area

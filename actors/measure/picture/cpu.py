"""The sums of a frame on a CPU, compiled by numba: a family of loops for each group.

Plain loops over contiguous lines, with accumulators as narrow as the sums allow, become packed instructions. Lines that
several of them read are taken stripe by stripe, so that they come from memory once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from actors.measure.picture.light import UNSAID, Colour
from actors.measure.picture.loops.borders import borders
from actors.measure.picture.loops.cells import Cells
from actors.measure.picture.loops.change import Change
from actors.measure.picture.loops.dropouts import dropouts
from actors.measure.picture.loops.edges import edge
from actors.measure.picture.loops.fields import weaves
from actors.measure.picture.loops.flash import flash
from actors.measure.picture.loops.grid import gradients
from actors.measure.picture.loops.grid_cells import grid_cells
from actors.measure.picture.loops.histogram import histogram
from actors.measure.picture.loops.legal import illegal
from actors.measure.picture.loops.narrow import Strips, narrowed
from actors.measure.picture.loops.seams import torn
from actors.measure.picture.loops.specks import Specks
from actors.measure.picture.sums import BLOCK, COLUMNS, PAIRS, ROWS, STRIP, Group, Planes, Sums, sizes
from actors.media import Plane

STRIPE = 1 << 18
"""Bytes of lines that are taken after another by all loops that need each of them: with those of the frame before they
stay in the second cache."""

NOTHING = np.array([0, 0, 1], np.int64)
"""The sum of differences, and sum and pixels of the largest block, where there are none."""

NARROW: frozenset[Group] = frozenset({"grid", "edges", "borders", "seams", "dropouts"})
"""Groups that are summed up from 8-bit codes of whole lines."""

IN_STRIPS: frozenset[Group] = frozenset({"grid", "fields", "dropouts"})
"""Groups that go down strips of columns."""


def sums(
    planes: Planes, before: Planes | None, depth: int, groups: frozenset[Group], colour: Colour = UNSAID
) -> Sums:
    """Sum up one frame; see :class:`Sums`."""
    shapes = sizes(planes, before)
    olds = before if "difference" in groups else None
    cells = np.zeros((3, ROWS, COLUMNS), np.int64)
    narrow = narrowed(planes[0], depth) if groups & NARROW else None
    strips = Strips(planes[0], depth) if groups & IN_STRIPS else None
    strips_then = Strips(before[0], depth) if before is not None and groups & PAIRS else None
    specks = Specks(narrow, planes[0].width) if narrow is not None and "dropouts" in groups else None
    beside = [part for part in (specks, strips, strips_then) if part is not None]
    changes = []
    for number, (plane, group) in enumerate(zip(planes, ("signature", "colours", "colours"), strict=False)):
        old = olds[number] if olds else None
        changes.append(_scan(plane, old, depth, cells[number] if group in groups else None, [] if number else beside))
    return Sums(
        sizes=shapes,
        histogram=histogram(planes[0], depth) if "luma" in groups else None,
        differences=tuple(int(total) for total, _, _ in changes) if olds else None,
        block=(int(changes[0][1]), int(changes[0][2])) if olds else None,
        signature=cells[0] if "signature" in groups else None,
        colours=cells[1:] if "colours" in groups else None,
        gradients=(
            gradients(narrow, planes[0].width, strips.codes)
            if narrow is not None and strips is not None and "grid" in groups else None
        ),
        illegal=illegal(planes, depth) if "levels" in groups else None,
        edge=edge(narrow, planes[0].width) if narrow is not None and "edges" in groups else None,
        borders=borders(narrow, planes[0].width) if narrow is not None and "borders" in groups else None,
        torn=torn(narrow, planes[0].width) if narrow is not None and "seams" in groups else None,
        flash=flash(planes, before, depth, colour) if before and "flash" in groups else None,
        weaves=(
            weaves(strips.codes, strips_then.codes)
            if strips is not None and strips_then is not None and "fields" in groups else None
        ),
        dropouts=(
            dropouts(strips.codes, strips_then.codes, strips.ends)
            if strips is not None and strips_then is not None and "dropouts" in groups else None
        ),
        specks=specks.places if specks is not None else None,
    )


class Part(Protocol):
    """Sums of a plane that are made some lines after others."""

    def add(self, first: int, last: int) -> None:
        """Lines ``first`` to ``last``."""
        ...


def load(depth: int, groups: frozenset[Group] = frozenset(get_args(Group))) -> None:
    """Load the kernels of groups for frames of a depth, or compile them: on a frame of one colour."""
    blank = np.zeros((2 * STRIP, 2 * STRIP), np.uint8 if depth == 8 else np.uint16)
    planes = tuple(Plane(blank[: STRIP * size, : STRIP * size].copy(), STRIP * size) for size in (2, 1, 1))
    sums(planes, planes, depth, groups)
    if "grid" in groups:
        grid_cells(*np.zeros((2, 1, STRIP), np.int64))


def _scan(
    plane: Plane, old: Plane | None, depth: int, cells: NDArray[np.int64] | None, beside: Sequence[Part]
) -> NDArray[np.int64]:
    """Add to ``cells``, if they are wanted, and to parts beside; returns ``found`` of :class:`Change`."""
    change = Change(plane, old, depth) if old is not None else None
    total = Cells(plane, depth, cells) if cells is not None else None
    parts = [part for part in (change, total, *beside) if part is not None]
    step = max(STRIPE // plane.lines[0].nbytes // BLOCK, 1) * BLOCK
    for first in range(0, plane.height, step):
        for part in parts:
            part.add(first, min(first + step, plane.height))
    return NOTHING if change is None else change.found

"""The sums of a frame on a CPU, compiled by numba: a family of loops for each group.

Plain loops over contiguous lines, with accumulators as narrow as the sums allow, become packed instructions. Lines that
several of them read are taken stripe by stripe, so that they come from memory once.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Protocol, get_args

import numpy as np

from actors.measure.picture.light import UNSAID, Colour
from actors.measure.picture.loops.borders import borders
from actors.measure.picture.loops.cells import Cells
from actors.measure.picture.loops.change import Change
from actors.measure.picture.loops.dropouts import dropouts
from actors.measure.picture.loops.edges import edge
from actors.measure.picture.loops.fields import weaves
from actors.measure.picture.loops.flash import Changes
from actors.measure.picture.loops.grid import gradients
from actors.measure.picture.loops.grid_cells import grid_cells
from actors.measure.picture.loops.histogram import Histogram
from actors.measure.picture.loops.legal import Illegal
from actors.measure.picture.loops.narrow import Narrowed, Strips
from actors.measure.picture.loops.seams import torn
from actors.measure.picture.loops.specks import Specks
from actors.measure.picture.sums import BLOCK, COLUMNS, PAIRS, ROWS, STRIP, Group, Planes, Sums, sizes, subsampling
from actors.media import Plane

STRIPE = 1 << 18
"""Bytes of lines that are taken after another by all loops that need each of them: with those of the frame before they
stay in the second cache."""

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
    narrow = Narrowed(planes[0], depth) if groups & NARROW else None
    strips = Strips(planes[0], depth) if groups & IN_STRIPS else None
    strips_then = Strips(before[0], depth) if before is not None and groups & PAIRS else None
    specks = Specks(narrow.codes, planes[0].width) if narrow is not None and "dropouts" in groups else None
    counts = Histogram(planes[0], depth) if "luma" in groups else None
    levels = Illegal(planes, depth) if "levels" in groups else None
    light = Changes(planes, before, depth, colour) if before and "flash" in groups else None
    changes = [Change(plane, old, depth, planes[0].height) for plane, old in zip(planes, olds or (), strict=False)]
    totals = [
        Cells(plane, depth, cells[number]) if group in groups else None
        for number, (plane, group) in enumerate(zip(planes, ("signature", "colours", "colours"), strict=False))
    ]
    each = [list(parts) for parts in zip_longest(changes, totals)]
    _scan(planes, [[*each[0], narrow, specks, strips, strips_then, counts], *each[1:], [levels, light]])
    return Sums(
        sizes=shapes,
        histogram=counts.found if counts is not None else None,
        differences=tuple(int(change.found[0]) for change in changes) if olds else None,
        block=(int(changes[0].found[1]), int(changes[0].found[2])) if olds else None,
        signature=cells[0] if "signature" in groups else None,
        colours=cells[1:] if "colours" in groups else None,
        gradients=(
            gradients(narrow.codes, planes[0].width, strips.codes)
            if narrow is not None and strips is not None and "grid" in groups else None
        ),
        illegal=int(levels.found[0]) if levels is not None else None,
        edge=edge(narrow.codes, planes[0].width) if narrow is not None and "edges" in groups else None,
        borders=borders(narrow.codes, planes[0].width) if narrow is not None and "borders" in groups else None,
        torn=torn(narrow.codes, planes[0].width) if narrow is not None and "seams" in groups else None,
        flash=tuple(light.found.tolist()) if light is not None else None,
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


def _scan(planes: Planes, parts: Sequence[Sequence[Part | None]]) -> None:
    """Run the parts of each plane, and those of luma that want the others to have been read."""
    height = planes[0].height
    down = subsampling(planes)[1] if len(planes) > 1 else 0
    downs = [0, *[down] * (len(planes) - 1), 0]
    wanted = [(part, by) for these, by in zip(parts, downs, strict=True) for part in these if part is not None]
    block = BLOCK << down
    step = max(STRIPE // planes[0].lines[0].nbytes // block, 1) * block
    for first in range(0, height, step):
        last = min(first + step, height)
        for part, by in wanted:
            part.add(first >> by, -(-last >> by))

"""The arbiter: the sums of a frame in plain NumPy, slow and obvious."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from actors.measure.picture.light import BLUE, FRACTION, GREEN, RED, UNSAID, Colour, linear
from actors.measure.picture.sums import (
    BLOCK,
    CHROMA_TOP,
    COLUMNS,
    CONTRAST,
    DARK,
    GRADIENT,
    LIGHTS,
    LIKE,
    LUMA_TOP,
    OUTLIER,
    ROWS,
    SIDE_LINES,
    SPAN,
    SPECK,
    SPECKS,
    STREAK,
    TEAR,
    UNLIKE,
    Flash,
    Group,
    Planes,
    Profile,
    Sums,
    Weaves,
    blocks,
    compared_lines,
    edges,
    lattice,
    line_step,
    low_code,
    sizes,
    some_lines,
    strips,
    subsampling,
    weave_step,
)
from actors.media import Plane


def sums(
    planes: Planes, before: Planes | None, depth: int, groups: frozenset[Group], colour: Colour = UNSAID
) -> Sums:
    """Sum up one frame; see :class:`Sums`."""
    shapes = sizes(planes, before)
    luma = _codes(planes[0], depth)
    changes = None
    if "difference" in groups and before is not None:
        changes = [
            np.abs(_codes(plane, depth) - _codes(old, depth))[compared_lines(plane.height, planes[0].height)]
            for plane, old in zip(planes, before, strict=True)
        ]
    return Sums(
        sizes=shapes,
        histogram=np.bincount(luma[some_lines(len(luma))].ravel(), minlength=1 << depth) if "luma" in groups else None,
        differences=None if changes is None else tuple(int(change.sum()) for change in changes),
        block=None if changes is None else _largest_block(changes[0], planes[0].height),
        signature=_signature(luma) if "signature" in groups else None,
        colours=_colours(planes[1:], depth) if "colours" in groups else None,
        gradients=_gradients(luma >> (depth - 8)) if "grid" in groups else None,
        illegal=_illegal(planes, depth) if "levels" in groups else None,
        edge=_edge(luma >> (depth - 8)) if "edges" in groups else None,
        borders=_borders(luma >> (depth - 8)) if "borders" in groups else None,
        torn=_torn(luma >> (depth - 8)) if "seams" in groups else None,
        flash=_flash(planes, before, depth, colour) if before and "flash" in groups else None,
        weaves=(
            _weaves(luma >> (depth - 8), _codes(before[0], depth) >> (depth - 8))
            if before is not None and "fields" in groups else None
        ),
        dropouts=(
            _dropouts(luma >> (depth - 8), _codes(before[0], depth) >> (depth - 8))
            if before is not None and "dropouts" in groups else None
        ),
        specks=_specks(luma >> (depth - 8)) if "dropouts" in groups else None,
    )


def _codes(plane: Plane, depth: int) -> NDArray[np.int64]:
    return plane.pixels.astype(np.int64) & ((1 << depth) - 1)


def _largest_block(change: NDArray[np.int64], height: int) -> tuple[int, int]:
    """Of the lines that are compared in a picture of that height."""
    largest, area, lines = 0, 1, compared_lines(height, height)
    for row in range(lines[-1] // BLOCK + 1):
        for left in range(0, change.shape[1], BLOCK):
            block = change[lines // BLOCK == row, left : left + BLOCK]
            if int(block.sum()) * area > largest * block.size:
                largest, area = int(block.sum()), block.size
    return largest, area


def _colours(chroma: Planes, depth: int) -> NDArray[np.int64]:
    found = np.zeros((2, ROWS, COLUMNS), np.int64)
    for number, plane in enumerate(chroma):
        found[number] = _signature(_codes(plane, depth))
    return found


def _signature(luma: NDArray[np.int64]) -> NDArray[np.int64]:
    tops, lefts = edges(luma.shape[0], ROWS), edges(luma.shape[1], COLUMNS)
    return np.array(
        [
            [int(luma[tops[j] : tops[j + 1], lefts[i] : lefts[i + 1]].sum()) for i in range(COLUMNS)]
            for j in range(ROWS)
        ],
        np.int64,
    )


def _gradients(luma: NDArray[np.int64]) -> tuple[Profile, Profile, Profile, Profile]:
    height, width = luma.shape
    columns, lines = np.zeros((2, width), np.int64), np.zeros((2, height), np.int64)
    if width > 7:
        columns[:, 3:-4] = _steps(luma[1 :: line_step(height)].T).sum(axis=2)
    if height > 7:
        for left, right in strips(width):
            lines[:, 3:-4] += _steps(luma[:, left:right]).sum(axis=2)
    return columns[0], lines[0], columns[1], lines[1]


def _steps(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Steps down the first axis, over those around them and as they are: 7 fewer than codes."""
    steps = np.abs(np.diff(codes, axis=0))
    count = len(steps) - 6
    around = sum(steps[begin : begin + count] for begin in (0, 1, 2, 4, 5, 6))
    middle = steps[3 : 3 + count]
    return np.stack([(middle << GRADIENT) // np.maximum(around, 1), middle])


def _illegal(planes: Planes, depth: int) -> int:
    luma, *chroma = (_codes(plane, depth) for plane in planes)
    wrong = (luma < low_code(depth)) | (luma > LUMA_TOP << (depth - 8))
    if chroma:
        across, down = subsampling(planes)
        lines, columns = np.arange(luma.shape[0]) >> down, np.arange(luma.shape[1]) >> across
        for codes in chroma:
            wrong |= ((codes < low_code(depth)) | (codes > CHROMA_TOP << (depth - 8)))[lines[:, None], columns]
    return int(wrong[some_lines(len(luma))].sum())


def _edge(luma: NDArray[np.int64]) -> tuple[int, int, int]:
    if luma.shape[1] <= SPAN:
        return 0, 0, 0
    lines = luma[1 :: line_step(len(luma))]
    contrast = np.abs(lines[:, SPAN:] - lines[:, :-SPAN])
    step = np.abs(np.diff(lines, axis=1))[:, SPAN // 2 : -(SPAN // 2)]
    held = contrast >= CONTRAST
    return int((step * contrast)[held].sum()), int((step**2)[held].sum()), int(held.sum())


def _borders(luma: NDArray[np.int64]) -> tuple[int, int, int, int]:
    lines, columns = (luma.sum(axis=axis) // luma.shape[axis] <= DARK for axis in (1, 0))
    top, bottom, left, right = (
        int(np.argmin([*dark, False])) for dark in (lines, lines[::-1], columns, columns[::-1])
    )
    return top, bottom, left, right


def _torn(luma: NDArray[np.int64]) -> tuple[int, int]:
    return int(torn_blocks(luma, 0).sum()), int(torn_blocks(luma, BLOCK // 2).sum())


def torn_blocks(luma: NDArray[np.int64], shift: int) -> NDArray[np.bool_]:
    """(rows, columns): which whole blocks, from ``shift`` right and down on, are torn at two sides at least."""
    rows, columns = (blocks(length, shift) for length in luma.shape)
    sides = np.zeros((rows, columns), np.int64)
    every = np.arange(BLOCK)
    for row in range(rows):
        top, lines = shift + row * BLOCK, shift + row * BLOCK + np.array(SIDE_LINES)
        for column in range(columns):
            left = shift + column * BLOCK
            for x in (left, left + BLOCK):
                sides[row, column] += _tears(luma[lines], x)
            for y in (top, top + BLOCK):
                sides[row, column] += _tears(luma[:, left + every].T, y)
    return sides >= 2


def _tears(lines: NDArray[np.int64], at: int) -> bool:
    """Whether lines step at a place, on average, by that much more than beside it."""
    if not 2 <= at <= lines.shape[1] - 2:
        return False
    before, step, after = np.abs(np.diff(lines[:, at - 2 : at + 2], axis=1)).sum(axis=0)
    return bool(2 * step - before - after > 2 * TEAR * len(lines))


def _flash(planes: Planes, before: Planes, depth: int, colour: Colour) -> Flash:
    found: list[int] = []
    olds, news = _light(before, depth, colour), _light(planes, depth, colour)
    for kind, least in LIGHTS:
        then, now = olds[kind], news[kind]
        changed = np.abs(now - then) >= least
        counts = (int((changed & (now > then)).sum()), int((changed & (now < then)).sum()))
        found += [*counts, int(then[changed].sum()), int(now[changed].sum())]
    return tuple(found)


def _light(planes: Planes, depth: int, colour: Colour) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Luminance and saturated red of the pixels of the lattice."""
    codes = [_codes(plane, depth) >> (depth - 8) for plane in planes]
    lines, columns = (np.arange(lattice(n) // 2, n, lattice(n)) for n in codes[0].shape)
    grey = colour.luma * (codes[0][lines[:, None], columns] - colour.black)
    u = v = np.zeros_like(grey)
    if len(codes) > 1:
        across, down = subsampling(planes)
        u, v = (chroma[(lines >> down)[:, None], columns >> across] - 128 for chroma in codes[1:])
    signals = (grey + colour.red * v, grey - colour.green_u * u - colour.green_v * v, grey + colour.blue * u)
    half = 1 << (FRACTION - 1)
    r, g, b = (linear()[np.clip((s + half) >> FRACTION, 0, 255)].astype(np.int64) for s in signals)
    return (RED * r + GREEN * g + BLUE * b) >> 16, np.where(r >= 4 * (g + b), r - g - b, 0)


def _weaves(luma: NDArray[np.int64], before: NDArray[np.int64]) -> Weaves:
    looked_at = [column for left, right in strips(luma.shape[1]) for column in range(left, right)]
    lines = np.arange(2, max(luma.shape[0] - 2, 2), weave_step(luma.shape[0]))
    now, then = luma[:, looked_at], before[:, looked_at]
    even, odd = lines[lines % 2 == 0], lines[lines % 2 == 1]
    return (
        _woven(now, then, odd) + _woven(then, now, even),
        _woven(now, then, even) + _woven(then, now, odd),
        _woven(now, now, lines),
        int(np.abs(now - then)[even].sum()),
        int(np.abs(now - then)[odd].sum()),
    )


def _woven(around: NDArray[np.int64], within: NDArray[np.int64], lines: NDArray[np.int64]) -> int:
    """Lines of one picture between their neighbours of another."""
    return int(np.abs(around[lines - 1] + around[lines + 1] - 2 * within[lines]).sum())


def _dropouts(luma: NDArray[np.int64], before: NDArray[np.int64]) -> tuple[int, int]:
    lines = len(luma) - 4
    streaks, down, along, columns = 0, np.zeros(max(lines, 0), np.int64), np.zeros(max(lines, 0), np.int64), 0
    for left, right in strips(luma.shape[1]) if lines > 0 else ():
        highest, above, here, below, lowest = (luma[y : y + lines, left:right] for y in range(5))
        new = np.abs(here - before[2:-2, left:right]) > OUTLIER
        flags = new & _leaves(above, here, below) & _leaves(highest, here, lowest)
        streaks += sum(
            int(flags[:, begin : begin + STREAK].all(axis=1).sum()) for begin in range(right - left - STREAK + 1)
        )
        down += np.abs(here - above).sum(axis=1)
        along += np.abs(np.diff(here, axis=1)).sum(axis=1)
        columns += right - left
    return streaks, int(((LIKE * down <= along) & (along >= UNLIKE * columns)).sum()) if columns else 0


def _leaves(above: NDArray[np.int64], here: NDArray[np.int64], below: NDArray[np.int64]) -> NDArray[np.bool_]:
    out: NDArray[np.bool_] = (np.abs(above - here) + np.abs(below - here)) // 2 - np.abs(above - below) > OUTLIER
    return out


def _specks(luma: NDArray[np.int64]) -> NDArray[np.int64]:
    found = np.full(SPECKS, -1, np.int64)
    height, width = luma.shape
    if height > 2 and width > 2:
        around = [luma[y : y + height - 2, x : x + width - 2] for y in range(3) for x in range(3) if (y, x) != (1, 1)]
        here = luma[1:-1, 1:-1]
        out = np.maximum(here - np.maximum.reduce(around), np.minimum.reduce(around) - here)
        lines, columns = np.nonzero(out >= SPECK)
        places = (lines + 1) * width + columns + 1
        kept = places[np.lexsort((places, -out[lines, columns]))][:SPECKS]
        found[: len(kept)] = kept
    return found

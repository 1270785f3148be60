"""The families of sums that are made from 8-bit luma codes, with torch: as :mod:`actors.measure.picture.loops`."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from actors.measure.picture.sums import (
    BLOCK,
    CHROMA_TOP,
    COLUMNS,
    CONTRAST,
    DARK,
    GRADIENT,
    LUMA_TOP,
    ROWS,
    SIDE_LINES,
    SPAN,
    SPECK,
    SPECKS,
    TEAR,
    Group,
    blocks,
    edges,
    line_step,
    low_code,
    some_lines,
    strips,
)

NARROW: frozenset[Group] = frozenset({"grid", "edges", "borders", "seams", "dropouts"})
"""Groups that are summed up from 8-bit codes."""


def families(luma: Tensor, groups: frozenset[Group]) -> dict[str, Tensor]:
    """The sums of wanted groups, by the names of :class:`actors.measure.picture.sums.Sums`.

    Args:
        luma: (frames, height, width) int32 codes of 8 bits.
        groups: What is wanted.

    Returns:
        (frames, numbers) int64 each; of ``gradients`` all four, one after the other.
    """
    found = {}
    if "grid" in groups:
        found["gradients"] = _gradients(luma)
    if "edges" in groups:
        found["edge"] = _edge(luma)
    if "borders" in groups:
        found["borders"] = _borders(luma)
    if "seams" in groups:
        found["torn"] = torch.cat([_torn(luma, shift) for shift in (0, BLOCK // 2)], 1)
    if "dropouts" in groups:
        found["specks"] = _specks(luma)
    return found


def illegal(planes: Sequence[Tensor], across: int, down: int, depth: int) -> Tensor:
    """(frames, 1) pixels outside the legal range, of some lines.

    Args:
        planes: (frames, height, width) int32 codes of Y, or of Y, U and V.
        across: log2 of the luma pixels of a chroma pixel, across.
        down: The same, down.
        depth: Bits of a code.
    """
    luma, *chroma = planes
    wrong = (luma < low_code(depth)) | (luma > LUMA_TOP << (depth - 8))
    if chroma:
        lines, columns = (torch.arange(length, device=luma.device) for length in luma.shape[1:])
        wrong |= torch.stack([(p < low_code(depth)) | (p > CHROMA_TOP << (depth - 8)) for p in chroma]).any(0)[
            :, (lines >> down)[:, None], columns >> across
        ]
    return wrong[:, some_lines(luma.shape[1])].sum((1, 2)).unsqueeze(1)


def colours(chroma: Sequence[Tensor], words: Tensor) -> Tensor:
    """(frames, 2, 9, 16) sums of the codes of cells, of U and of V; 0 without them.

    Args:
        chroma: (frames, height, width) int32 codes of each.
        words: A row for each frame, on the device.
    """
    found = torch.zeros((len(words), 2, ROWS, COLUMNS), dtype=torch.int64, device=words.device)
    for number, codes in enumerate(chroma):
        down, along = edges(codes.shape[1], ROWS).tolist(), edges(codes.shape[2], COLUMNS).tolist()
        lines = functional.pad(codes.cumsum(1), (0, 0, 1, 0))[:, down].diff(dim=1)
        found[:, number] = functional.pad(lines.cumsum(2), (1, 0))[:, :, along].diff(dim=2)
    return found


def _gradients(luma: Tensor) -> Tensor:
    frames, height, width = luma.shape
    columns = torch.zeros((2, frames, width), dtype=torch.int64, device=luma.device)
    lines = torch.zeros((2, frames, height), dtype=torch.int64, device=luma.device)
    if width > 7:
        for row, steps in enumerate(_steps(luma[:, 1 :: line_step(height)], 2)):
            columns[row, :, 3:-4] = steps.sum(1)
    if height > 7:
        for left, right in strips(width):
            for row, steps in enumerate(_steps(luma[:, :, left:right], 1)):
                lines[row, :, 3:-4] += steps.sum(2)
    return torch.cat([columns[0], lines[0], columns[1], lines[1]], 1)


def _steps(codes: Tensor, along: int) -> tuple[Tensor, Tensor]:
    """Steps along an axis, over those around them and as they are: 7 fewer than codes."""
    steps = codes.diff(dim=along).abs_()
    count = steps.shape[along] - 6
    parts = [steps.narrow(along, begin, count) for begin in range(7)]
    around = (parts[0] + parts[1]).add_(parts[2]).add_(parts[4]).add_(parts[5]).add_(parts[6]).clamp_(min=1)
    return (parts[3] << GRADIENT).div_(around, rounding_mode="floor"), parts[3]


def _edge(luma: Tensor) -> Tensor:
    frames, height, width = luma.shape
    if width <= SPAN:
        return torch.zeros((frames, 3), dtype=torch.int64, device=luma.device)
    lines = luma[:, 1 :: line_step(height)]
    contrast = (lines[..., SPAN:] - lines[..., :-SPAN]).abs_()
    step = lines.diff(dim=2).abs_()[..., SPAN // 2 : -(SPAN // 2)]
    held = contrast >= CONTRAST
    step = step * held
    return torch.stack([(step * contrast).sum((1, 2)), (step * step).sum((1, 2)), held.sum((1, 2))], 1)


def _borders(luma: Tensor) -> Tensor:
    lines, columns = (luma.sum(axis) < (DARK + 1) * luma.shape[axis] for axis in (2, 1))
    sides = (lines, lines.flip(1), columns, columns.flip(1))
    return torch.stack([dark.to(torch.int64).cumprod(1).sum(1) for dark in sides], 1)


def _torn(luma: Tensor, shift: int) -> Tensor:
    """(frames, 1) blocks of a grid that are torn at two sides at least."""
    frames, rows, columns = len(luma), *(blocks(length, shift) for length in luma.shape[1:])
    if not rows or not columns:
        return torch.zeros((frames, 1), dtype=torch.int64, device=luma.device)
    inside = luma[:, shift : shift + rows * BLOCK]
    lines = inside.reshape(frames, rows, BLOCK, -1)[:, :, list(SIDE_LINES)]
    across = _tears(lines, 3, shift, columns).sum(2) > 2 * TEAR * len(SIDE_LINES)
    strips = luma[:, :, shift : shift + columns * BLOCK]
    down = _tears(strips, 1, shift, rows).view(frames, rows + 1, columns, BLOCK).sum(3) > 2 * TEAR * BLOCK
    sides = [across[..., :-1], across[..., 1:], down[:, :-1], down[:, 1:]]
    torn = torch.stack(sides).sum(0) >= 2
    return torn.sum((1, 2)).unsqueeze(1)


def _tears(codes: Tensor, along: int, shift: int, count: int) -> Tensor:
    """By how much twice the step at each side of ``count`` blocks exceeds those beside it; 0 at a picture's edge."""
    length = codes.shape[along]
    places = shift + BLOCK * torch.arange(count + 1, device=codes.device)
    within = (places >= 2) & (places <= length - 2)
    beside = ((places + by).clamp(0, length - 1) for by in (-2, -1, 0, 1))
    before, here, there, after = (codes.index_select(along, each) for each in beside)
    excess = 2 * (there - here).abs() - (here - before).abs() - (after - there).abs()
    shape = [1] * codes.dim()
    shape[along] = count + 1
    return excess * within.view(shape)


def _specks(luma: Tensor) -> Tensor:
    """The greatest of numbers that hold how far a pixel stands out, and how early it comes."""
    frames, height, width = luma.shape
    found = torch.full((frames, SPECKS), -1, dtype=torch.int64, device=luma.device)
    if height < 3 or width < 3:
        return found
    around = [luma[:, y : y + height - 2, x : x + width - 2] for y in range(3) for x in range(3) if (y, x) != (1, 1)]
    most, least = around[0], around[0]
    for other in around[1:]:
        most, least = torch.maximum(most, other), torch.minimum(least, other)
    here = luma[:, 1:-1, 1:-1]
    out = torch.maximum(here - most, least - here).to(torch.int64).flatten(1)
    lines = torch.arange(1, height - 1, device=luma.device)[:, None] * width
    place = (lines + torch.arange(1, width - 1, device=luma.device)).flatten()
    pixels = height * width
    best = (out * pixels + (pixels - 1 - place)).topk(min(SPECKS, out.shape[1])).values
    found[:, : best.shape[1]] = torch.where(best >= SPECK * pixels, pixels - 1 - best % pixels, -1)
    return found

"""What of a picture became lighter or darker, with torch: as :mod:`actors.measure.picture.loops.flash`."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from actors.measure.picture.light import BLUE, FRACTION, GREEN, RED, Colour, linear
from actors.measure.picture.sums import LIGHTS, lattice


def points(size: tuple[int, int], across: int, down: int) -> tuple[list[int], list[int]]:
    """Lines and columns of the lattice on a plane, of which luma has ``size``; subsampled by 2^across and 2^down."""
    lines, columns = (range(lattice(length) // 2, length, lattice(length)) for length in size)
    return [line >> down for line in lines], [column >> across for column in columns]


def flash(planes: Sequence[Tensor], depth: int, colour: Colour) -> Tensor:
    """(frames - 1, 12): each frame but the first beside the one in front of it.

    Args:
        planes: (frames, lines, columns) int32 codes of the lattice, of Y, or of Y, U and V.
        depth: Bits of a code.
        colour: What the codes mean.
    """
    luma, *chroma = (plane >> (depth - 8) for plane in planes)
    grey = colour.luma * (luma - colour.black) + (1 << (FRACTION - 1))
    signals = [grey, grey, grey]
    if chroma:
        u, v = (plane - 128 for plane in chroma)
        signals = [grey + colour.red * v, grey - colour.green_u * u - colour.green_v * v, grey + colour.blue * u]
    light = torch.from_numpy(linear()).to(luma.device)
    r, g, b = (light[(signal >> FRACTION).clamp_(0, 255)] for signal in signals)
    found = (RED * r + GREEN * g + BLUE * b) >> 16, torch.where(r >= 4 * (g + b), r - g - b, 0)
    return torch.cat([_changes(found[kind], least) for kind, least in LIGHTS], 1)


def _changes(values: Tensor, least: int) -> Tensor:
    then, now = values[:-1], values[1:]
    step = now - then
    changed = step.abs() >= least
    numbers = (changed & (step > 0), changed & (step < 0), then * changed, now * changed)
    return torch.stack([number.sum((1, 2)) for number in numbers], 1)

"""The families of sums that compare 8-bit luma codes with those of the frame before, with torch."""

from __future__ import annotations

import torch
from torch import Tensor

from actors.measure.picture.sums import LIKE, OUTLIER, STREAK, UNLIKE, Group, columns_in_strips, strips, weave_step


def pairs(luma: Tensor, groups: frozenset[Group]) -> dict[str, Tensor]:
    """The sums of wanted groups, by the names of :class:`actors.measure.picture.sums.Sums`.

    Args:
        luma: (frames, height, width) int32 codes of 8 bits.
        groups: What is wanted.

    Returns:
        (frames - 1, numbers) int64 each, of each frame but the first and the one in front of it.
    """
    found = {}
    if "fields" in groups:
        found["weaves"] = _weaves(luma)
    if "dropouts" in groups:
        found["dropouts"] = _dropouts(luma)
    return found


def _weaves(luma: Tensor) -> Tensor:
    height, width = luma.shape[1:]
    found = torch.zeros((len(luma) - 1, 5), dtype=torch.int64, device=luma.device)
    every = weave_step(height)
    even = (torch.arange(2, max(height - 2, 2), every, device=luma.device) % 2 == 0).to(torch.int64)
    for left, right in strips(width) if height > 4 else ():
        strip = luma[:, :, left:right]
        around, twice = strip[:, 1:-3:every] + strip[:, 3:-1:every], 2 * strip[:, 2:-2:every]
        by_then, by_now = (around[1:] - twice[:-1]).abs().sum(2), (around[:-1] - twice[1:]).abs().sum(2)
        own, change = (around - twice)[1:].abs().sum(2), strip.diff(dim=0).abs()[:, 2:-2:every].sum(2)
        first, second = by_then * (1 - even) + by_now * even, by_then * even + by_now * (1 - even)
        found += torch.stack([first, second, own, change * even, change * (1 - even)], 1).sum(2)
    return found


def _dropouts(luma: Tensor) -> Tensor:
    height, width = luma.shape[1:]
    found = torch.zeros((len(luma) - 1, 2), dtype=torch.int64, device=luma.device)
    if height < 5 or not columns_in_strips(width):
        return found
    steps = torch.zeros((2, len(luma) - 1, height - 4), dtype=torch.int64, device=luma.device)
    for left, right in strips(width):
        strip = luma[1:, :, left:right]
        highest, above, here, below, lowest = (strip[:, y : y + height - 4] for y in range(5))
        flags = (here - luma[:-1, 2:-2, left:right]).abs() > OUTLIER
        flags &= _leaves(above, here, below) & _leaves(highest, here, lowest)
        if right - left >= STREAK:
            found[:, 0] += flags.unfold(2, STREAK, 1).all(3).sum((1, 2))
        steps[0] += (here - above).abs().sum(2)
        steps[1] += here.diff(dim=2).abs().sum(2)
    found[:, 1] = ((LIKE * steps[0] <= steps[1]) & (steps[1] >= UNLIKE * columns_in_strips(width))).sum(1)
    return found


def _leaves(above: Tensor, here: Tensor, below: Tensor) -> Tensor:
    return (((above - here).abs() + (below - here).abs()) >> 1) - (above - below).abs() > OUTLIER

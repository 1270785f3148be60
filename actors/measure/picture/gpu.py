"""The sums of a batch of frames with torch: on a GPU, or on a CPU, where the same code is tested.

Planes are staged without their padding, filled up with zeros to whole blocks, in one buffer that travels in one copy.
Torch would widen pixels to 64 bits before it adds them up. Here 8 of them (or 4 of 16 bits) stay in one little-endian
word and are added there, every other one at a time, in lanes of twice their width.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, lru_cache
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from actors.measure.picture.gpu_flash import flash, points
from actors.measure.picture.gpu_luma import NARROW, colours, families, illegal
from actors.measure.picture.gpu_pairs import pairs
from actors.measure.picture.gpu_rows import Shapes, frame_sums
from actors.measure.picture.light import UNSAID, Colour
from actors.measure.picture.sums import (
    BLOCK,
    COLUMNS,
    COMPARED,
    PAIRS,
    ROWS,
    Group,
    Planes,
    Sums,
    compared_lines,
    edges,
    sizes,
    some_lines,
    subsampling,
)
from actors.media import Pixels
from actors.nvdec import DevicePlane

LINES = 128
"""Lines of codes that a lane holds without reaching its sign: 128 * 255 < 2^15, 128 * 65535 < 2^31."""

TABLE_CODES = 1 << 15
"""Entries of all tables of a frame together, as long as one has no more. Neighbours count in different tables: on a GPU
pixels of one code would wait for each other."""

STAGING_THREADS = 8
"""A GPU takes in a batch faster than one core can stage it."""


def usable() -> bool:
    """Whether this build of torch finds a GPU that it can use."""
    return torch.cuda.is_available()


def sums_of(
    frames: Sequence[Planes], before: Sequence[Planes | None], depth: int, groups: frozenset[Group],
    device: Literal["cpu", "cuda"], colour: Colour = UNSAID,
) -> list[Sums]:  # fmt: skip
    """Sum up the frames of a batch; see :class:`Sums`.

    On a GPU all work goes to the current stream of the calling thread, and is done when the call returns.

    Args:
        frames: Frames of one format.
        before: The frame that each is compared to, or None. One that is the very tuple in front of it in ``frames``,
            as in a run of frames, travels once.
        depth: Bits of a code, 8 to 16.
        groups: What is wanted.
        device: Where to compute.
        colour: What the codes mean.

    Returns:
        One for each frame.

    Raises:
        ValueError: The frames, or a frame and its earlier one, have different sizes.
    """
    shapes = {sizes(planes, old) for planes, old in zip(frames, before, strict=True)}
    if len(shapes) > 1:
        raise ValueError(f"cannot sum up frames of another size in one batch: planes of {sorted(shapes)}")
    if not shapes:
        return []
    olds = before if groups & COMPARED else [None] * len(frames)
    stack, slots = _chain(frames, olds)
    plan = _plan(shapes.pop(), depth, device)
    words = plan.load(stack)
    own = words[slots[0] :]
    found = {}
    if "luma" in groups:
        found["histogram"] = plan.histograms(own)
    if "signature" in groups:
        found["signature"] = plan.signatures(own)
    if "colours" in groups:
        found["colours"] = colours([plan.codes(own, plane) for plane in range(1, len(frames[0]))], own)
    if groups & NARROW:
        found |= families(plan.codes(own) >> (depth - 8), groups)
    if "levels" in groups:
        across, down = subsampling(frames[0]) if len(frames[0]) > 1 else (0, 0)
        found["illegal"] = illegal([plan.codes(own, plane) for plane in range(len(frames[0]))], across, down, depth)
    if any(old is not None for old in olds):
        found |= _compared(plan, words, frames[0], colour, groups)
    host = _fetched(found)
    return [
        frame_sums(plan.sizes, host, slot - slots[0], None if old is None else slot - 1)
        for slot, old in zip(slots, olds, strict=True)
    ]  # fmt: skip


def _compared(
    plan: _Plan, words: Tensor, planes: Planes, colour: Colour, groups: frozenset[Group]
) -> dict[str, Tensor]:
    """Sums of each frame but the first beside the one in front of it."""
    found = {}
    if "difference" in groups:
        found["change"] = plan.changes(words)
    if groups & PAIRS:
        found |= pairs(plan.codes(words) >> (plan.depth - 8), groups)
    if "flash" in groups:
        found["flash"] = flash([plan.sampled(words, planes, plane) for plane in range(len(planes))], plan.depth, colour)
    return found


def _chain(frames: Sequence[Planes], before: Sequence[Planes | None]) -> tuple[list[Planes], list[int]]:
    """Frames in an order in which each follows the one that it is compared to, and where those of the batch stand."""
    stack: list[Planes] = []
    slots = []
    for planes, old in zip(frames, before, strict=True):
        if old is not None and not (stack and stack[-1] is old):
            stack.append(old)
        slots.append(len(stack))
        stack.append(planes)
    return stack, slots


def _fetched(found: dict[str, Tensor]) -> dict[str, NDArray[np.int64]]:
    """Bring int64 tensors to the host in one copy."""
    if not found:
        return {}
    host = torch.cat([tensor.flatten() for tensor in found.values()]).cpu().numpy()
    parts = np.split(host, np.cumsum([tensor.numel() for tensor in found.values()])[:-1])
    return {name: part.reshape(tensor.shape) for (name, tensor), part in zip(found.items(), parts, strict=True)}


@cache
def _stagers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(min(STAGING_THREADS, os.cpu_count() or 1), "staging")


class _Plan:
    """How frames of one format lie in a buffer, and the sums of such frames.

    A frame is a row of int64 words: its planes one after the other, each (lines, columns) filled up to whole blocks.
    """

    def __init__(self, shapes: Shapes, depth: int, device: str) -> None:
        self.sizes, self.depth, self._device = shapes, depth, device
        self._bits = 8 if depth == 8 else 16
        self._per_word = 64 // self._bits
        self._pixel, self._lane = (torch.uint8, torch.int16) if depth == 8 else (torch.int16, torch.int32)
        self._even = 0x00FF00FF00FF00FF if depth == 8 else 0x0000FFFF0000FFFF
        self._filled = [tuple(-(-length // BLOCK) * BLOCK for length in shape) for shape in shapes]
        self._ends = np.cumsum([lines * columns for lines, columns in self._filled]).tolist()
        height, width = shapes[0]
        self._tables = max(1, TABLE_CODES >> depth)
        self._table = self._sent((np.arange(width) % self._tables) << depth)
        down = np.bincount(compared_lines(height, height) // BLOCK)
        across = np.minimum(BLOCK, width - np.arange(0, width, BLOCK))
        self._compared = self._sent(compared_lines(BLOCK, height))
        pixels = np.outer(down, across).ravel()
        self._block_pixels = self._sent(pixels)
        self._block_weights = self._sent(len(self._compared) * down[-1] * BLOCK * across[-1] // pixels)
        cell, part = _cells(height, ROWS)
        self._parts = int(part.max()) // LINES + 1
        self._line_sums = self._sent(cell * self._parts + part // LINES)
        self._column_cells = self._sent(_cells(width, COLUMNS)[0])

    def _sent(self, values: NDArray[np.int64]) -> Tensor:
        return torch.from_numpy(values).to(self._device)

    def load(self, stack: Sequence[Planes]) -> Tensor:
        """Copy frames to the device: (frames, words) int64, with the bits above the depth cleared."""
        shape = (len(stack), self._ends[-1] // self._per_word)
        if all(isinstance(plane, DevicePlane) for planes in stack for plane in planes):
            return self._gathered(stack, shape)
        buffer = torch.empty(shape, dtype=torch.int64, pin_memory=self._device == "cuda")
        rows = buffer.numpy().view(np.uint8 if self._bits == 8 else np.uint16)
        for _ in _stagers().map(self._stage, stack, rows):
            pass
        words = buffer.to(self._device, non_blocking=True)
        if self.depth < self._bits:
            words &= ((1 << self.depth) - 1) * 0x0001000100010001
        return words

    def _gathered(self, stack: Sequence[Planes], shape: tuple[int, int]) -> Tensor:
        """The same of frames that lie on the device."""
        words = torch.zeros(shape, dtype=torch.int64, device=self._device)
        for planes, row in zip(stack, words.view(torch.uint8 if self._bits == 8 else torch.int16), strict=True):
            for plane, filled, end in zip(planes, self._filled, self._ends, strict=True):
                assert isinstance(plane, DevicePlane)
                height, width = plane.tensor.shape
                row[end - filled[0] * filled[1] : end].view(filled)[:height, :width] = plane.tensor
        return words

    def _stage(self, planes: Planes, row: Pixels) -> None:
        for plane, filled, end in zip(planes, self._filled, self._ends, strict=True):
            height, width = len(plane.lines), plane.width
            area = row[end - filled[0] * filled[1] : end].reshape(filled)
            area[:height, :width] = plane.pixels
            area[:height, width:] = 0
            area[height:] = 0

    def _plane(self, words: Tensor, plane: int) -> Tensor:
        """(frames, lines, words of a line), without the lines that were filled in."""
        lines, columns = self._filled[plane]
        end = self._ends[plane] // self._per_word
        found = words[:, end - lines * columns // self._per_word : end]
        return found.view(len(words), lines, columns // self._per_word)[:, : self.sizes[plane][0]]

    def codes(self, words: Tensor, plane: int = 0) -> Tensor:
        """(frames, lines, columns) int32 codes of a plane."""
        codes = self._plane(words, plane).view(self._pixel)[..., : self.sizes[plane][1]].to(torch.int32)
        return codes & ((1 << self.depth) - 1)

    def sampled(self, words: Tensor, planes: Planes, plane: int) -> Tensor:
        """(frames, lines, columns) int32 codes of a plane on the lattice."""
        across, down = subsampling(planes) if plane else (0, 0)
        lines, columns = (self._sent(np.array(at)) for at in points(self.sizes[0], across, down))
        codes = self._plane(words, plane).view(self._pixel)[:, lines][:, :, columns].to(torch.int32)
        return codes & ((1 << self.depth) - 1)

    def histograms(self, words: Tensor) -> Tensor:
        """(frames, 2^depth) pixels of each luma code, of some lines."""
        codes = self._plane(words, 0)[:, some_lines(self.sizes[0][0])].view(self._pixel)[..., : self.sizes[0][1]]
        if self.depth == 16:
            codes = codes.view(torch.uint16).to(torch.int32)
        index = (codes + self._table).flatten(1)
        tables = torch.zeros((len(words), self._tables << self.depth), dtype=torch.int32, device=words.device)
        tables.scatter_add_(1, index, tables.new_ones(()).expand_as(index))
        return tables.view(len(words), self._tables, -1).sum(1)

    def signatures(self, words: Tensor) -> Tensor:
        """(frames, 9, 16) sums of luma codes: down the columns of each cell first, then along them."""
        luma = self._plane(words, 0)
        sums = luma.new_zeros((2, len(words), ROWS * self._parts, luma.shape[2]))
        sums[0].index_add_(1, self._line_sums, luma & self._even)
        sums[1].index_add_(1, self._line_sums, (luma >> self._bits) & self._even)
        columns = torch.stack(sums.view(self._lane).unbind(), dim=-1).flatten(2)[..., : self.sizes[0][1]]
        columns = columns.view(len(words), ROWS, self._parts, -1).sum(2)
        return columns.new_zeros((len(words), ROWS, COLUMNS)).index_add_(2, self._column_cells, columns)

    def changes(self, words: Tensor) -> Tensor:
        """Compare each frame but the first to the one in front of it.

        Returns:
            (frames - 1, planes + 2): sums of absolute differences per plane, then sum and pixels of the largest block.
        """
        blocks = self._blocks(self._differences(words))
        luma = blocks[0]
        largest = (luma * self._block_weights).argmax(1, keepdim=True)
        total = luma.gather(1, largest)
        pixels = torch.where(total > 0, self._block_pixels[largest], 1)
        return torch.cat([*(plane.sum(1, keepdim=True) for plane in blocks), total, pixels], 1)

    def _differences(self, words: Tensor) -> Tensor:
        """(frames - 1, words): absolute differences of neighbours in a word, added up in lanes of twice their width."""
        pixels = words.view(self._pixel)
        if self.depth == 16:
            pixels = pixels ^ -(1 << 15)  # signed numbers in the order of the codes
        now, then = pixels[1:], pixels[:-1]
        change = torch.maximum(now, then).sub_(torch.minimum(now, then)).view(torch.int64)
        even = change & self._even
        change >>= self._bits
        change &= self._even
        return even.add_(change)

    def _blocks(self, lanes: Tensor) -> list[Tensor]:
        """(frames - 1, blocks) sums for each plane: down the lines that are compared first, then along them."""
        found, begin = [], 0
        for (lines, columns), end in zip(self._filled, self._ends, strict=True):
            plane = lanes[:, begin // self._per_word : end // self._per_word]
            sums = plane.view(len(lanes), lines // BLOCK, BLOCK, -1)[:, :, self._compared].sum(2).view(self._lane)
            found.append(sums.view(*sums.shape[:2], columns // BLOCK, -1).sum(3).flatten(1))
            begin = end
        return found


_plan = lru_cache(maxsize=8)(_Plan)


def _cells(length: int, parts: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The cell of each line or column, and how far it is from where the cell begins."""
    begins = edges(length, parts)
    places = np.arange(length, dtype=np.int64)
    cell = np.searchsorted(begins[1:], places, side="right")
    return cell, places - begins[cell]

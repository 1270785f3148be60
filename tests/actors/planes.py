"""Random planes of every layout, and sums as values that compare."""

from dataclasses import fields
from typing import get_args

import numpy as np

from actors.measure.picture.sums import Group
from actors.media import Plane

GROUPS = get_args(Group)
ALL = frozenset(GROUPS)
CHROMA = (None, (0, 0), (1, 0), (1, 1), (0, 1), (2, 0), (2, 2))
"""log2 of horizontal and vertical subsampling; None is grey."""

FIELDS = {
    "luma": {"histogram"}, "difference": {"differences", "block"}, "signature": {"signature"}, "grid": {"gradients"},
    "levels": {"illegal"}, "edges": {"edge"}, "borders": {"borders"}, "seams": {"torn"}, "flash": {"flash"},
    "fields": {"weaves"}, "dropouts": {"dropouts", "specks"}, "colours": {"colours"},
}  # fmt: skip


def make_plane(rng, height, width, depth, padding=0, spread=None):
    """Random pixels, garbage in the padding and, where there are any, in the bits above the depth."""
    dtype = np.uint8 if depth == 8 else np.uint16
    lines = rng.integers(0, np.iinfo(dtype).max, (height, width + padding), dtype=dtype, endpoint=True)
    if spread is not None:
        lines[:, :width] = np.clip(rng.normal(spread, 2, (height, width)), 0, (1 << depth) - 1)
    return Plane(lines, width)


def make_planes(rng, width, height, depth, chroma=(1, 1), padding=0, spread=None):
    """Y, or Y, U, V where ``chroma`` gives log2 of the subsampling, rounded up as FFmpeg does."""
    shapes = [(height, width)]
    if chroma is not None:
        shapes += [(-(-height // 2 ** chroma[1]), -(-width // 2 ** chroma[0]))] * 2
    return tuple(make_plane(rng, *shape, depth, padding, spread) for shape in shapes)


def as_values(sums):
    return {field.name: plain(getattr(sums, field.name)) for field in fields(sums)}


def plain(value):
    if isinstance(value, np.ndarray):
        return value.tolist()
    return tuple(plain(each) for each in value) if isinstance(value, tuple) else value


def numbers_in(sums):
    """How many numbers a frame's sums hold, without its sizes."""
    values = (getattr(sums, field.name) for field in fields(sums) if field.name != "sizes")
    return sum(count(value) for value in values if value is not None)


def count(value):
    return sum(count(each) for each in value) if isinstance(value, tuple) else np.size(value)

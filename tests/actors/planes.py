"""Random planes of every layout, and sums as values that compare."""

import numpy as np

from actors.media import Plane

GROUPS = ("luma", "difference", "signature")
ALL = frozenset(GROUPS)
CHROMA = (None, (0, 0), (1, 0), (1, 1), (0, 1), (2, 0), (2, 2))
"""log2 of horizontal and vertical subsampling; None is grey."""

FIELDS = {"luma": {"histogram"}, "difference": {"differences", "block"}, "signature": {"signature"}}


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
    return {
        name: value.tolist() if isinstance(value := getattr(sums, name), np.ndarray) else value
        for name in ("sizes", "histogram", "differences", "block", "signature")
    }


def numbers_in(sums):
    """How many numbers a frame's sums hold."""
    arrays = [each for each in (sums.histogram, sums.signature) if each is not None]
    return sum(array.size for array in arrays) + len(sums.differences or ()) + len(sums.block or ())

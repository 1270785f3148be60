"""Extremes of stretches that slide along values."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Number = TypeVar("Number", np.int64, np.float64)


def slide(extreme: np.ufunc, values: NDArray[Number], width: int) -> NDArray[Number]:
    """The extreme of each ``width`` consecutive values: of halves that overlap, which an extreme may.

    Args:
        extreme: ``np.minimum``, ``np.maximum``, or another that takes a value twice without harm.
        values: (n,), n at least ``width``.
        width: At least 1.

    Returns:
        (n - width + 1,); of :func:`np.minimum` and :func:`np.maximum` NaN where any of the values is.
    """
    done = 1
    while done < width:
        step = min(done, width - done)
        values, done = extreme(values[:-step], values[step:]), done + step
    return values

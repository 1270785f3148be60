"""The constants of ITU-R BS.1770-4: K-weighting at any sample rate, channel weights, the true-peak interpolator."""

from __future__ import annotations

import math

import av
import numpy as np
from numpy.typing import NDArray

from actors.media import AudioFormat

LOWEST_RATE = 4000
"""Hz. Below it the shelf of the K-weighting lies too near to half the rate to be built: loudness is not measured."""

TAPS = 12
"""Samples that each phase of the interpolator sees."""

_SHELF = (1.53512485958697, -2.69169618940638, 1.19839281085285, -1.69065929318241, 0.73248077421585)
_HIGH_PASS = (1.0, -2.0, 1.0, -1.99004745483398, 0.99007225036621)
_TABLE_RATE = 48000

_PHASES = (
    (0.0017089843750, 0.0109863281250, -0.0196533203125, 0.0332031250000, -0.0594482421875, 0.1373291015625,
     0.9721679687500, -0.1022949218750, 0.0476074218750, -0.0266113281250, 0.0148925781250, -0.0083007812500),
    (-0.0291748046875, 0.0292968750000, -0.0517578125000, 0.0891113281250, -0.1665039062500, 0.4650878906250,
     0.7797851562500, -0.2003173828125, 0.1015625000000, -0.0582275390625, 0.0330810546875, -0.0189208984375),
)  # fmt: skip


def interpolator() -> NDArray[np.float64]:
    """(4, 12) taps of the four phases (BS.1770-4, annex 2). Two and two mirror each other: time may run either way."""
    first, second = (np.array(phase) for phase in _PHASES)
    return np.array([first, second, second[::-1], first[::-1]])


def k_weighting(rate: int) -> NDArray[np.float64]:
    """Coefficients of the two biquads at a sample rate.

    BS.1770-4, annex 1, tables 1 and 2, gives them for 48 kHz. For another rate each is taken back to its analogue
    prototype by the inverse bilinear transform, ``z^-1 = (1 - s) / (1 + s)``, moved so that its pole frequency stays
    where it was in Hz, and transformed forth again. At 48 kHz this is the table itself.

    Returns:
        (2, 5) float64: b0, b1, b2, a1, a2 of the shelf and of the high-pass. NaN below :data:`LOWEST_RATE`.
    """
    if rate < LOWEST_RATE:
        return np.full((2, 5), np.nan)
    return np.array([_moved(stage, rate) for stage in (_SHELF, _HIGH_PASS)])


def _moved(stage: tuple[float, float, float, float, float], rate: int) -> tuple[float, float, float, float, float]:
    b0, b1, b2, a1, a2 = stage
    above, below = _swapped(b0, b1, b2), _swapped(1.0, a1, a2)
    pole = math.sqrt(below[0] / below[2])
    scale = pole / math.tan(math.atan(pole) * _TABLE_RATE / rate)
    powers = (1.0, scale, scale * scale)
    above = _swapped(*(value * power for value, power in zip(above, powers, strict=True)))
    below = _swapped(*(value * power for value, power in zip(below, powers, strict=True)))
    return above[0] / below[0], above[1] / below[0], above[2] / below[0], below[1] / below[0], below[2] / below[0]


def _swapped(first: float, second: float, third: float) -> tuple[float, float, float]:
    """A quadratic in ``z^-1`` as one in ``s``, or back: the bilinear transform is its own inverse, up to a factor."""
    return first + second + third, 2 * (first - third), first - second + third


def channel_names(format: AudioFormat) -> tuple[str, ...]:
    """FFmpeg's names of the channels (``FL``, ``LFE``), or ``?`` for each where the layout names none."""
    try:
        names = tuple(channel.name for channel in av.AudioLayout(format.layout).channels)
    except ValueError:
        names = ()
    return names if len(names) == format.channels else ("?",) * format.channels


def channel_weights(format: AudioFormat) -> NDArray[np.float64]:
    """(channels,) G of BS.1770-4, tables 3 and 4: 1.41 for what stands at the sides, 0 for LFE, else 1.

    The back pair of a layout without a side pair is its surround pair.
    """
    names = channel_names(format)
    sides = {"SL", "SR"} if "SL" in names else {"BL", "BR"}
    return np.array([0.0 if name.startswith("LFE") else 1.41 if name in sides else 1.0 for name in names])

"""Why a picture is held: what its packets and its noise say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from actors.measure import Rows
from actors.media import VideoFormat

SAME = 1e-5
"""Mean difference, as a share of full scale, of a frame that repeats the one before it."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts over the frames of a freeze, and the longest that one of them was shown, in ticks.

    ``repeats``: hardly any difference and hardly any bytes. ``alive``: bytes were spent on it. Key frames count as
    neither.
    """

    frames: int = 0
    corrupt: int = 0
    inter: int = 0
    repeats: int = 0
    alive: int = 0
    longest: int = 0


NONE = Tally()
"""Nothing counted."""


def tally(before: Tally, rows: Rows, waited: NDArray[np.int64], first: int, stop: int) -> Tally:
    """Add rows ``first`` to ``stop``. ``waited``: (n,) ticks since the row before each."""
    columns = {name: values[first:stop] for name, values in rows.columns.items()}
    inter = ~columns["key"].astype(np.bool_)
    alive = inter & (columns["packet_bytes"].astype(np.int64) > idle_bytes(rows.format))
    repeats = inter & ~alive & (columns["difference"].astype(np.float64) <= SAME)
    shown = max(int(waited[first:stop].max()), int(columns["duration"].max()))
    return Tally(
        before.frames + stop - first, before.corrupt + int(columns["corrupt"].sum()),
        before.inter + int(inter.sum()), before.repeats + int(repeats.sum()), before.alive + int(alive.sum()),
        max(before.longest, shown),
    )  # fmt: skip


def idle_bytes(format_text: str) -> int:
    """Bytes of a packet that says no more than "as before": at most half a byte for each macroblock, and a header."""
    fmt = VideoFormat.parse(format_text)
    return 32 + -(-fmt.width // 16) * -(-fmt.height // 16) // 2


def cause_of(counts: Tally, length: int) -> str:
    """The cause of a freeze of so many ticks.

    ``no_packets``: one frame was shown for half of it or longer. ``decode_failure``: half of the frames were damaged.
    ``repeated_picture``: three in four frames repeat the one before it. ``still_picture``: most frames still carried
    something. Else ``unknown``.
    """
    if 2 * counts.longest >= length:
        return "no_packets"
    if counts.corrupt and 2 * counts.corrupt >= counts.frames:
        return "decode_failure"
    if counts.repeats and 4 * counts.repeats >= 3 * counts.inter:
        return "repeated_picture"
    return "still_picture" if 2 * counts.alive > counts.inter else "unknown"

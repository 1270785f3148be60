"""Captions that pictures carry (CEA-608 and CEA-708 in ATSC A/53 user data): how much of them says something."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
from av.sidedata.sidedata import SideDataContainer

if TYPE_CHECKING:
    import av
    from av.sidedata.sidedata import SideData

NONE = -1
"""A picture that carries no caption data, not even padding."""


def pairs(frame: av.VideoFrame) -> int:
    """Byte pairs of captions that a picture carries, padding left out; :data:`NONE` where there is no caption data.

    ``frame.side_data`` would be kept by the frame, and keep it: the decoder would have its picture back only when
    Python looks for cycles.
    """
    data = SideDataContainer(frame).get("A53_CC")  # type: ignore[call-arg]
    return NONE if data is None else counted(bytes(cast("SideData", data)))


def counted(data: bytes) -> int:
    """Byte pairs that say something.

    Of a triplet the lowest bits say its kind, and the third whether it is valid (ATSC A/53 part 4, cc_data). Field 1 of
    line 21 counts where it is not null, and what CEA-708 carries. Field 2 does not: it mostly tells of the programme.
    """
    raw = np.frombuffer(data, np.uint8)
    triplets = raw[: len(raw) // 3 * 3].reshape(-1, 3)
    kind, valid = triplets[:, 0] & 3, triplets[:, 0] & 4 != 0
    text = (triplets[:, 1:] & 0x7F != 0).any(axis=1)
    digital = (triplets[:, 1:] != 0).any(axis=1)
    return int(np.count_nonzero(valid & np.where(kind == 0, text, (kind > 1) & digital)))

"""Whether other processes should decode a stream again or be sent its frames: what each costs, and where they meet.

The work compared is the way of the frames alone; meters cost the same in both. Only a decoder that every detector can
reach by reference (``fused``) has neither cost.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from cluster.cost import GB, HOUR_SECONDS, exact
from cluster.prices import Sheet

Carrier = Literal["object_store", "network"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frames:
    """A stream's pictures, and what it takes to have them elsewhere.

    ``decoded_per_second`` is its frame rate: whoever decodes again decodes all of it. ``sent_per_second`` is how many
    of them the detectors look at. Bytes are of one native picture.
    """

    decoded_per_second: float
    sent_per_second: float
    bytes_per_frame: float
    decode_cpu_seconds_per_frame: float
    copy_cpu_seconds_per_byte: float

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be more than 0, and finite")


@dataclass(frozen=True, slots=True)
class BreakEven:
    """Both ways' money per stream-hour, and where they meet if one thing changes and the others stay.

    ``detectors``: with fewer processes than these decoding again is cheaper; None: with any number.
    ``bytes_per_frame``, ``sent_per_second``: above these decoding again is cheaper; None: sending costs nothing.
    """

    decode_again: Decimal
    send: Decimal
    detectors: int | None
    bytes_per_frame: Decimal | None
    sent_per_second: Decimal | None


def cpu_second(sheet: Sheet) -> Decimal:
    """What a CPU second costs on the sheet's host at its utilisation, memory left out (an instance has it included)."""
    if sheet.packing.host == "instance":
        hour = sheet.instance.time.each / sheet.instance.vcpus
    else:
        hour = sheet.container.processor_time.each
    return hour / HOUR_SECONDS / sheet.packing.utilisation


def sent_byte(sheet: Sheet) -> Decimal:
    """What a byte costs on its way to a machine in another zone."""
    return sheet.transfer.each / GB


def breakeven(
    frames: Frames, detectors: int, carrier: Carrier, price_cpu_second: Decimal, price_byte: Decimal
) -> BreakEven:
    """Compare decoding again in each of ``detectors`` processes with sending them the frames of one decoder.

    With n detectors, f frames decoded and s sent each second, B bytes a frame, D CPU seconds to decode one, c to copy
    a byte, and prices P of a CPU second and T of a byte sent, a second costs

        decoding again:  n f D P
        object store:    s B c P                        one copy in, read in place by all on that machine
        network:         s B (c P + n (c P + T))        and each detector, on a machine of its own, pulls a copy

    Sending packets is left out: at 3 to 15 Mb/s they are 40 to 200 times smaller than the pictures of 1080p25.

    Args:
        frames: The stream.
        detectors: Processes that need its pictures, beside the decoder.
        carrier: What would carry them.
        price_cpu_second: See :func:`cpu_second`.
        price_byte: Of a byte that leaves the machine; see :func:`sent_byte`.

    Raises:
        ValueError: Less than one detector.
    """
    if detectors < 1:
        raise ValueError("without a detector elsewhere there is nothing to compare")
    decoded, sent = exact(frames.decoded_per_second), exact(frames.sent_per_second)
    size, copy = exact(frames.bytes_per_frame), exact(frames.copy_cpu_seconds_per_byte) * price_cpu_second
    again_each = decoded * exact(frames.decode_cpu_seconds_per_frame) * price_cpu_second
    pulled = copy + price_byte if carrier == "network" else Decimal(0)
    again, byte = detectors * again_each, copy + detectors * pulled
    return BreakEven(
        decode_again=again * HOUR_SECONDS,
        send=sent * size * byte * HOUR_SECONDS,
        detectors=_detectors(again_each - sent * size * pulled, sent * size * copy),
        bytes_per_frame=again / sent / byte if byte else None,
        sent_per_second=again / size / byte if byte else None,
    )


def _detectors(saved_each: Decimal, written: Decimal) -> int | None:
    """From how many detectors on what each saves by being sent frames pays for writing them once."""
    return max(1, math.ceil(written / saved_each)) if saved_each > 0 else None

"""How detectors on other nodes come by pictures: by the break-even of sending frames and decoding again. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from cluster.breakeven import Frames, breakeven, cpu_second, sent_byte
from cluster.estimate import ASSUMED, MEASURED
from cluster.prices import Sheet
from cluster.settings import Placement

Way = Literal["frames", "decode"]
"""A clone is sent frames, or decodes the source again."""

FRAMES = Frames(
    decoded_per_second=ASSUMED.per_second, sent_per_second=ASSUMED.per_second, bytes_per_frame=ASSUMED.bytes_each,
    decode_cpu_seconds_per_frame=MEASURED["fused"].decode,
    copy_cpu_seconds_per_byte=(MEASURED["spread"].picture - MEASURED["fused"].picture) / ASSUMED.bytes_each,
)  # fmt: skip
"""What is compared: of a picture of another size both ways cost more or less alike, as it has bytes."""


@dataclass(frozen=True, slots=True)
class Ways:
    """What clones cost a stream-hour in money, all of them together, whether sent frames or decoding again."""

    frames: Decimal
    decode: Decimal

    @property
    def cheaper(self) -> Way:
        """The way that costs less; frames, where both cost the same."""
        return "decode" if self.decode < self.frames else "frames"


def ways(clones: int, sheet: Sheet) -> Ways:
    """What clones on other nodes cost, beside a detector for which the frames are written anyway.

    Args:
        clones: How many there are, one at least.
        sheet: Prices.
    """
    cpu = cpu_second(sheet)
    pulled = breakeven(FRAMES, clones, "network", cpu, sent_byte(sheet))
    written = breakeven(FRAMES, clones, "object_store", cpu, Decimal(0))
    return Ways(pulled.send - written.send, pulled.decode_again)


def settled(placement: Placement, sheet: Sheet) -> Placement:
    """The settings with ``clones`` decided, where they leave that to prices. How many clones there are changes nothing.

    Args:
        placement: The settings.
        sheet: Prices.
    """
    return placement.model_copy(update={"clones": ways(1, sheet).cheaper}) if placement.clones == "auto" else placement

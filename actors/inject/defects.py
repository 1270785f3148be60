"""What every defect has: a track, a window, and the name of the detector that should find it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from actors.media import Pixels

Facts = dict[str, Any]
"""What a defect notes while it works, as JSON values; goes into its label's ``params``."""
Samples = NDArray[np.float32]
"""(channels, n), full scale 1.0."""


class DefectError(ValueError):
    """A defect, a setting or a source that cannot be worked with. The text says which, and what is allowed."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Y or Y, U, V as (height, width) uint8, or uint16 where depth > 8. ``full``: full-range codes."""

    planes: tuple[Pixels, ...]
    depth: int
    full: bool

    @property
    def scale(self) -> int:
        """Codes of this depth per 8-bit code."""
        return 1 << (self.depth - 8)

    @property
    def top(self) -> int:
        """The greatest code."""
        return (1 << self.depth) - 1


PictureChange = Callable[[Picture, float], Picture]
"""From a picture, and the share of the window that has passed, to the picture shown."""
SoundChange = Callable[[Samples], Samples]
"""From the next samples of the window to what is heard."""
VideoTrack = Annotated[str, Field(pattern=r"^v:\d+$")]
AudioTrack = Annotated[str, Field(pattern=r"^a:\d+$")]
AnyTrack = Annotated[str, Field(pattern=r"^[va]:\d+$")]


class Defect(BaseModel):
    """One defect. It holds from ``start_seconds``, for ``length_seconds`` or to the clip's end.

    Seconds count from the stream's first PTS. ``detector`` is the kind of its label. A ``point`` happens at one moment.
    ``natural`` marks what a good stream may do too.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    detector: ClassVar[str]
    point: ClassVar[bool] = False
    natural: ClassVar[bool] = False

    kind: str
    track: AnyTrack = "v:0"
    start_seconds: float = Field(0, ge=0)
    length_seconds: float | None = Field(None, gt=0)

    @property
    def start(self) -> Fraction:
        """The window's first moment, exactly."""
        return Fraction(repr(self.start_seconds))

    @property
    def end(self) -> Fraction | None:
        """The moment after the window, exactly; None is the clip's end."""
        return None if self.length_seconds is None else self.start + Fraction(repr(self.length_seconds))

    def __str__(self) -> str:
        length = "" if self.length_seconds is None else f",length={self.length_seconds:g}"
        return f"{self.kind}: start={self.start_seconds:g}{length},track={self.track}"

    def own(self) -> Facts:
        """The settings that only defects of this kind have."""
        return self.model_dump(exclude=set(Defect.model_fields), exclude_none=True)

    def check(self, facts: Facts) -> None:
        """Raise :class:`DefectError` if, from what was noted, it did nothing."""

    def covers(self, at: Fraction) -> bool:
        """Whether a moment is in the window."""
        return self.start <= at and (self.end is None or at < self.end)


class PictureDefect(Defect):
    """Changes decoded pictures."""

    track: VideoTrack = "v:0"

    def begin(self, rng: np.random.Generator, facts: Facts) -> PictureChange:
        """Start work on one clip."""
        raise NotImplementedError


class SoundDefect(Defect):
    """Changes decoded samples."""

    track: AudioTrack = "a:0"

    def begin(self, rng: np.random.Generator, facts: Facts) -> SoundChange:
        """Start work on one clip."""
        raise NotImplementedError

"""Defects of tape and sensor."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field
from typing_extensions import override

from actors.inject.defects import Facts, Picture, PictureChange, PictureDefect

WHITE, BLACK = 235, 16


class TapeDropouts(PictureDefect):
    """White and black streaks of a line's height at places that change with each picture."""

    detector: ClassVar[str] = "dropouts"
    kind: Literal["tape_dropouts"] = "tape_dropouts"
    count: int = Field(4, ge=1, le=1000, description="streaks of a picture")
    width: float = Field(0.15, gt=0, le=1, description="their length, as a share of the line")

    @override
    def begin(self, rng: np.random.Generator, facts: Facts) -> PictureChange:
        def change(picture: Picture, share: float) -> Picture:
            luma = picture.planes[0].copy()
            length = max(1, round(self.width * luma.shape[1]))
            for number in range(self.count):
                line, left = rng.integers(0, len(luma)), rng.integers(0, luma.shape[1] - length + 1)
                luma[line, left : left + length] = (WHITE, BLACK)[number % 2] * picture.scale
            return Picture((luma, *picture.planes[1:]), picture.depth, picture.full)

        return change


class RepeatedLines(PictureDefect):
    """A band of lines, elsewhere in each picture, shows the line above it again and again."""

    detector: ClassVar[str] = "dropouts"
    kind: Literal["repeated_lines"] = "repeated_lines"
    height: float = Field(0.15, gt=0, le=1, description="height of the band, as a share of the picture")

    @override
    def begin(self, rng: np.random.Generator, facts: Facts) -> PictureChange:
        def change(picture: Picture, share: float) -> Picture:
            at = float(rng.uniform(0, 1 - self.height))
            planes = []
            for plane in picture.planes:
                top, stop = round(at * len(plane)), round((at + self.height) * len(plane))
                shown = plane.copy()
                shown[top:stop] = plane[top]
                planes.append(shown)
            return Picture(tuple(planes), picture.depth, picture.full)

        return change


class DeadPixels(PictureDefect):
    """Pixels of a sensor that always give the same: white ones."""

    detector: ClassVar[str] = "dropouts"
    kind: Literal["dead_pixels"] = "dead_pixels"
    count: int = Field(3, ge=1, le=1000, description="how many")

    @override
    def begin(self, rng: np.random.Generator, facts: Facts) -> PictureChange:
        places: list[tuple[int, int]] = []

        def change(picture: Picture, share: float) -> Picture:
            luma = picture.planes[0].copy()
            height, width = luma.shape
            while len(places) < self.count:
                places.append((int(rng.integers(1, height - 1)), int(rng.integers(1, width - 1))))
            for line, column in places:
                luma[line, column] = WHITE * picture.scale
            return Picture((luma, *picture.planes[1:]), picture.depth, picture.full)

        return change

"""Defects of interlaced pictures. The top field is the even lines, the bottom one the odd lines."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field
from typing_extensions import override

from actors.inject.defects import Facts, Picture, PictureChange, PictureDefect

FILM = ((0, 0), (0, 1), (1, 2), (2, 2), (3, 3))
"""The film pictures of the two fields of each picture of a turn of 3:2 pulldown."""


class Combing(PictureDefect):
    """One field is of this picture, the other of the one before: two moments in one, as in interlaced pictures."""

    detector: ClassVar[str] = "interlace"
    kind: Literal["combing"] = "combing"
    first: Literal["top", "bottom"] = Field("top", description="the field of the picture before")

    @override
    def begin(self, rng: np.random.Generator, facts: Facts) -> PictureChange:
        before: list[Picture] = []

        def change(picture: Picture, share: float) -> Picture:
            old = before[0] if before else picture
            before[:] = [picture]
            return _woven(old, picture) if self.first == "top" else _woven(picture, old)

        return change


class SwappedFields(PictureDefect):
    """All lines move up by one, so that each field stands in the other's place, as after a careless crop."""

    detector: ClassVar[str] = "interlace"
    kind: Literal["swapped_fields"] = "swapped_fields"

    @override
    def begin(self, rng: np.random.Generator, facts: Facts) -> PictureChange:
        def change(picture: Picture, share: float) -> Picture:
            planes = [plane.copy() for plane in picture.planes]
            for plane in planes:
                plane[:-1] = plane[1:].copy()
            return Picture(tuple(planes), picture.depth, picture.full)

        return change


class Pulldown(PictureDefect):
    """Of each five pictures, four take the time of five, by fields that are shown again, as film at 3:2."""

    detector: ClassVar[str] = "interlace"
    kind: Literal["pulldown"] = "pulldown"

    @override
    def begin(self, rng: np.random.Generator, facts: Facts) -> PictureChange:
        film: list[Picture] = []

        def change(picture: Picture, share: float) -> Picture:
            if len(film) == len(FILM):
                film.clear()
            film.append(picture)
            top, bottom = FILM[len(film) - 1]
            return _woven(film[top], film[bottom])

        return change


def _woven(top: Picture, bottom: Picture) -> Picture:
    planes = []
    for even, odd in zip(top.planes, bottom.planes, strict=True):
        plane = even.copy()
        plane[1::2] = odd[1::2]
        planes.append(plane)
    return Picture(tuple(planes), top.depth, top.full)

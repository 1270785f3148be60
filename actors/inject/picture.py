"""Defects of pictures."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from typing_extensions import override

from actors.inject.defects import DefectError, Facts, Picture, PictureChange, PictureDefect
from actors.media import Pixels


class Black(PictureDefect):
    """Every pixel at one luma code, without colour."""

    detector: ClassVar[str] = "black"
    kind: Literal["black"] = "black"
    level: int = Field(16, ge=0, le=255, description="luma in 8-bit codes")

    @override
    def begin(self, rng: np.random.Generator, facts: Facts) -> PictureChange:
        def change(picture: Picture, share: float) -> Picture:
            codes = (self.level, 128, 128)
            planes = (
                np.full_like(plane, code * picture.scale) for plane, code in zip(picture.planes, codes, strict=False)
            )
            return Picture(tuple(planes), picture.depth, picture.full)

        return change


class Freeze(PictureDefect):
    """The window's first picture, held; the programme goes on behind it."""

    detector: ClassVar[str] = "freeze"
    kind: Literal["freeze"] = "freeze"
    dim: float = Field(0, ge=0, le=255, description="8-bit luma codes that the held picture loses by the window's end")
    noise: float = Field(0, ge=0, le=64, description="standard deviation of fresh luma noise, in 8-bit codes")

    @model_validator(mode="after")
    def _dims_over_a_length(self) -> Freeze:
        if self.dim and self.length_seconds is None:
            raise ValueError("dim needs length")
        return self

    @override
    def begin(self, rng: np.random.Generator, facts: Facts) -> PictureChange:
        held: list[Picture] = []

        def change(picture: Picture, share: float) -> Picture:
            held[:] = held or [picture]
            if not (self.dim or self.noise):
                return held[0]
            luma = held[0].planes[0] - self.dim * picture.scale * share
            if self.noise:
                luma = luma + rng.normal(0, self.noise * picture.scale, luma.shape)
            return Picture((_codes(luma, picture), *held[0].planes[1:]), picture.depth, picture.full)

        return change


class Repeats(PictureDefect):
    """Of each ``of`` pictures the last ``repeats`` show the one before again, with timestamps as they were."""

    detector: ClassVar[str] = "stutter"
    kind: Literal["repeats"] = "repeats"
    of: int = Field(5, ge=2, le=100, description="pictures of a turn")
    repeats: int = Field(1, ge=1, le=99, description="of them that repeat the one before")

    @model_validator(mode="after")
    def _keeps_one(self) -> Repeats:
        if self.repeats >= self.of:
            raise ValueError("repeats must be less than of")
        return self

    @override
    def begin(self, rng: np.random.Generator, facts: Facts) -> PictureChange:
        shown: list[Picture] = []
        facts["repeated"] = count = 0

        def change(picture: Picture, share: float) -> Picture:
            nonlocal count
            moves = count % self.of < self.of - self.repeats
            shown[:] = [picture] if moves else shown
            count += 1
            facts["repeated"] += not moves
            return shown[0]

        return change

    @override
    def check(self, facts: Facts) -> None:
        if not facts["repeated"]:
            raise DefectError(f"{self}: of={self.of}: no picture of it is repeated; allowed: less, or more length")


class Cut(PictureDefect):
    """A hard cut: from here on the programme is shown as its negative, which no frame before resembles."""

    detector: ClassVar[str] = "scene"
    point: ClassVar[bool] = True
    kind: Literal["cut"] = "cut"
    length_seconds: None = None

    @override
    def begin(self, rng: np.random.Generator, facts: Facts) -> PictureChange:
        def change(picture: Picture, share: float) -> Picture:
            mirror = picture.top if picture.full else 251 * picture.scale  # 16 and 235 change places
            luma, *chroma = (plane.astype(np.int32) for plane in picture.planes)
            planes = (mirror - luma, *(256 * picture.scale - plane for plane in chroma))
            return Picture(tuple(_codes(plane, picture) for plane in planes), picture.depth, picture.full)

        return change


class Blockiness(PictureDefect):
    """Square blocks show, as after heavy quantisation: each is drawn towards its mean."""

    detector: ClassVar[str] = "blockiness"
    kind: Literal["blockiness"] = "blockiness"
    strength: float = Field(0.8, gt=0, le=1, description="share of the way to the mean")
    size: int = Field(8, ge=3, le=24, description="side of a block in luma pixels")

    @override
    def begin(self, rng: np.random.Generator, facts: Facts) -> PictureChange:
        def change(picture: Picture, share: float) -> Picture:
            luma, *chroma = picture.planes
            drawn = luma + self.strength * (_block_means(luma, self.size) - luma)
            return Picture((_codes(drawn, picture), *chroma), picture.depth, picture.full)

        return change


class Levels(PictureDefect):
    """Contrast about mid-grey, so that codes leave the legal range; as it is, full-range codes said to be limited."""

    detector: ClassVar[str] = "levels"
    kind: Literal["levels"] = "levels"
    gain: float = Field(255 / 219, gt=1, le=16, description="times the contrast")

    @override
    def begin(self, rng: np.random.Generator, facts: Facts) -> PictureChange:
        def change(picture: Picture, share: float) -> Picture:
            centres = (125.5 * picture.scale, 128 * picture.scale, 128 * picture.scale)
            planes = (
                _codes(centre + self.gain * (plane - centre), picture)
                for plane, centre in zip(picture.planes, centres, strict=False)
            )
            return Picture(tuple(planes), picture.depth, picture.full)

        return change


class Blur(PictureDefect):
    """Gaussian blur of every plane."""

    detector: ClassVar[str] = "blur"
    kind: Literal["blur"] = "blur"
    sigma: float = Field(5, gt=0, le=50, description="standard deviation in luma pixels")

    @override
    def begin(self, rng: np.random.Generator, facts: Facts) -> PictureChange:
        def change(picture: Picture, share: float) -> Picture:
            size = picture.planes[0].shape
            planes = []
            for plane in picture.planes:
                down, across = (self.sigma * length / whole for length, whole in zip(plane.shape, size, strict=True))
                planes.append(_codes(_blurred(_blurred(plane.astype(np.float64), down).T, across).T, picture))
            return Picture(tuple(planes), picture.depth, picture.full)

        return change


class Letterbox(PictureDefect):
    """Black bars of one size above and below; the picture between them stays where it is."""

    detector: ClassVar[str] = "letterbox"
    kind: Literal["letterbox"] = "letterbox"
    lost: float = Field(0.24, gt=0, lt=1, description="share of the height in bars")

    @override
    def begin(self, rng: np.random.Generator, facts: Facts) -> PictureChange:
        def change(picture: Picture, share: float) -> Picture:
            planes = []
            for plane, code in zip(picture.planes, (0 if picture.full else 16, 128, 128), strict=False):
                bar = round(len(plane) * self.lost / 2)
                barred = plane.copy()
                barred[:bar] = barred[len(plane) - bar :] = code * picture.scale
                planes.append(barred)
            return Picture(tuple(planes), picture.depth, picture.full)

        return change


class Flashes(PictureDefect):
    """A rectangle in the middle is mixed with a colour in the first half of every turn."""

    detector: ClassVar[str] = "flash"
    kind: Literal["flashes"] = "flashes"
    rate: float = Field(5, gt=0, le=60, description="flashes per second")
    area: float = Field(0.5, gt=0, le=1, description="share of the picture")
    strength: float = Field(1, gt=0, le=1, description="share of the way to the colour, in codes")
    colour: Literal["white", "red"] = Field("white", description="of BT.601")

    @model_validator(mode="after")
    def _has_a_length(self) -> Flashes:
        if self.length_seconds is None:
            raise ValueError("flashes need length")
        return self

    @override
    def begin(self, rng: np.random.Generator, facts: Facts) -> PictureChange:
        def change(picture: Picture, share: float) -> Picture:
            assert self.length_seconds is not None
            if (share * self.length_seconds * self.rate + 1e-6) % 1 >= 0.5:
                return picture
            codes = {"white": (235, 128, 128), "red": (81, 90, 240)}[self.colour]
            if picture.full:
                codes = {"white": (255, 128, 128), "red": (76, 85, 255)}[self.colour]
            planes = []
            for plane, code in zip(picture.planes, codes, strict=False):
                lit = plane.astype(np.float64)
                top, left = (round(length * (1 - self.area**0.5) / 2) for length in plane.shape)
                inside = lit[top : len(plane) - top, left : plane.shape[1] - left]
                inside += self.strength * (code * picture.scale - inside)
                planes.append(_codes(lit, picture))
            return Picture(tuple(planes), picture.depth, picture.full)

        return change


def _blurred(values: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    """Blurred down the first axis; what lies beyond the edges is as the edges."""
    reach = int(np.ceil(3 * sigma))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    padded = np.pad(values, ((reach, reach), (0, 0)), mode="edge")
    found = np.zeros_like(values)
    for begin, weight in enumerate(weights / weights.sum()):
        found += weight * padded[begin : begin + len(values)]
    return found


def _block_means(plane: Pixels, size: int) -> NDArray[np.float64]:
    """Each pixel's block's mean; blocks at the right and lower edges are smaller."""
    tops, lefts = (np.arange(0, length, size) for length in plane.shape)
    sums = np.add.reduceat(np.add.reduceat(plane.astype(np.float64), tops, axis=0), lefts, axis=1)
    heights, widths = (np.diff([*starts, length]) for starts, length in zip((tops, lefts), plane.shape, strict=True))
    means: NDArray[np.float64] = np.repeat(np.repeat(sums / np.outer(heights, widths), heights, axis=0), widths, axis=1)
    return means


def _codes(values: NDArray[np.floating | np.int32], like: Picture) -> Pixels:
    codes: NDArray[np.float64] = np.clip(np.rint(values), 0, like.top)
    return codes.astype(np.uint8) if like.depth == 8 else codes.astype(np.uint16)

"""What damage does to the pictures: the clean and the damaged clip, both decoded with one thread, compared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from actors.inject.bitstream import BytesDefect
from actors.inject.coded import CodedClip
from actors.inject.defects import Defect, DefectError
from actors.inject.labels import Label
from actors.inject.read import view
from actors.media import Pixels

VISIBLE_CODES = 2
"""A frame, or block, is damaged where its mean absolute luma difference is greater, in 8-bit codes."""
BLOCK = 16
_LOOKAHEAD = 32
Shown = tuple[float, Pixels, int]
"""Seconds, luma and depth of a picture."""


class FrameDamage(BaseModel):
    """One frame of the clean clip. ``mae``: None where the damaged clip does not show it.

    ``blocks``: damaged 16x16 blocks, row by row, a bit each, as :func:`numpy.packbits` in hex; '' where there are none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    frame: int
    at_seconds: float
    mae: float | None
    blocks: str = ""

    @property
    def visible(self) -> bool:
        """Whether a viewer sees it: missing, or different."""
        return self.mae is None or self.mae > VISIBLE_CODES


class DamageMap(BaseModel):
    """All frames of a clean clip in the order shown, against its damaged copy."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rows: int
    columns: int
    decode_errors: int
    frames: tuple[FrameDamage, ...]

    @staticmethod
    def path(clip: Path) -> Path:
        """Where the map of a clip is."""
        return clip.with_name(clip.name + ".damage.json")

    @classmethod
    def read(cls, clip: Path) -> DamageMap:
        """Read the map of a clip."""
        return cls.model_validate_json(cls.path(clip).read_bytes())

    def write(self, clip: Path) -> None:
        """Write it beside its clip."""
        self.path(clip).write_text(self.model_dump_json() + "\n")

    def mask(self, frame: int) -> NDArray[np.bool_]:
        """(rows, columns): which blocks of a frame are damaged."""
        count = self.rows * self.columns
        if self.frames[frame].mae is None:
            return np.ones((self.rows, self.columns), np.bool_)
        packed = np.frombuffer(bytes.fromhex(self.frames[frame].blocks or "00" * -(-count // 8)), np.uint8)
        return np.unpackbits(packed, count=count).astype(np.bool_).reshape(self.rows, self.columns)


def compare(clean: Path, damaged: Path) -> DamageMap:
    """Map the damage of a clip's first video track. Frames are matched by PTS.

    Raises:
        av.FFmpegError: If the clean clip cannot be read.
    """
    errors: list[str] = []
    rows = columns = 0
    origin: float | None = None
    frames: list[FrameDamage] = []
    copy = _decode(damaged, errors)
    ahead: dict[float, Pixels] = {}
    for number, (at, luma, depth) in enumerate(_decode(clean, [])):
        origin = at if origin is None else origin
        other = _match(at, ahead, copy)
        rows, columns = (-(-size // BLOCK) for size in luma.shape)
        if other is None or other.shape != luma.shape:
            frames.append(FrameDamage(frame=number, at_seconds=at - origin, mae=None))
            continue
        mae, blocks = _difference(luma, other, depth)
        packed = np.packbits(blocks).tobytes().hex() if blocks.any() else ""
        frames.append(FrameDamage(frame=number, at_seconds=at - origin, mae=mae, blocks=packed))
    for _ in copy:
        pass
    return DamageMap(rows=rows, columns=columns, decode_errors=len(errors), frames=tuple(frames))


def damage(clean: Path, damaged: Path, defects: Sequence[Defect], seed: int) -> tuple[dict[int, Label], DamageMap]:
    """Write a damaged copy of a clip.

    Returns:
        The label of each :class:`BytesDefect`, by its place in ``defects``, and the map of all they did.

    Raises:
        DefectError: If there is nothing in a defect's window, or all of it was spared.
    """
    clip = CodedClip(clean)
    labels: dict[int, Label] = {}
    for index, defect in enumerate(defects):
        if isinstance(defect, BytesDefect):
            clip.hit[:] = False
            defect.strike(clip, np.random.default_rng((seed, index)))
            labels[index] = _label(defect, clip, seed)
    clip.write(damaged)
    result = compare(clean, damaged)
    visible = tuple(frame.frame for frame in result.frames if frame.visible)
    for index, label in labels.items():
        if label.track == "v:0":
            labels[index] = label.model_copy(update={"visible_frames": visible})
    return labels, result


def _label(defect: BytesDefect, clip: CodedClip, seed: int) -> Label:
    packets = defect.struck(clip)
    if not packets:
        raise DefectError(f"{defect}: no packet of the track was hit; take another window, share or seed")
    return Label(
        kind=defect.detector, defect=defect.kind, track=defect.track,
        start_seconds=float(min(packet.at for packet in packets)),
        end_seconds=float(max(packet.end for packet in packets)),
        start_frame=min(packet.ordinal for packet in packets), end_frame=max(packet.ordinal for packet in packets),
        params=defect.own() | {"bytes_hit": int(clip.hit.sum())}, seed=seed,
    )  # fmt: skip


def _match(at: float, ahead: dict[float, Pixels], copy: Iterator[Shown]) -> Pixels | None:
    """Find the copy's frame of that time among its next few: damage may put them out of order."""
    for past in [time for time in ahead if time < at]:
        del ahead[past]
    while at not in ahead and len(ahead) < _LOOKAHEAD:
        if (shown := next(copy, None)) is None:
            break
        ahead.setdefault(shown[0], shown[1])
    return ahead.pop(at, None)


def _difference(clean: Pixels, damaged: Pixels, depth: int) -> tuple[float, NDArray[np.bool_]]:
    """Mean absolute difference in 8-bit codes, and (rows, columns) of the blocks that differ visibly."""
    difference = np.abs(clean.astype(np.int32) - damaged.astype(np.int32)) / (1 << (depth - 8))
    height, width = difference.shape
    tops, lefts = np.arange(0, height, BLOCK), np.arange(0, width, BLOCK)
    sums = np.add.reduceat(np.add.reduceat(difference, tops, axis=0), lefts, axis=1)
    areas = np.outer(np.minimum(BLOCK, height - tops), np.minimum(BLOCK, width - lefts))
    return round(float(difference.mean()), 4), sums / areas > VISIBLE_CODES


def _decode(path: Path, errors: list[str]) -> Iterator[Shown]:
    """Seconds, luma and depth of every picture that can be had; what the decoder raises is collected."""
    try:
        container = av.open(str(path))
    except av.FFmpegError as error:
        errors.append(str(error))
        return
    with container:
        if not container.streams.video:
            errors.append("no pictures")
            return
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets, None)
                decoded = packet.decode() if packet is not None else []
            except av.FFmpegError as error:
                errors.append(str(error))
                continue
            if packet is None:
                return
            for frame in decoded:
                if frame.time is not None:
                    depth = frame.format.components[0].bits
                    yield frame.time, view(frame, 0, depth).copy(), depth

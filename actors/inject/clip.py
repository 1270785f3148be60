"""From source to coded clip: every defect but damage to the bitstream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from actors.inject.coded import join
from actors.inject.defects import Defect, DefectError
from actors.inject.encode import BLOCK, ClipWriter, Encode, PictureSpec, SoundSpec, container_of, tick
from actors.inject.labels import Label
from actors.inject.lines import PictureLine, SoundLine, works_of
from actors.inject.read import Reader
from actors.inject.timing import FormatChange, Splice, TimestampJump, TimestampWrap

_TICKS = 90_000
_WRAP = 1 << 33
_NEW_PIDS = 0x110
Spec = PictureSpec | SoundSpec
Splices = Mapping[Fraction, Sequence[Splice]]
"""What happens at each moment at which the clip is spliced, in their order."""
_LEAD = Fraction(1)
"""A transport stream's least first timestamp, in seconds: room for decoding times before it."""


def code(source: Path, clip: Path, defects: Sequence[Defect], seed: int, encode: Encode) -> dict[int, Label]:
    """Decode, change and code again.

    Returns:
        The label of each defect, by its place in ``defects``.

    Raises:
        DefectError: If a defect does not fit the clip, or the clip cannot be read or coded.
    """
    with Reader(source) as reader:
        for defect in defects:
            if defect.track not in reader.specs:
                raise DefectError(f"{defect.kind}: track={defect.track}: the clip has {', '.join(reader.specs)}")
        splices: dict[Fraction, list[Splice]] = {}
        for defect in sorted((each for each in defects if isinstance(each, Splice)), key=lambda each: each.start):
            splices.setdefault(defect.start, []).append(defect)
        parts = [clip.with_stem(f"part{number}") for number in range(len(splices) + 1)] if splices else [clip]
        try:
            labels = _run(reader, clip, parts, splices, defects, seed, encode)
        except DefectError:
            raise
        except (av.FFmpegError, ValueError) as error:  # PyAV's word for formats it does not know is ValueError
            raise DefectError(f"{source.name}: cannot be coded so: {error}") from error
    if splices:
        join([part for part in parts if part.exists()], clip)
    return labels


def _run(
    reader: Reader, clip: Path, parts: Sequence[Path], splices: Splices, defects: Sequence[Defect], seed: int,
    encode: Encode,
) -> dict[int, Label]:  # fmt: skip
    formats = _formats(reader.specs, splices)
    shifts = _shifts(clip, splices, defects)
    writers = [
        ClipWriter(part, specs, encode, shift=shift, version=version)
        for version, (part, specs, shift) in enumerate(zip(parts, formats, shifts, strict=True))
    ]
    pictures: dict[str, PictureLine] = {}
    sounds: dict[str, SoundLine] = {}
    times = list(splices)
    works = {name: works_of(name, defects, seed) for name in reader.specs}
    for name, spec in reader.specs.items():
        if isinstance(spec, PictureSpec):
            pictures[name] = PictureLine(name, spec, tick(clip, spec), list(works[name].values()), times, writers)
        else:
            blocks = [BLOCK[specs[name].codec or encode.audio_codec] for specs in formats]
            sounds[name] = SoundLine(name, spec, blocks, list(works[name].values()), times, writers)
    for name, content, at in reader:
        if isinstance(content, av.VideoFrame):
            pictures[name].feed(content, at)
        else:
            sounds[name].feed(content, at)
    for line in pictures.values():
        line.close()
    for writer in writers:
        writer.close()
    end = max(*(line.end for line in pictures.values()), *(line.end for line in sounds.values()), Fraction(0))
    return {index: work.label(seed, end) for name in works for index, work in works[name].items()}


def _formats(specs: Mapping[str, Spec], splices: Splices) -> list[dict[str, Spec]]:
    """What each part's tracks are. A new codec comes on a new PID, or demuxers would parse it as the old one."""
    formats, pid = [dict(specs)], _NEW_PIDS
    for together in splices.values():
        tracks = dict(formats[-1])
        for change in together:
            if isinstance(change, FormatChange):
                fields: dict[str, Any] = change.own()
                if size := fields.pop("size", None):
                    fields["width"], fields["height"] = map(int, size.split("x"))
                if change.codec:
                    fields["pid"] = pid = pid + 1
                tracks[change.track] = replace(tracks[change.track], **fields)
        formats.append(tracks)
    return formats


def _shifts(clip: Path, splices: Splices, defects: Sequence[Defect]) -> list[Fraction]:
    """Seconds added to every timestamp of each part."""
    if container_of(clip) != "mpegts":
        return [Fraction(0)]
    jumps = [Fraction(0)]
    for together in splices.values():
        jumps.append(jumps[-1] + sum(Fraction(repr(jump.by)) for jump in together if isinstance(jump, TimestampJump)))
    first = _LEAD - min(jumps)
    for wrap in defects:
        if isinstance(wrap, TimestampWrap):
            first = Fraction(_WRAP, _TICKS) - wrap.start
    return [Fraction(round((first + jump) * _TICKS), _TICKS) for jump in jumps]

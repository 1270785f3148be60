"""Puts known defects into clips, with labels that say exactly where they are.

Every defect's detector is tested on such clips, and users check their own probes with them. A source is decoded with
one thread, changed in its native planes and samples, and coded again; damage to the bitstream is done to the bytes of
the coded clip. The same source, defects, settings and seed give the same bytes on one machine.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from actors.inject.bitstream import BytesDefect, LostPackets, Scrambled, TransportErrors
from actors.inject.clip import code
from actors.inject.damage import DamageMap, FrameDamage, damage
from actors.inject.defects import Defect, DefectError
from actors.inject.encode import Encode, container_of
from actors.inject.labels import Label, Labels, sha256
from actors.inject.registry import AnyDefect, parse
from actors.inject.timing import Splice, TimestampWrap
from actors.url import same_file

__all__ = ["AnyDefect", "DamageMap", "DefectError", "Encode", "FrameDamage", "Label", "Labels", "inject", "parse"]


def inject(
    source: Path, target: Path, defects: Sequence[Defect], *, seed: int = 0, encode: Encode | None = None
) -> Labels:
    """Write a copy of a clip that has defects, and beside it ``<target>.labels.json``.

    Damage to the bitstream is also mapped, frame by frame and block by block, in ``<target>.damage.json``. Nothing is
    left at ``target`` when it fails.

    Args:
        source: Any clip that FFmpeg reads, with planar YUV pictures.
        target: Its suffix, .mp4, .mov, .mkv or .ts, names the container.
        defects: Applied in this order; those of the bitstream last.
        seed: Of all that is random.
        encode: How to code the clip.

    Raises:
        DefectError: If a defect does not fit the clip or container, the source cannot be read or coded again, or the
            target is the source.
    """
    _check(source, target, defects)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".inject-") as folder:
        clip = Path(folder) / f"clean{target.suffix}"
        found = code(source, clip, defects, seed, encode or Encode())
        if any(isinstance(defect, BytesDefect) for defect in defects):
            clean, clip = clip, Path(folder) / f"damaged{target.suffix}"
            struck, damaged = damage(clean, clip, defects, seed)
            damaged.write(target)
            found |= struck
        clip.replace(target)
    ordered = [(defects[index], found[index]) for index in range(len(defects))]
    labels = Labels(
        source=source.name, sha256=sha256(target),
        defects=tuple(label for defect, label in ordered if not defect.natural),
        natural=tuple(label for defect, label in ordered if defect.natural),
    )  # fmt: skip
    labels.write(target)
    return labels


def _check(source: Path, target: Path, defects: Sequence[Defect]) -> None:
    """Refuse what cannot be, before any work is done."""
    for written in (target, Labels.path(target), DamageMap.path(target)):
        if same_file(source, written):
            raise DefectError(f"{written}: would overwrite the source; name another target")
    transport = container_of(target) == "mpegts"
    for defect in defects:
        if not transport and isinstance(defect, Splice | TimestampWrap | LostPackets | TransportErrors | Scrambled):
            raise DefectError(f"{defect.kind}: needs a transport stream; {target.name} does not end in .ts")
    if sum(isinstance(defect, TimestampWrap) for defect in defects) > 1:
        raise DefectError("timestamp_wrap: allowed once")
    if any(isinstance(d, Splice) for d in defects) and any(isinstance(d, BytesDefect) for d in defects):
        raise DefectError("damage to the bitstream cannot be put into a spliced clip (timestamp_jump, format_change)")

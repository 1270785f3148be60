"""Pixels that stand out at one place through cuts: what is remembered of them, picture by picture."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

MOST = 32
"""Places that are followed at a time."""

TRIAL = 8
"""Pictures after which a place that stood out in less than half of them is forgotten."""

SHOT = 25
"""Pictures of a shot that a place must stand out in, on either side of a cut."""

SHARE = 0.75
"""Share of a shot's pictures in which it must."""


@dataclass(frozen=True, slots=True)
class Speck:
    """A place. ``seen``, ``shown``: pictures of this shot in which it stood out, and all since it first did.

    ``shots``: earlier ones in which it did all along. ``since``: epoch, wrap, PTS and time when it was first seen.
    ``told``: it has been told that it is dead.
    """

    place: int
    since: tuple[int, ...]
    seen: int = 0
    shown: int = 0
    shots: int = 0
    told: bool = False

    @property
    def steady(self) -> bool:
        """Whether it has stood out for most of a shot that is long enough."""
        return self.shown >= SHOT and self.seen >= SHARE * self.shown

    @property
    def dead(self) -> bool:
        """Whether it has done so on both sides of a cut."""
        return self.shots > 0 and self.steady


def followed(specks: tuple[Speck, ...], places: Iterable[int], since: tuple[int, ...]) -> tuple[Speck, ...]:
    """The places after one more picture. ``since``: its key; ``places``: where pixels stand out, -1 for nothing."""
    left = {place for place in places if place >= 0}
    kept = []
    for speck in specks:
        seen = speck.place in left
        left.discard(speck.place)
        now = replace(speck, seen=speck.seen + seen, shown=speck.shown + 1)
        if now.shown < TRIAL or 2 * now.seen >= now.shown:
            kept.append(now)
    new = [Speck(place, since, 1, 1) for place in sorted(left)]
    return (*kept, *new[: MOST - len(kept)])


def cut(specks: tuple[Speck, ...]) -> tuple[Speck, ...]:
    """The places at a cut: those that were steady before it, or have been through another one."""
    return tuple(
        replace(speck, seen=0, shown=0, shots=speck.shots + speck.steady)
        for speck in specks if speck.steady or speck.shots
    )  # fmt: skip

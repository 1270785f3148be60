"""Which calls that wait are measured in one pass. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

MOST_BYTES = 128 << 20
"""Of pictures in one pass: 43 frames of 1080p; a GPU holds some ten times as much for them meanwhile."""

MOST_CALLS = 32
"""Of calls in one pass."""


class Waiting(NamedTuple):
    """A call that waits. Only calls of one ``kind`` can be measured together."""

    kind: Hashable
    bytes: int


def together(waiting: Sequence[Waiting], most_bytes: int = MOST_BYTES, most_calls: int = MOST_CALLS) -> list[int]:
    """The places of the calls that are measured next: the oldest, and those of its kind that fit with it.

    None overtakes another of its kind, and the oldest always goes, however large it is; so each call's turn comes.

    Args:
        waiting: Oldest first.
        most_bytes: Of several calls together.
        most_calls: At least 1.
    """
    taken: list[int] = []
    room = most_bytes
    for place, call in enumerate(waiting):
        if call.kind != waiting[0].kind:
            continue
        if taken and (call.bytes > room or len(taken) >= most_calls):
            break
        taken.append(place)
        room -= call.bytes
    return taken

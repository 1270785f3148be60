"""What another judgement of a stream changes: incidents that appear, are gone, or have moved. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from actors.document import Document

_EXTENT = ("start_seconds", "end_seconds", "severity", "cause")


@dataclass(slots=True)
class Changes:
    """Incidents and markers of two judgements. ``moved``: as they were, and as they are."""

    appeared: list[Document] = field(default_factory=list)
    gone: list[Document] = field(default_factory=list)
    moved: list[tuple[Document, Document]] = field(default_factory=list)
    same: int = 0

    @property
    def any(self) -> bool:
        """Whether anything has changed."""
        return bool(self.appeared or self.gone or self.moved)


def changes(before: Sequence[Document], after: Sequence[Document]) -> Changes:
    """Compare the incidents of one stream, as :func:`actors.document.incidents` gives them.

    One is the same incident if it has the same id, which says where it starts, or else if it is of the same detector
    and track and overlaps; each is matched once, the earliest first. It has moved if it starts, ends or is caused
    otherwise, is as severe no more, or is explained by the incident of another detector.
    """
    found = Changes()
    old, new = {one["id"]: one for one in before}, {one["id"]: one for one in after}
    pairs = [(old[id_], new[id_]) for id_ in old if id_ in new]
    rest = [one for id_, one in old.items() if id_ not in new]
    for one in (one for id_, one in new.items() if id_ not in old):
        match = next((other for other in rest if _overlap(other, one)), None)
        if match is None:
            found.appeared.append(one)
        else:
            rest.remove(match)
            pairs.append((match, one))
    found.gone = rest
    for was, now in sorted(pairs, key=lambda pair: pair[1]["start_seconds"]):
        if list(_said(was, old)) == list(_said(now, new)):
            found.same += 1
        else:
            found.moved.append((was, now))
    return found


def _overlap(one: Document, other: Document) -> bool:
    if any(one[name] != other[name] for name in ("detector", "track")):
        return False
    starts, ends = zip(*map(_span, (one, other)), strict=True)
    return bool(max(starts) < min(ends))


def _span(one: Document) -> tuple[float, float]:
    end = one["end_seconds"]
    return one["start_seconds"], float("inf") if end is None else end


def _said(one: Document, of: Mapping[str, Document]) -> Iterator[object]:
    yield from (one[name] for name in _EXTENT)
    cause = one["explained_by"]
    yield None if cause is None else of[cause]["detector"] if cause in of else cause

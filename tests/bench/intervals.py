"""Intervals of time, and which of two lists belong together."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """From ``start`` to ``end``, in seconds."""

    start: float
    end: float

    def __str__(self):
        return f"{self.start:.3f}-{self.end:.3f}"

    def near(self, other, seconds):
        """Whether both ends are no further apart than that."""
        return abs(self.start - other.start) <= seconds and abs(self.end - other.end) <= seconds

    def overlap(self, other):
        """Seconds that both have."""
        return min(self.end, other.end) - max(self.start, other.start)


def match(ours, theirs):
    """Pairs of intervals that overlap most, each used once, in order of time; None where the other has nothing."""
    ranked = sorted(((a.overlap(b), i, j) for i, a in enumerate(ours) for j, b in enumerate(theirs)), reverse=True)
    taken = {}
    for overlap, i, j in ranked:
        if overlap > 0 and i not in taken and j not in taken.values():
            taken[i] = j
    pairs = [(one, theirs[taken[i]] if i in taken else None) for i, one in enumerate(ours)]
    pairs += [(None, other) for j, other in enumerate(theirs) if j not in taken.values()]
    return sorted(pairs, key=lambda pair: (pair[0] or pair[1]).start)

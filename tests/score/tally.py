"""Pure: which findings are a label's, and what that makes of a detector."""

import statistics
from dataclasses import dataclass, field

NEAR_SECONDS = 0.06
"""A label at one moment, and a finding at one moment, are taken this much longer at either end."""


@dataclass(frozen=True)
class Found:
    """Something said of a clip, in seconds.

    ``told_seconds``: when it was first said; None where that is not known. ``explained``: by something else that was
    said, so that nobody is alarmed by it.
    """

    start: float
    end: float
    told_seconds: float | None = None
    explained: bool = False


@dataclass
class Score:
    """Of one detector on some clips. Errors are those of what was found, in seconds; early ones are negative."""

    hits: int = 0
    missed: int = 0
    false: int = 0
    start_errors: list[float] = field(default_factory=list)
    end_errors: list[float] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)

    def add(self, labels, found):
        """Add one clip: its labels of the detector's kind, and what was found.

        A finding on no label is a false one, unless it is explained. A label is found by what overlaps it most, of
        equals by the nearest. More findings on one label are no mistakes.

        Returns:
            What was missed, and what was found on no label.
        """
        wrong = []
        for label in labels:
            on_it = [one for one in found if overlap(label, one) > 0]
            if not on_it:
                self.missed += 1
                wrong.append(label)
                continue
            best = max(on_it, key=lambda one: (overlap(label, one), -apart(label, one)))
            self.hits += 1
            self.start_errors.append(best.start - label.start)
            self.end_errors.append(best.end - label.end)
            if best.told_seconds is not None:
                self.delays.append(best.told_seconds - label.start)
        alarms = [one for one in found if not one.explained]
        false = [one for one in alarms if all(overlap(label, one) <= 0 for label in labels)]
        self.false += len(false)
        return wrong, false

    @property
    def precision(self):
        """Share of the findings that are right; None where nothing was found."""
        said = self.hits + self.false
        return self.hits / said if said else None

    @property
    def recall(self):
        """Share of the labels that are found."""
        return self.hits / (self.hits + self.missed)

    @property
    def f1(self):
        """Harmonic mean of the two."""
        return 2 * self.hits / (2 * self.hits + self.missed + self.false)


def overlap(one, other):
    """Seconds that both last, each a little longer than it is."""
    return min(one.end, other.end) - max(one.start, other.start) + 2 * NEAR_SECONDS * (
        one.start == one.end or other.start == other.end
    )


def apart(one, other):
    """Seconds between their starts, and between their ends."""
    return abs(one.start - other.start) + abs(one.end - other.end)


def middle(errors):
    """The median of their sizes, or None."""
    return statistics.median(map(abs, errors)) if errors else None

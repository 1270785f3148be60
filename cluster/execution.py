"""A run of the state machine of the shape ``staged``."""

from __future__ import annotations

from dataclasses import dataclass, field

from actors.measuring import Ear
from cluster.functions import Done, Object


@dataclass(slots=True)
class Execution:
    """A run of the state machine: over pictures (``meters``), over sound (``ear``), or over facts alone."""

    number: int
    chunk: Object | None = None
    facts: Object | None = None
    ear: Ear | None = None
    meters: int = 0
    done: dict[str, Done] = field(default_factory=dict)

    @property
    def is_measured(self) -> bool:
        """Whether every meter has given its rows."""
        return len(self.done) == self.meters

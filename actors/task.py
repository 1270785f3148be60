"""What an owner is asked to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from actors.limits import Limits
from actors.models.spec import ModelSpec
from actors.shelf import SHELF_BYTES, Shelf
from actors.stored import Stored
from actors.trust import Trust


@dataclass(frozen=True, slots=True)
class Task:
    """One stream to analyse. ``stored``: what the tables hold of it.

    ``evidence``: whether incidents are shown by files under the URI ``results``, of at most ``evidence_bytes`` in all.
    ``trust``: what may be read for who submitted it; None for a person at the keyboard. ``models``: of users.
    """

    stream: str
    source: str
    detectors: tuple[str, ...]
    settings: Mapping[str, Mapping[str, Any]]
    fence: int
    stored: Stored | None = None
    fresh: bool = False
    limits: Limits = field(default_factory=Limits)
    evidence: bool = False
    results: str = ""
    evidence_bytes: int = SHELF_BYTES
    trust: Trust | None = None
    models: tuple[ModelSpec, ...] = ()

    def __post_init__(self) -> None:
        if self.evidence and not self.results:
            raise ValueError("evidence needs the results URI that it goes under")

    @property
    def shelf(self) -> Shelf | None:
        """Where evidence goes; None: it is not asked for."""
        return Shelf(self.results, self.evidence_bytes) if self.evidence else None

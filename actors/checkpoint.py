"""What a stream's owner must remember to go on: one JSON text in the ``events`` table, committed with the events."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from actors.clock import CLOCK_VERSION, StreamClock
from actors.detectors.stalled import Stall
from actors.schema import SCHEMA_VERSION


@dataclass(frozen=True, slots=True)
class Head:
    """What a track's end needs to know of its last rows."""

    base_num: int
    base_den: int
    format: str
    window: int
    epoch: int


class Change(NamedTuple):
    """What another work than the stored one needs: nothing, stored rows judged again, or the source; and why."""

    needs: Literal["nothing", "judge", "analyse"]
    why: str = ""


@dataclass(frozen=True, slots=True)
class Work:
    """What was asked of which source. Results are those of one work; see :meth:`change` for what another one needs.

    ``models``: of users, by name: all that what they measure depends on.
    """

    source: str
    detectors: dict[str, int]
    settings: str
    schema: int = SCHEMA_VERSION
    clock: int = CLOCK_VERSION
    models: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls, source: str, detectors: Mapping[str, int], settings: Mapping[str, object], models: Mapping[str, str]
    ) -> Work:
        """Work by a source's fingerprint, detectors with their versions, their settings, and users' models."""
        return cls(source, dict(detectors), json.dumps(settings, sort_keys=True), models=dict(models))

    def change(self, wanted: Work) -> Change:
        """How the wanted work differs."""
        if not wanted.source:
            return Change("analyse", "nothing tells whether the source has changed")
        if self.source != wanted.source:
            return Change("analyse", "the source has changed")
        if (self.schema, self.clock) != (wanted.schema, wanted.clock):
            return Change("analyse", "another version of the program analysed it")
        if new := [name for name, model in wanted.models.items() if self.models.get(name) != model]:
            return Change("analyse", f"models were added or are others ({', '.join(new)})")
        if added := [name for name in wanted.detectors if name not in self.detectors]:
            return Change("analyse", f"detectors were added ({', '.join(added)})")
        if self.detectors != wanted.detectors:
            return Change("judge", "detectors were left out or are of another version")
        return Change("nothing") if self == wanted else Change("judge", "settings have changed")


@dataclass(frozen=True, slots=True)
class Live:
    """Where a live stream stood, since reading it again does not tell.

    ``clock`` is None before the first packet; ``stall`` is what is remembered of its silence; ``at_seconds`` when this
    was, since 1970.
    """

    clock: StreamClock | None
    stall: Stall
    at_seconds: float


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A stream's state at one commit.

    ``judged``: rows judged, by ``table/track``. ``states``: of detectors, by ``detector|table/track``. ``found``:
    incidents so far, by detector and track. ``covered``: where coverage ends. ``windows``: the last
    window handed over, by ``table/track``. ``summary``: the stream's part of the
    document, once it is done. ``live``: of a live stream.
    """

    work: Work
    run: int = 0
    judgement: int = 0
    sequence: int = 0
    judged: dict[str, int] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    heads: dict[str, Head] = field(default_factory=dict)
    explain: str = ""
    sync: str = ""
    found: dict[str, int] = field(default_factory=dict)
    covered: dict[str, int] = field(default_factory=dict)
    windows: dict[str, int] = field(default_factory=dict)
    summary: dict[str, Any] | None = None
    live: Live | None = None


"""What a new judgement takes over from the one before: the findings of detectors that are set as they were."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace

from actors.incident import Event
from actors.judging import AnyDetector
from actors.stored import Stored


def kept(stored: Stored, detectors: Iterable[AnyDetector]) -> frozenset[str]:
    """Names of the detectors whose findings hold.

    That is where version and settings are what they were, and what the detector remembers of each track is stored.
    A silent source is told by no rows: what was found holds always.

    Args:
        stored: A finished stream.
        detectors: As they are to judge it now.
    """
    given = list(detectors)
    work, remembered = stored.checkpoint.work, stored.checkpoint.states
    settings = json.loads(work.settings)
    others = {
        detector.name for detector in given
        if work.detectors.get(detector.name) != detector.version
        or settings.get(detector.name) != detector.settings.model_dump(mode="json")
        or any(
            f"{detector.name}|{name}" not in remembered for name in stored.checkpoint.windows
            if name.partition("/")[0] == detector.table
        )
    }  # fmt: skip
    return frozenset(detector.name for detector in given) - others | {"stalled"}


def unexplained(events: Iterable[Event]) -> list[Event]:
    """Events as detectors gave them: without causes, and without the updates that only named one."""
    return [
        replace(event, explained_by=None) for event in events
        if event.kind != "updated" or event.explained_by is None
    ]  # fmt: skip

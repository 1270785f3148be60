"""Keeps cells whole: what Ray places and starts again by itself is watched, and mended where it does not."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import ray
from ray.exceptions import GetTimeoutError, RayError

from cluster import cell as cells
from cluster.places import Cell, detector_name
from cluster.settings import Supervision
from cluster.shape import Placed, Plan

ROOM_SECONDS = 2.0
"""How long a cell may wait for a place before empty ones are given back at once; or itself, if it had one before."""

log = logging.getLogger(__name__)


class Whole:
    """Knows which cells have found no place for too long, and sees that each placed one has its detectors.

    It asks detectors whether they are there, and starts another where one is gone or does not answer.

    A detector that dies is started again by Ray, on another node too. Not by Ray: one whose name is gone, one that
    hangs, and one that is "being restarted" for ever.
    """

    def __init__(self, rules: Supervision) -> None:
        """Begin with nothing known.

        Args:
            rules: How long a cell may be without a place, and a detector without an answer: to its first, from when its
                cell was placed, and from its last.
        """
        self._rules = rules
        self._unplaced: dict[str, float] = {}
        self._asked: dict[str, ray.ObjectRef[int]] = {}
        self._well: dict[str, float] = {}
        self._up: set[str] = set()

    def look(self, there: Sequence[Cell], plans: Mapping[Placed, Plan], now: float) -> set[str]:
        """Mend detectors; gives the cells that have been without a place for too long.

        Where there is room, Ray gives a cell that has lost its place another within a moment.

        Args:
            there: Every cell.
            plans: Of each shape that there can be.
            now: Monotonic seconds.
        """
        self._detectors([cell for cell in there if cell.placed and cell.shape in plans], plans, now)
        self._unplaced = {cell.name: self._unplaced.get(cell.name, now) for cell in there if not cell.placed}
        patience = {cell.name: ROOM_SECONDS if cell.lost else self._rules.place_seconds for cell in there}
        return {cell for cell, since in self._unplaced.items() if now - since > patience[cell]}

    def longest_wait(self, now: float) -> float:
        """For how long a cell has been without a place, in seconds."""
        return now - min(self._unplaced.values(), default=now)

    def _detectors(self, placed: Sequence[Cell], plans: Mapping[Placed, Plan], now: float) -> None:
        named = cells.names()
        needed = {
            detector_name(cell.name, number): (cell.name, plan, number)
            for cell in placed for plan in [plans[cell.shape]] for number in range(plan.detectors)
        }  # fmt: skip
        self._well = {name: self._well.get(name, now) for name in needed}
        self._asked = {name: answer for name, answer in self._asked.items() if name in needed}
        self._up &= set(named)
        for name, (cell, plan, number) in needed.items():
            if name not in named:
                log.warning("%s is gone, and another is started", name)
                self._well[name] = now
                self._asked.pop(name, None)
                cells.begin_detector(cell, plan, number)
            elif self._answered(name):
                self._well[name] = now
                self._up.add(name)
            elif now - self._well[name] > self._patience(name):
                log.warning("%s does not answer and is ended", name)
                self._up.discard(name)
                cells.end(name)
            elif name not in self._asked and now - self._well[name] > self._rules.answer_seconds / 4:
                self._ask(name)

    def _patience(self, name: str) -> float:
        return self._rules.answer_seconds if name in self._up else self._rules.start_seconds

    def _ask(self, name: str) -> None:
        if (detector := cells.handle(name)) is not None:
            self._asked[name] = detector.pid.remote()

    def _answered(self, name: str) -> bool:
        """Whether an answer has come that was asked for; one that failed is asked for again."""
        asked = self._asked.get(name)
        if asked is None or not ray.wait([asked], timeout=0)[0]:
            return False
        del self._asked[name]
        try:
            ray.get(asked, timeout=1.0)
        except (RayError, GetTimeoutError):
            return False
        return True

"""Keeps cells whole: what Ray places and starts again by itself is watched, and mended where it does not."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, RayError

from cluster import cell as cells
from cluster.places import Cell, detector_name
from cluster.settings import Supervision
from cluster.shape import Plan

log = logging.getLogger(__name__)


class Whole:
    """Knows which cells have found no place for too long, and sees that each placed one has its detector.

    It asks detectors whether they are there, and starts another where one is gone or does not answer.

    A detector that dies is started again by Ray, on another node too. Not by Ray: one whose name is gone, one that
    hangs, and one that is "being restarted" for ever.
    """

    def __init__(self, rules: Supervision) -> None:
        """Begin with nothing known.

        Args:
            rules: How long a cell may be without a place, and a detector without an answer, from when its cell was
                placed or its last answer came.
        """
        self._rules, self._patience = rules, rules.answer_seconds
        self._unplaced: dict[str, float] = {}
        self._asked: dict[str, ray.ObjectRef[int]] = {}
        self._well: dict[str, float] = {}

    def look(self, there: Sequence[Cell], plan_of: Callable[[Any], Plan], now: float) -> list[str]:
        """Mend detectors; gives the cells that have been without a place for too long.

        Args:
            there: Every cell.
            plan_of: Gives the plan of a shape.
            now: Monotonic seconds.
        """
        self._detectors([cell for cell in there if cell.placed], plan_of, now)
        self._unplaced = {cell.name: self._unplaced.get(cell.name, now) for cell in there if not cell.placed}
        return [cell for cell, since in self._unplaced.items() if now - since > self._rules.place_seconds]

    def _detectors(self, placed: Sequence[Cell], plan_of: Callable[[Any], Plan], now: float) -> None:
        named = cells.names()
        plans = {cell.name: plan for cell in placed if (plan := plan_of(cell.shape)).detectors}
        self._well = {cell: self._well.get(cell, now) for cell in plans}
        self._asked = {cell: answer for cell, answer in self._asked.items() if cell in plans}
        for cell, plan in plans.items():
            if detector_name(cell) not in named:
                self._anew(cell, plan, now)
            elif self._answered(cell):
                self._well[cell] = now
            elif now - self._well[cell] > self._patience:
                log.warning("%s: its detector does not answer and is ended", cell)
                cells.end(detector_name(cell))
            elif cell not in self._asked and now - self._well[cell] > self._patience / 4:
                self._ask(cell)

    def _anew(self, cell: str, plan: Plan, now: float) -> None:
        log.warning("%s: its detector is gone, and another is started", cell)
        self._well[cell] = now
        self._asked.pop(cell, None)
        cells.begin_detector(cell, plan)

    def _ask(self, cell: str) -> None:
        if (detector := cells.handle(detector_name(cell))) is not None:
            self._asked[cell] = detector.pid.remote()

    def _answered(self, cell: str) -> bool:
        """Whether an answer has come that was asked for; one that failed is asked for again."""
        asked = self._asked.get(cell)
        if asked is None or not ray.wait([asked], timeout=0)[0]:
            return False
        del self._asked[cell]
        try:
            ray.get(asked, timeout=1.0)
        except (RayError, GetTimeoutError):
            return False
        return True

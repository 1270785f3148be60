"""Users' models that have failed: an incident too, with what was being read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from actors.detectors.model import cut_off
from actors.incident import Event, Severity, Thresholds
from actors.measure import Rows
from actors.media import Table
from actors.models.scores import WHY, column, kind_of
from actors.models.spec import ModelSpec
from actors.spans import IDLE, Moment, Span, close, event, follow


@dataclass(frozen=True, slots=True)
class Failing:
    """One model's: the span without it, and why that began; '' before."""

    span: Span = IDLE
    why: str = ""


@dataclass(frozen=True, slots=True)
class Failures:
    """By the name of the model."""

    of: dict[str, Failing]


class DetectorFailed:
    """A user's model was cut off: it raised, hung, crashed, gave no numbers or took too much memory."""

    name = "detector_failed"
    version = 1
    table: Table = "metrics"
    severity: Severity = "critical"

    def __init__(self, models: Sequence[ModelSpec]) -> None:
        self.settings = Thresholds()
        self._models = {model.name: model.class_ for model in models}
        self.metrics: tuple[str, ...] = tuple(column(model, WHY) for model in self._models)

    def start(self) -> Failures:
        """None has failed."""
        return Failures({model: Failing() for model in self._models})

    def judge(self, state: Failures, rows: Rows) -> tuple[Failures, list[Event]]:
        """Judge why there are no numbers."""
        if not len(rows):
            return state, []
        of, events = dict(state.of), list[Event]()
        for model in self._models:
            failing, cut = of.get(model, Failing()), cut_off(rows, model)
            why = failing.why
            if cut.any() and not failing.span.active:
                why = str(rows.columns[column(model, WHY)][int(np.argmax(cut))])
            span, moments = follow(failing.span, rows, cut, np.full(len(rows), np.nan), 0)
            of[model] = Failing(span, why)
            events += [self._event(model, why, rows, moment) for moment in moments]
        return Failures(of), events

    def finish(self, state: Failures, rows: Rows) -> list[Event]:
        """Close what lasted to the end."""
        return [
            self._event(model, failing.why, rows, moment)
            for model, failing in state.of.items() for moment in close(failing.span)
        ]  # fmt: skip

    def unknown(self, format_text: str) -> str | None:
        """It is always known."""
        return None

    def _event(self, model: str, why: str, rows: Rows, moment: Moment) -> Event:
        kind = kind_of(why)
        at = f"at {rows.base.seconds(moment.span.start):.3f} s of {rows.track}"
        named = self._models.get(model, "")
        message = f"model {model} ({named}) was cut off {at}: {why.partition(': ')[2]}"
        return event(self, rows, moment, unit="", message=message, part=model, cause=kind)

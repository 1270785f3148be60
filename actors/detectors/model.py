"""What a user's model measures, judged against the bound that the user declares."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from actors.incident import Event, Severity
from actors.measure import Rows
from actors.media import Table
from actors.models.scores import PASSED_OVER, WHY, column
from actors.models.spec import ModelSpec
from actors.spans import IDLE, Moment, Span, close, event, follow


@dataclass(frozen=True, slots=True)
class Judged:
    """The span that is followed, and why the model was cut off; '' while it measures."""

    span: Span = IDLE
    why: str = ""


class ModelJudge:
    """A metric of a user's model that is beyond the bound for a while. What was not measured changes nothing."""

    version = 1
    table: Table = "metrics"

    def __init__(self, model: ModelSpec) -> None:
        self.name, self.settings = model.name, model.judge
        self.severity: Severity = model.judge.severity
        self.metrics: tuple[str, ...] = (column(model.name, model.judge.metric),)

    def start(self) -> Judged:
        """Nothing yet."""
        return Judged()

    def judge(self, state: Judged, rows: Rows) -> tuple[Judged, list[Event]]:
        """Judge the metric. Where the model was cut off, what was beyond the bound has ended."""
        if not len(rows):
            return state, []
        values, cut = values_of(rows, self.metrics[0]), cut_off(rows, self.name)
        told = ~np.isnan(values) | cut
        why = str(rows.columns[column(self.name, WHY)][-1]) if cut[-1] else ""
        beyond, level = self._beyond(values)
        minimum = rows.base.ceil(self.settings.minimum_seconds)
        span, moments = follow(state.span, rows.where(told), beyond[told], level[told], minimum)
        return Judged(span, why), [self._event(rows, moment) for moment in moments]

    def finish(self, state: Judged, rows: Rows) -> list[Event]:
        """Close what is open."""
        return [self._event(rows, moment) for moment in close(state.span)]

    def unknown(self, format_text: str) -> str | None:
        """Every picture can be given to a model."""
        return None

    def _beyond(self, values: NDArray[np.float64]) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        """Where values are beyond the bound, and how far: greater is further."""
        above, below = self.settings.above, self.settings.below
        if above is not None:
            return values > above, values
        assert below is not None
        return values < below, -values

    def _event(self, rows: Rows, moment: Moment) -> Event:
        judge, span = self.settings, moment.span
        side, bound = ("above", judge.above) if judge.above is not None else ("below", judge.below)
        peak = span.peak if judge.above is not None else -span.peak
        seconds = rows.base.seconds(span.end - span.start)
        message = f"{judge.metric} {side} {bound:g} for {seconds:.2f} s ({peak:.4g})"
        return replace(event(self, rows, moment, unit="", message=message), peak=peak)


def values_of(rows: Rows, name: str) -> NDArray[np.float64]:
    """A metric of a model, NaN where it was not measured, also where it never was."""
    found = rows.columns.get(name)
    return np.full(len(rows), np.nan) if found is None else found.astype(np.float64)


def cut_off(rows: Rows, model: str) -> NDArray[np.bool_]:
    """Where a model was cut off: no number is to come from there on."""
    why = rows.columns.get(column(model, WHY))
    if why is None:
        return np.zeros(len(rows), np.bool_)
    return np.asarray((why != "") & (why != PASSED_OVER), np.bool_)


"""What is new in a judgement that says again what its receiver knows from an earlier one. Pure.

When settings change, stored measurements are judged again, and every incident of the stream is committed once more,
under the id that it had. Whoever was told of it is told only of what is new: see :meth:`Retold.is_news`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from serve.webhook.cloudevent import Row, is_told, recorded_at
from serve.webhook.outbox import Position


class Judgement(NamedTuple):
    """One of a stream's. Those of one run are of the same measurements; the first is 0."""

    stream: str
    run: int
    number: int

    @classmethod
    def of(cls, row: Row) -> Judgement:
        """That of an event."""
        return cls(row["stream"], row["run"], row["judgement"])


@dataclass(frozen=True)
class Telling:
    """What one webhook has carried to the receiver: events after a position, up to another, but for some."""

    after: Position
    upto: Position
    severities: Collection[str]
    but: Collection[Position] = ()

    def told(self, row: Row) -> bool:
        """Whether it has told of an event."""
        position = Position(row["commit"], row["place"])
        return self.after < position <= self.upto and position not in self.but and is_told(row, self.severities)


class Said(NamedTuple):
    """What was last told of an incident."""

    end: int | None
    explained_by: str | None


class Retold:
    """What one receiver knows of streams from judgements before the one that is being told."""

    def __init__(self, hold: timedelta) -> None:
        """Nothing yet. ``hold``: what was explained within it was not told."""
        self._hold = hold
        self._said: dict[Judgement, dict[str, Said]] = {}

    def unknown(self, rows: Iterable[Row]) -> list[Judgement]:
        """Judgements again, of which :meth:`learn` is to be called before :meth:`is_news` is asked."""
        again = (Judgement.of(row) for row in rows if row["judgement"])
        return [one for one in dict.fromkeys(again) if one not in self._said]

    def learn(self, judgement: Judgement, earlier: Iterable[Row], tellings: Sequence[Telling]) -> None:
        """Take in what was said before.

        Args:
            judgement: Of which events are to come.
            earlier: Events of the stream's earlier judgements in this run, in the order of their positions.
            tellings: What the receiver was told, by this job and others.
        """
        incidents: dict[tuple[str, int], list[Row]] = {}
        for row in earlier:
            incidents.setdefault((row["id"], row["judgement"]), []).append(row)
        said: dict[str, Said] = {}
        for (id_, _), rows in incidents.items():
            for row in _unhushed(rows, self._hold):
                if any(telling.told(row) for telling in tellings):
                    said[id_] = Said(row["end"], row["explained_by"])
        self._said[judgement] = said

    def is_news(self, row: Row) -> bool:
        """Whether an event says what the receiver does not know.

        That is all of an incident that it was never told of; of others another end, or another incident that explains.
        """
        said: Mapping[str, Said] = self._said.get(Judgement.of(row), {})
        before = said.get(row["id"])
        if before is None:
            return True
        if row["kind"] == "opened":
            return False
        return row["end"] != before.end or row["explained_by"] not in (None, before.explained_by)


def _unhushed(rows: Sequence[Row], hold: timedelta) -> Sequence[Row]:
    """An incident's events without those that were not told since it was explained within the hold."""
    opened = next((place for place, row in enumerate(rows) if row["kind"] == "opened"), None)
    if opened is None:
        return rows
    until = recorded_at(rows[opened]) + hold
    hushed = [
        place for place, row in enumerate(rows)
        if place >= opened and row["explained_by"] is not None and recorded_at(row) <= until
    ]  # fmt: skip
    return [*rows[:opened], *rows[hushed[-1] + 1 :]] if hushed else rows

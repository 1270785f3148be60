"""One event on its way to a webhook: when it is due, and when it is given up."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from serve.webhook.cloudevent import Row, encode, recorded_at
from serve.webhook.outbox import Pending, Position
from serve.webhook.receiver import LONGEST_RETRY_AFTER_SECONDS

FIRST_SECONDS, LONGEST_SECONDS = 1.0, 300.0
"""Bounds of the wait between two attempts, where the receiver does not ask for a longer one."""

GIVE_UP = timedelta(hours=72)
"""From an event's first attempt to its last."""


class Clock:
    """The wall clock."""

    def now(self) -> datetime:
        """The time, UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


@dataclass(slots=True, eq=False)
class Delivery:
    """``wait_seconds``: until the next attempt. ``settled``: nothing more is to be done."""

    id: str
    incident: str
    kind: str
    position: Position
    recorded_at: datetime
    body: str
    wait_seconds: float
    attempts: int
    first_at: datetime | None
    settled: bool = False

    @classmethod
    def of(cls, row: Row, job: str, pending: Pending, hold: timedelta, now: datetime) -> Delivery:
        """An event as the outbox knows it. News of an opened incident waits for ``hold``."""
        wait = hold.total_seconds() if row["kind"] == "opened" else 0.0
        if pending.next_at is not None:
            wait = min(max((pending.next_at - now).total_seconds(), 0.0), LONGEST_RETRY_AFTER_SECONDS)
        return cls(
            pending.id, row["id"], row["kind"], pending.position, recorded_at(row), encode(row, job), wait,
            pending.attempts, pending.first_at,
        )  # fmt: skip

    def begin(self, now: datetime) -> datetime:
        """Count an attempt. Returns when the first one was."""
        self.attempts += 1
        self.first_at = self.first_at or now
        return self.first_at


def backoff_seconds(attempts: int, rng: random.Random) -> float:
    """The wait after so many attempts: 1 to 2 s, doubling up to 150 to 300 s."""
    longest = min(2 * FIRST_SECONDS * 2 ** min(attempts - 1, 16), LONGEST_SECONDS)
    return rng.uniform(longest / 2, longest)

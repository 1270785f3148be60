"""Telling a job's webhook of incidents, from committed events: signed, tried again, in order per incident."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import Callable, Collection, Coroutine, Iterable
from datetime import datetime, timedelta
from typing import Self

from actors.errors import StorageError
from actors.url import shown
from serve.webhook.cloudevent import Row, event_id, is_told
from serve.webhook.delivery import GIVE_UP, Clock, Delivery, backoff_seconds
from serve.webhook.outbox import Outbox, Position
from serve.webhook.receiver import Answer, Receiver

HOLD_SECONDS = 2.0
"""How long news of an opened incident waits for the incident to be explained."""

AT_ONCE = 4
"""Attempts under way for one job."""

MOST_WAITING = 500
"""Events of one job in memory before :meth:`Notifier.push` waits; the log keeps the others."""

SAVE_SECONDS, SAVE_AGAIN_SECONDS, MOVED_SECONDS = 1.0, 10.0, 60.0
"""Between two writes of the outbox; after one that failed; where nothing is new but its position."""

log = logging.getLogger(__name__)


class Notifier:
    """One job's webhook, as an async context: in it events are pushed, behind it they are delivered.

    Events of one incident are delivered in their order, each once the one before is; those of others do not wait for
    them. Every event is told at least once, always under the same id. Leaving the context stops the deliveries and
    stores how far they came; a process that dies instead tells again what it told in its last second or two.
    """

    def __init__(
        self,
        receiver: Receiver,
        outbox: Outbox,
        severities: Collection[str],
        is_news: Callable[[Row], bool],
        *,
        hold_seconds: float = HOLD_SECONDS,
        clock: Clock | None = None,
        rng: random.Random | None = None,
    ) -> None:
        """Nothing is sent before the context is entered.

        Args:
            receiver: Who is told; the notifier closes it.
            outbox: How far the job's webhook has come; the notifier's own from here on.
            severities: Those that are told.
            is_news: Whether an event says anything that the receiver does not know from an earlier judgement.
            hold_seconds: How long news of an opened incident is held.
            clock: Tells the time, and waits.
            rng: Of the jitter.
        """
        self._receiver = receiver
        self._outbox = outbox
        self._severities = frozenset(severities)
        self._is_news = is_news
        self._hold = timedelta(seconds=hold_seconds)
        self._clock = clock or Clock()
        self._rng = rng or random.Random()
        self._read = outbox.read_after
        self._waiting: dict[Position, Delivery] = {}
        self._lanes: dict[str, deque[Delivery]] = {}
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self._quiet_until = self._saved_at = self._clock.now()
        self._receives = True
        self._changed, self._unsaved = asyncio.Event(), asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._error: BaseException | None = None

    async def __aenter__(self) -> Self:
        self._unsaved.set()
        self._start(self._keep())
        return self

    async def __aexit__(self, *error: object) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._receiver.close()
        await self._save()

    async def push(self, rows: Iterable[Row], upto: Position | None = None) -> None:
        """Take the next events of the job's streams; wait first while there are too many.

        After a restart they come from the outbox's ``read_after`` on; what is settled is passed over.

        Args:
            rows: In the order of their positions, some hundreds at most; of any kind and severity.
            upto: How far the log has been read, if that is further than the last row.

        Raises:
            KeyError: A row lacks a column.
            Exception: What ended a task of the notifier, which is of no use any more then.
        """
        await self._until(lambda: len(self._waiting) < MOST_WAITING)
        for row in rows:
            position = Position(row["commit"], row["place"])
            if position > self._read:
                self._take(row, position)
                self._read = position
        self._read = max(self._read, upto or self._read)
        for pending in list(self._outbox.pending.values()):
            if pending.position <= self._read and pending.position not in self._waiting:
                self._give_up(pending.position, pending.attempts, "it is no longer in the table of events")
        self._outbox.advance(self._read)
        if (self._clock.now() - self._saved_at).total_seconds() >= MOVED_SECONDS:
            self._unsaved.set()

    async def drained(self) -> None:
        """Wait until all that was pushed is delivered or given up.

        Raises:
            Exception: As from :meth:`push`.
        """
        await self._until(lambda: not self._waiting)

    def _take(self, row: Row, position: Position) -> None:
        """Start the delivery of an event, if it is to be told and not settled."""
        known = self._outbox.pending.get(position)
        if known is None:
            told = is_told(row, self._severities) and self._is_news(row)
            if self._outbox.is_settled(position) or not told:
                return
            known = self._outbox.add(event_id(row), position)
        if self._outbox.gone_at is not None:
            self._give_up(position, known.attempts, "the receiver is gone")
            return
        delivery = Delivery.of(row, self._outbox.job, known, self._hold, self._clock.now())
        self._waiting[position] = delivery
        if delivery.incident in self._lanes:
            self._lanes[delivery.incident].append(delivery)
        else:
            self._lanes[delivery.incident] = deque([delivery])
            self._start(self._serve(delivery.incident))
        if row["explained_by"] is not None:
            self._hush(delivery)

    def _hush(self, last: Delivery) -> None:
        """Tell nothing of an incident that was explained within the hold, and not told of yet."""
        lane = self._lanes[last.incident]
        opened = next((delivery for delivery in reversed(lane) if delivery.kind == "opened"), None)
        if opened is None or opened.attempts or last.recorded_at - opened.recorded_at > self._hold:
            return
        while not opened.settled:
            self._settle(lane[-1])

    async def _serve(self, incident: str) -> None:
        """Deliver one incident's events, one after the other."""
        lane = self._lanes[incident]
        while lane:
            await self._attempt(lane[0])
        del self._lanes[incident]

    async def _attempt(self, delivery: Delivery) -> None:
        await self._clock.sleep(delivery.wait_seconds)
        async with self._at_once:
            while (left := (self._quiet_until - self._clock.now()).total_seconds()) > 0 and not delivery.settled:
                await self._clock.sleep(left)
            if delivery.settled:
                return
            now = self._clock.now()
            first_at = delivery.begin(now)
            answer = await self._receiver.post(delivery.id, delivery.body, now)
        if not delivery.settled:
            self._judge(delivery, answer, first_at)

    def _judge(self, delivery: Delivery, answer: Answer, first_at: datetime) -> None:
        """Draw the consequences of an answer."""
        self._note(answer)
        now = self._clock.now()
        left = (first_at + GIVE_UP - now).total_seconds()
        if answer.outcome == "delivered":
            self._settle(delivery)
        elif answer.outcome == "gone":
            self._outbox.close(now)
            for waiting in list(self._waiting.values()):
                self._give_up(waiting.position, waiting.attempts, answer.reason)
        elif left <= 0:
            log.error("job %s: %s: gave up event %s", self._outbox.job, self._receiver.name, delivery.id)
            self._give_up(delivery.position, delivery.attempts, answer.reason)
        else:
            asked = answer.retry_after_seconds or 0.0
            self._quiet_until = max(self._quiet_until, now + timedelta(seconds=asked))
            delivery.wait_seconds = min(max(backoff_seconds(delivery.attempts, self._rng), asked), left)
            next_at = now + timedelta(seconds=delivery.wait_seconds)
            self._outbox.tried(delivery.position, delivery.attempts, first_at, next_at)
            self._unsaved.set()

    def _note(self, answer: Answer) -> None:
        """Log where the receiver begins to fail, works again, or is gone."""
        who = (self._outbox.job, self._receiver.name)
        receives = answer.outcome == "delivered"
        if answer.outcome == "gone":
            log.error("job %s: %s: %s; nothing more is sent", *who, answer.reason)
        elif receives != self._receives:
            level = logging.INFO if receives else logging.WARNING
            log.log(level, "job %s: %s: %s", *who, "receives again" if receives else f"{answer.reason}; tried again")
        self._receives = receives

    def _settle(self, delivery: Delivery) -> None:
        self._outbox.settle(delivery.position)
        self._leave(delivery.position)

    def _give_up(self, position: Position, attempts: int, reason: str) -> None:
        self._outbox.give_up(position, attempts, reason, self._clock.now())
        self._leave(position)

    def _leave(self, position: Position) -> None:
        """Let go of an event that the outbox has settled."""
        if delivery := self._waiting.pop(position, None):
            delivery.settled = True
            self._lanes[delivery.incident].remove(delivery)
        self._changed.set()
        self._unsaved.set()

    async def _until(self, condition: Callable[[], bool]) -> None:
        while self._error is None and not condition():
            self._changed.clear()
            await self._changed.wait()
        if self._error is not None:
            raise self._error

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("job %s: %s: the notifier has ended", self._outbox.job, self._receiver.name, exc_info=error)
            self._error = error
            self._changed.set()

    async def _keep(self) -> None:
        """Store the outbox soon after it has changed."""
        while True:
            await self._unsaved.wait()
            self._unsaved.clear()
            pause = SAVE_SECONDS
            try:
                await self._save()
            except StorageError as error:
                log.warning("job %s: the outbox is not stored, tried again: %s", self._outbox.job, shown(str(error)))
                self._unsaved.set()
                pause = SAVE_AGAIN_SECONDS
            await self._clock.sleep(pause)

    async def _save(self) -> None:
        self._saved_at = self._clock.now()
        await asyncio.to_thread(self._outbox.write, self._outbox.snapshot())

"""Webhooks: what is told, in which order, and what becomes of it when the receiver fails or this process dies."""

import asyncio
import random
import threading
import time
from collections import Counter
from datetime import datetime

import pyarrow as pa
import pytest

from actors import schema
from actors.recorder import Recorder, Unit, application
from serve.webhook import notifier as webhook
from serve.webhook.outbox import Outbox, Position
from tests.actors.recording import SCHEMAS
from tests.serve.listener import HANG, LOST, RESET, Fast, Listener, Log, in_order, notifier_to


async def _abandon(notifier):
    """What a killed process leaves of a notifier: nothing, and nothing is stored."""
    notifier._outbox.write = lambda snapshot: None
    await notifier.__aexit__()


def test_what_is_told_is_a_signed_cloudevent(tmp_path):
    """Opened, closed, and explained afterwards; neither markers nor updates nor other severities."""
    log = Log().add("opened").add("updated", seconds=3).add("closed", seconds=5)
    log.add("updated", seconds=6, explained_by="cause").add("marker", 1)
    log.add("opened", 2, severity="info").add("closed", 2, severity="info").add("opened", 3, severity="warning")

    async def tell():
        outbox = Outbox(str(tmp_path), "job-1")
        async with Listener() as listener, notifier_to(listener.url, outbox) as notifier:
            await notifier.push(log.rows)
            await notifier.drained()
        return listener.came

    came = asyncio.run(tell())
    told = [log.ids()[index] for index in (0, 2, 3, 7)]
    assert sorted(taken.id for taken in came) == sorted(told)
    assert all(taken.verify() == taken.event for taken in came)
    closed = next(taken for taken in came if taken.id == told[1])
    assert closed.headers["content-type"] == "application/cloudevents+json"
    incident = log.rows[0]["id"]
    assert closed.event == {
        "specversion": "1.0", "id": f"{incident}-2-0", "type": "io.sightline.incident.closed", "source": "/streams/cam",
        "subject": "black", "time": "2026-01-02T12:00:05Z", "datacontenttype": "application/json",
        "data": {
            "id": incident, "detector": "black", "track": "v:0", "start_seconds": 0.0, "end_seconds": 1.0,
            "severity": "critical", "peak": 0.98, "unit": "ratio", "cause": "", "explained_by": None,
            "message": "the picture is black", "job": "job-1", "stream": "cam", "status": "closed",
        },
    }  # fmt: skip
    types = {taken.id: (taken.event["type"].rpartition(".")[2], taken.event["data"]["status"]) for taken in came}
    assert [types[id] for id in told] == [
        ("opened", "open"), ("closed", "closed"), ("updated", "closed"), ("opened", "open"),
    ]  # fmt: skip


def test_rows_of_the_table_are_told(tmp_path):
    """As the recorder commits them, which says where and when; without the hold, in the same order."""
    log = Log().add("opened").add("closed")
    columns = [name for name, _ in schema.EVENTS]
    given = [{name: row[name] for name in columns} for row in log.rows]
    recorder = Recorder(str(tmp_path), SCHEMAS)
    fence = recorder.claim(["cam"])["cam"]
    body = pa.Table.from_pylist(given, schema=pa.schema(list(schema.EVENTS)))
    recorder.commit([Unit("events", application("cam", 0), 1, "cam", fence, body)])
    rows = recorder.read("events").to_pylist()

    async def tell():
        async with Listener() as listener, notifier_to(listener.url, Outbox(str(tmp_path), "job-1")) as notifier:
            await notifier.push(rows)
            await notifier.drained()
            return listener.came

    came = asyncio.run(tell())
    assert [taken.event["data"]["status"] for taken in came] == ["open", "closed"]
    assert came[0].id == f"{log.rows[0]['id']}-{rows[0]['commit']}-0"
    assert datetime.fromisoformat(came[0].event["time"]) == rows[0]["recorded_at"]


def test_a_failing_receiver_gets_everything_once_and_in_order(tmp_path):
    """It is down at first, then answers at random: errors, silence, resets, and events taken but not acknowledged."""
    log, rng = Log().incidents(30), random.Random(3)
    answers = Counter()

    def answer(taken):
        kind = rng.choice((200, 200, 500, 404, 429, HANG, RESET, LOST))
        answers[kind] += 1
        return kind

    async def tell():
        down = Listener(answer)
        async with down:
            pass  # now its port is known, and nothing listens there
        outbox = Outbox(str(tmp_path), "job-1")
        async with notifier_to(down.url, outbox, clock=Fast(2000), answer_seconds=0.05) as notifier:
            for first in range(0, len(log.rows), 7):
                await notifier.push(log.rows[first : first + 7])
            while not any(pending.attempts for pending in outbox.pending.values()):
                await asyncio.sleep(0.01)
            async with down:
                await notifier.drained()
        return down, outbox

    listener, outbox = asyncio.run(tell())
    assert len(log.rows) == 70
    assert sorted(taken.id for taken in listener.once()) == sorted(log.ids())
    assert in_order(listener.once())
    assert min(answers[kind] for kind in (500, 404, 429, HANG, RESET, LOST)) >= 8
    assert len(listener.came) > len(listener.accepted) > 70
    assert (outbox.position, outbox.pending, outbox.failed_total) == (Position(69, 0), {}, 0)


def test_kills_repeat_and_lose_nothing(tmp_path):
    """Twenty processes that die at any moment, and one that does not."""
    log, rng = Log().incidents(40), random.Random(5)

    async def live(listener, seconds):
        outbox = Outbox.load(str(tmp_path), "job-1")
        notifier = notifier_to(listener.url, outbox, clock=Fast(100), answer_seconds=0.05)
        async with asyncio.timeout(None) as ends:
            await notifier.__aenter__()
            rows = log.after(outbox.read_after)
            for first in range(0, len(rows), 5):
                await notifier.push(rows[first : first + 5])
                await asyncio.sleep(0.002)
            if seconds is None:
                await notifier.drained()
                await notifier.__aexit__()
                return outbox
            ends.reschedule(None)
        await asyncio.sleep(seconds)
        await _abandon(notifier)
        return outbox

    async def lives():
        async with Listener(lambda taken: rng.choice((200, 200, 500, LOST))) as listener:
            for _ in range(20):
                await live(listener, rng.uniform(0, 0.03))
            listener.answer = 200
            return listener, await live(listener, None)

    listener, outbox = asyncio.run(lives())
    assert sorted(taken.id for taken in listener.once()) == sorted(log.ids())
    assert in_order(listener.once())
    assert len(listener.accepted) > len(log.rows) == 94
    assert outbox.position == Position(93, 0)
    assert not outbox.pending


def test_dying_between_delivery_and_storing_tells_again(tmp_path):
    log = Log().incidents(5)

    async def tell():
        async with Listener() as listener:
            counts = []
            for stored in (False, True, True):
                outbox = Outbox.load(str(tmp_path), "job-1")
                notifier = await notifier_to(listener.url, outbox).__aenter__()
                if not stored:
                    outbox.write = lambda snapshot: None
                await notifier.push(log.after(outbox.read_after))
                await notifier.drained()
                await (notifier.__aexit__() if stored else _abandon(notifier))
                counts.append(len(listener.came))
        return counts, listener.once()

    counts, once = asyncio.run(tell())
    assert counts == [12, 24, 24]
    assert len(once) == 12


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("late", [False, True])
def test_what_is_explained_within_the_hold_is_not_told(tmp_path, together, late):
    """Also where the cause is known only after the close. What is not explained is told after the hold."""
    log = Log().add("opened").add("opened", 1)
    log.add("closed", seconds=1, explained_by=None if late else "cause").add("closed", 1, seconds=1)
    if late:
        log.add("updated", seconds=1.5, explained_by="cause")

    async def tell():
        outbox = Outbox(str(tmp_path), "job-1")
        async with (
            Listener() as listener,
            notifier_to(listener.url, outbox, hold_seconds=2, clock=Fast(10)) as notifier,
        ):
            since = time.monotonic()
            for rows in [log.rows] if together else [[row] for row in log.rows]:
                await notifier.push(rows)
                await asyncio.sleep(0)
            assert not listener.came
            await notifier.drained()
            return listener.came, outbox, time.monotonic() - since

    came, outbox, seconds = asyncio.run(tell())
    assert [taken.id for taken in came] == [log.ids()[1], log.ids()[3]]
    assert seconds >= 2 / 10
    assert outbox.position == Position(len(log.rows) - 1, 0)
    assert not outbox.pending


def test_what_is_explained_after_the_hold_is_told(tmp_path):
    """Even if the receiver was down, so that nothing had been sent when it came."""
    log = Log().add("opened").add("closed", seconds=2.5, explained_by="cause")

    async def tell():
        outbox = Outbox(str(tmp_path), "job-1")
        async with (
            Listener() as listener,
            notifier_to(listener.url, outbox, hold_seconds=2, clock=Fast(50)) as notifier,
        ):
            await notifier.push(log.rows)
            await notifier.drained()
            return listener.came

    assert [taken.id for taken in asyncio.run(tell())] == log.ids()


@pytest.mark.parametrize("slow", ["receiver", "resolver"])
def test_a_slow_receiver_does_not_delay_another(tmp_path, slow):
    log, blocked = Log().incidents(20), threading.Event()

    def resolve(host, port):
        if slow == "resolver":
            blocked.wait(5)
        return ["127.0.0.1"]

    async def tell():
        one, two = Outbox(str(tmp_path), "one"), Outbox(str(tmp_path), "two")
        async with (
            Listener(HANG) as hanging,
            Listener() as quick,
            notifier_to(hanging.url, one, resolve=resolve) as first,
            notifier_to(quick.url, two) as second,
        ):
            await first.push(log.rows)
            since = time.monotonic()
            await second.push(log.rows)
            await second.drained()
            seconds = time.monotonic() - since
            blocked.set()
            return seconds, len(quick.came), len(hanging.accepted), len(one.pending)

    seconds, quick, hanging, pending = asyncio.run(tell())
    assert seconds < 2
    assert (quick, hanging, pending) == (47, 0, 47)


def test_what_is_in_memory_is_bounded(tmp_path, monkeypatch):
    """A push waits while the receiver is down: what it would bring is in the log."""
    monkeypatch.setattr(webhook, "MOST_WAITING", 10)
    log = Log().incidents(20)

    async def tell():
        outbox = Outbox(str(tmp_path), "job-1")
        async with Listener(500) as listener, notifier_to(listener.url, outbox, clock=Fast(500)) as notifier:
            for first in range(0, 15, 5):
                waiting = asyncio.create_task(notifier.push(log.rows[first : first + 5]))
                await asyncio.sleep(0.02)
            assert (waiting.done(), len(outbox.pending)) == (False, 10)
            listener.answer = 200
            await waiting
            await notifier.push(log.rows[15:])
            await notifier.drained()
            return len(listener.accepted)

    assert asyncio.run(tell()) == 47


def test_how_far_the_log_was_read_counts_without_events(tmp_path):
    async def tell():
        outbox = Outbox(str(tmp_path), "job-1")
        async with notifier_to("http://127.0.0.1:9/", outbox) as notifier:
            await notifier.push([], upto=Position(70, 3))
            await notifier.push([], upto=Position(60, 0))

    asyncio.run(tell())
    assert Outbox.load(str(tmp_path), "job-1").read_after == Position(70, 3)

"""Webhooks: receivers that ask for patience, are gone, or stay silent; what is listed, logged and raised then."""

import asyncio
import json
import logging
import random
from datetime import timedelta

import pytest

from actors.networks import Networks
from cluster.job import Webhook
from serve.webhook import delivery
from serve.webhook.notifier import Notifier
from serve.webhook.outbox import BEGINNING, Outbox, Position
from serve.webhook.receiver import Answer, Receiver
from tests.serve.listener import (
    HANG,
    NOON,
    RESET,
    WANTED,
    Fast,
    Jumping,
    Listener,
    Log,
    Stopped,
    anything,
    notifier_to,
)


def test_a_receiver_that_is_gone_is_left_alone(tmp_path, caplog):
    """What was not delivered is listed as given up, also what is committed later, and after a restart."""
    log = Log().incidents(5)

    async def tell(rows, listener):
        outbox = Outbox.load(str(tmp_path), "job-1")
        async with notifier_to(listener.url, outbox) as notifier:
            await notifier.push(rows)
            await notifier.drained()
        return outbox

    async def twice():
        async with Listener(lambda taken: 200 if len(listener.came) < 3 else 410) as listener:
            first = await tell(log.rows[:8], listener)
            came = len(listener.came)
            second = await tell(log.rows, listener)
            assert len(listener.came) == came
        return listener, first, second

    with caplog.at_level(logging.ERROR, "serve.webhook.notifier"):
        listener, first, second = asyncio.run(twice())
    assert first.gone_at is not None
    assert len(listener.accepted) + first.failed_total == 8
    assert len(listener.accepted) + second.failed_total == 12
    assert not second.pending
    listed = {given_up.id for given_up in Outbox.load(str(tmp_path), "job-1").failed}
    assert listed | {taken.id for taken in listener.accepted} == set(log.ids())
    assert "410 Gone; nothing more is sent" in caplog.text


@pytest.mark.parametrize("text", ["120", "Fri, 02 Jan 2026 12:02:00 GMT"])
def test_retry_after_is_honoured_for_all_events(tmp_path, text):
    """Two minutes, in either form. The time is stored, too."""
    log, clock = Log().add("opened").add("opened", 1), Stopped()
    busy = f"HTTP/1.1 429 Too Many Requests\r\nretry-after: {text}\r\ncontent-length: 0\r\n\r\n".encode()

    async def tell():
        outbox, counts = Outbox(str(tmp_path), "job-1"), []
        async with Listener(busy) as listener, notifier_to(listener.url, outbox, clock=clock) as notifier:
            await notifier.push(log.rows[:1])
            while not outbox.pending[Position(0, 0)].attempts:
                await asyncio.sleep(0.001)
            assert outbox.pending[Position(0, 0)].next_at == NOON + timedelta(seconds=120)
            listener.answer = 200
            await notifier.push(log.rows[1:])
            for seconds in (0, 60, 59.9):
                clock.advance(seconds)
                await asyncio.sleep(0.03)
                counts.append(len(listener.came))
            clock.advance(0.1)
            await notifier.drained()
            return [*counts, len(listener.came)]

    assert asyncio.run(tell()) == [1, 1, 1, 3]


class _Dead:
    """A receiver of which nothing is heard."""

    name = "http://dead"

    def __init__(self):
        self.posts = 0

    async def post(self, id, body, now):
        self.posts += 1
        return Answer("failed", "no answer within 10 s")

    async def close(self):
        pass


def test_after_72_hours_an_event_is_given_up_and_listed(tmp_path, caplog):
    log, clock, dead = Log().add("opened"), Jumping(), _Dead()

    async def tell():
        outbox = Outbox(str(tmp_path), "job-1")
        jitter = random.Random(1)
        async with Notifier(dead, outbox, WANTED, anything, hold_seconds=0, clock=clock, rng=jitter) as notifier:
            await notifier.push(log.rows)
            await notifier.drained()
        return outbox

    outbox = asyncio.run(tell())
    assert delivery.GIVE_UP <= clock.now() - NOON < delivery.GIVE_UP + timedelta(minutes=1)
    [given_up] = Outbox.load(str(tmp_path), "job-1").failed
    assert (given_up.id, given_up.attempts) == (log.ids()[0], dead.posts)
    assert 864 <= dead.posts <= 1800  # the waits are 150 to 300 s in the end
    assert given_up.reason == "no answer within 10 s"
    assert not outbox.pending
    assert "gave up event" in caplog.text


def test_attempts_go_on_where_they_were_after_a_restart(tmp_path):
    """Neither the count nor the time of the next attempt starts anew."""
    log, clock, dead = Log().add("opened"), Jumping(), _Dead()

    async def live(seconds):
        outbox = Outbox.load(str(tmp_path), "job-1")
        jitter = random.Random(1)
        async with Notifier(dead, outbox, WANTED, anything, hold_seconds=0, clock=clock, rng=jitter) as notifier:
            await notifier.push(log.after(outbox.read_after))
            until = clock.now().timestamp() + seconds
            while clock.now().timestamp() < until:
                await asyncio.sleep(0)
        return next(iter(Outbox.load(str(tmp_path), "job-1").pending.values()))

    first = asyncio.run(live(1000))
    assert first.attempts == dead.posts > 5
    clock.slept.clear()
    left = (first.next_at - clock.now()).total_seconds()
    second = asyncio.run(live(400))
    assert clock.slept[0] == pytest.approx(max(left, 0), abs=0.01) or left <= 0
    assert second.attempts == dead.posts > first.attempts
    assert second.first_at == first.first_at


def test_an_event_that_left_the_table_is_listed(tmp_path):
    log = Log().incidents(5)
    outbox = Outbox(str(tmp_path), "job-1")
    for id, row in zip(log.ids(), log.rows, strict=True):
        outbox.add(id, Position(row["commit"], row["place"]))
    outbox.advance(Position(11, 0))

    async def tell():
        async with Listener() as listener, notifier_to(listener.url, outbox) as notifier:
            assert outbox.read_after == Position(0, -1)
            await notifier.push(log.rows[4:])
            await notifier.drained()
            return len(listener.came)

    assert asyncio.run(tell()) == 8
    assert [given_up.id for given_up in outbox.failed] == log.ids()[:4]


def test_a_task_that_ends_is_not_passed_over(tmp_path):
    class Broken(_Dead):
        async def post(self, id, body, now):
            raise ZeroDivisionError

    async def tell():
        outbox = Outbox(str(tmp_path), "job-1")
        async with Notifier(Broken(), outbox, WANTED, anything, hold_seconds=0) as notifier:
            await notifier.push(Log().add("opened").rows)
            await notifier.drained()

    with pytest.raises(ZeroDivisionError):
        asyncio.run(tell())
    assert Outbox.load(str(tmp_path), "job-1").read_after == Position(0, -1)


def _has_failed(outbox):
    return outbox.failed or any(pending.attempts for pending in outbox.pending.values())


def test_secrets_reach_no_log_no_error_and_no_outbox(tmp_path, caplog):
    """Of the URL only scheme, host and port are ever shown."""
    log = Log().incidents(5)
    caplog.set_level(logging.DEBUG)

    async def tell(answer, job):
        async with Listener(answer) as listener:
            url = f"http://canary1:canary2@127.0.0.1:{listener.port}/canary3?token=canary4&x=canary5"
            outbox = Outbox(str(tmp_path), job)
            async with notifier_to(url, outbox, clock=Fast(500), answer_seconds=0.05) as notifier:
                await notifier.push(log.rows)
                while not (listener.came and _has_failed(outbox)):
                    await asyncio.sleep(0.01)
            return listener.came[0]

    for number, answer in enumerate((500, HANG, RESET, b"canary3?token=canary4 HTTP/1.1\r\n\r\n", 302, 410)):
        taken = asyncio.run(tell(answer, f"job-{number}"))
    assert taken.target == "/canary3?token=canary4&x=canary5"
    assert taken.headers["authorization"] == "Basic Y2FuYXJ5MTpjYW5hcnky"
    with pytest.raises(ValueError, match="secret must be whsec_") as error:
        Receiver(Webhook(url="https://canary.example/", secret="canary--x"), Networks())
    stored = "".join(path.read_text() for path in sorted((tmp_path / "outbox").iterdir()))
    assert "410 Gone" in stored
    assert "410 Gone" in caplog.text
    for text in (stored, caplog.text, str(error.value)):
        assert "canary" not in text
        assert "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" not in text


def test_the_outbox_is_stored_again_when_it_could_not_be(tmp_path, caplog):
    place = tmp_path / "results"
    place.write_text("in the way")

    async def tell():
        outbox = Outbox(str(place), "job-1")
        async with Listener() as listener, notifier_to(listener.url, outbox, clock=Fast(200)) as notifier:
            await notifier.push(Log().add("opened").rows)
            await notifier.drained()
            while "the outbox is not stored" not in caplog.text:
                await asyncio.sleep(0.01)
            place.unlink()
            stored = place / "outbox" / "job-1.json"
            while not stored.exists():
                await asyncio.sleep(0.01)
            return json.loads(stored.read_text())["position"]

    assert asyncio.run(tell()) == [0, 0]
    assert Outbox.load(str(place), "job-2").read_after == BEGINNING

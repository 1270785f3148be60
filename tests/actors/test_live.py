import random
import threading
import time

import pytest

from actors.feed import Cut, Missing
from actors.limits import Limits
from actors.live import GATHER_SECONDS, Background, Backoff, Halt, reconnecting
from actors.url import SourceError


def test_backoff_doubles_within_its_bounds_and_jitter():
    backoff = Backoff((1.0, 30.0), random.Random(1))
    waits = [backoff.next() for _ in range(8)]
    for wait, middle in zip(waits, [1, 2, 4, 8, 16, 30, 30, 30], strict=True):
        assert 0.8 * middle <= wait <= 1.2 * middle
    assert len(set(waits)) == 8
    backoff.reset()
    assert backoff.next() <= 1.2


def test_reconnecting_waits_between_attempts_and_begins_anew_after_success():
    waits, halt = [], Halt()
    halt.wait = lambda seconds: waits.append(round(seconds)) or (len(waits) >= 6 and halt.set())

    def connect(attempt):
        if attempt == 3:
            yield b"data"
        raise SourceError("a: refused", "refused")

    backoff = Backoff((1.0, 30.0), random.Random(0))
    backoff._rng = type("Fair", (), {"uniform": lambda self, low, high: 1.0})()
    items = list(reconnecting(connect, backoff, halt, endless=True))
    assert waits == [1, 2, 4, 1, 2, 4]
    assert items.count(Missing(0.0, "a: refused")) == 6
    assert b"data" in items


def test_a_full_queue_drops_and_counts_what_a_network_sends():
    halt, limits = Halt(), Limits(pending_bytes=1000)
    sent, resume = threading.Event(), threading.Event()

    def flood():
        for _ in range(10):
            yield bytes(500)
        sent.set()
        resume.wait(10)
        yield b"after"

    background = Background(flood(), halt, limits, lossy=True)
    assert sent.wait(10)
    assert len(next(background)) == 1000
    resume.set()
    assert next(background) == Missing(0.0, "overrun: 4000 bytes came faster than they were read")
    assert list(background) == [b"after"]


def test_what_came_is_worked_on_before_waiting_for_more():
    halt, sent, resume = Halt(), threading.Event(), threading.Event()

    def bursts():
        yield b"one"
        sent.set()
        resume.wait(10)
        yield b"two"

    def rest():
        rested.append(len(given))
        resume.set()

    given, rested = [], []
    background = Background(bursts(), halt, Limits(), lossy=True)
    assert sent.wait(10)
    time.sleep(GATHER_SECONDS)
    background.on_rest = rest
    for item in background:
        given.append(item)
    assert given == [b"one", b"two"]
    assert rested[0] == 1


def test_a_full_queue_holds_back_what_can_wait():
    halt, limits = Halt(), Limits(pending_bytes=1000)
    background = Background(iter([bytes(500)] * 10), halt, limits, lossy=False)
    assert sum(map(len, background)) == 5000


def test_a_reader_that_dies_is_not_taken_for_the_end(monkeypatch):
    monkeypatch.setattr(threading, "excepthook", lambda args: None)

    def broken():
        yield b"x"
        raise ZeroDivisionError

    background = Background(broken(), Halt(), Limits(), lossy=False)
    assert next(background) == b"x"
    with pytest.raises(RuntimeError, match="died"):
        next(background)


def test_silence_is_said_again_and_again_by_the_given_clock():
    now, halt, over = [0.0], Halt(), threading.Event()

    def silent():
        over.wait(20)
        yield from ()

    background = Background(silent(), halt, Limits(stall_seconds=5), lossy=False, clock=lambda: now[0])
    for _ in range(3):
        now[0] += 5.0
        assert next(background) == Cut("stalled")
    over.set()
    assert list(background) == []

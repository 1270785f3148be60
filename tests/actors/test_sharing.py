"""A process of several streams: each has what its threads burn, and an equal part of the rest."""

import threading
import time

import pytest

from actors.sharing import Process
from actors.spending import Spending


def burn(seconds):
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def threads(*works):
    """Run each on a thread of its own, all at once."""
    started = [threading.Thread(target=work) for work in works]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()


def test_a_stream_alone_has_all_of_its_process():
    began, process = time.process_time(), Process()
    share = process.enter()
    burn(0.03)
    threads(lambda: burn(0.05), lambda: (burn(0.02), share.post()))
    assert share.seconds() == pytest.approx(time.process_time() - began, abs=0.01)
    assert share.most == 1


def test_each_has_its_own_and_the_shares_are_the_whole():
    process, there, ended, taken = Process(), threading.Barrier(3), threading.Barrier(3), {}
    began = time.process_time()

    def stream(name, seconds):
        share = process.enter()
        there.wait()
        burn(seconds)
        threads(lambda: (burn(seconds), share.post()))
        share.post()
        ended.wait()
        taken[name] = share.seconds()
        assert share.most == 3
        share.leave()

    threads(*(lambda n=n: stream(n, n * 0.05) for n in (1, 2, 3)))
    whole = time.process_time() - began
    assert sum(taken.values()) == pytest.approx(whole, abs=0.03)
    assert [taken[n] for n in (1, 2, 3)] == pytest.approx([0.1, 0.2, 0.3], abs=0.03)


def test_what_is_nobodys_is_parted_equally_among_those_who_are_there():
    process = Process()
    first = process.enter()
    burn_elsewhere = threading.Thread(target=burn, args=(0.06,))
    burn_elsewhere.start()
    burn_elsewhere.join()
    before = first.seconds()
    second = process.enter()
    threads(lambda: burn(0.1))
    later = [share.seconds() for share in (first, second)]
    assert before == pytest.approx(0.06, abs=0.01)
    assert later[0] - before == pytest.approx(0.05, abs=0.02)
    second.leave()
    threads(lambda: burn(0.05))
    assert first.seconds() - later[0] == pytest.approx(0.05, abs=0.02)


def test_threads_that_others_speak_for_are_counted_once():
    process, known = Process(), [0.0]
    share = process.enter()
    share.beside = lambda: known[0]
    threads(lambda: (burn(0.05), known.__setitem__(0, time.thread_time())))
    assert share.seconds() == pytest.approx(0.05, abs=0.01)


def test_memory_is_parted_by_the_most_streams_at_a_time():
    process = Process()
    alone = Spending(process.enter()).usage()["peak_memory_bytes"]
    spending = Spending(process.enter())
    Spending(process.enter()).share.leave()
    assert spending.usage()["peak_memory_bytes"] == pytest.approx(alone / 3, rel=0.05)

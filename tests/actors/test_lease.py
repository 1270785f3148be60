"""A process that its cluster has given up, or that hears nothing of it for too long, ends."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.lease import ENDED, LapsedError, Lease, keep

SECONDS = 10.0
answers = st.lists(st.tuples(st.sampled_from([True, None]), st.floats(0.0, 12.0)), max_size=40)


@given(answers)
def test_it_is_good_for_so_long_after_the_last_answer(given_answers):
    now, heard, told = 0.0, 0.0, None
    lease = Lease(lambda: told, SECONDS, now)
    for told, wait in given_answers:
        now += wait
        if told:
            heard = now
        if now - heard > SECONDS:
            with pytest.raises(LapsedError, match="has not answered for 10 s"):
                lease.renew(now)
            return
        lease.renew(now)


def test_one_that_is_given_up_ends_at_once():
    lease = Lease(iter([True, False]).__next__, SECONDS, 0.0)
    lease.renew(1.0)
    with pytest.raises(LapsedError, match="given this machine up"):
        lease.renew(2.0)


def test_the_process_ends_with_a_status_of_its_own(monkeypatch):
    monkeypatch.setattr("actors.lease.EVERY_SECONDS", 0.01)
    ended, statuses = threading.Event(), []
    told = iter([True, True, None, False])
    keep(told.__next__, SECONDS, lambda status: (statuses.append(status), ended.set()))
    assert ended.wait(30)
    assert statuses == [ENDED]
    assert list(told) == []

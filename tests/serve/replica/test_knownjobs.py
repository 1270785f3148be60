"""Jobs while the supervisor is away are those that are stored, and it is asked again after a while."""

import asyncio

import pytest

from actors.errors import StorageError
from serve.api.backend import BackendUnavailable


class Around:
    """A supervisor and a store that say what they are told to, and count how often they are asked."""

    def __init__(self):
        from serve.replica.knownjobs import KnownJobs

        self.supervisor, self.store, self.now = {"a": 1}, {"a": 1, "b": 2}, 0.0
        self.asked, self.read = 0, 0
        self.jobs = KnownJobs(self.ask, self.stored, lambda: self.now)

    async def ask(self):
        self.asked += 1
        return said(self.supervisor)

    def stored(self):
        self.read += 1
        return said(self.store)

    def all(self):
        return asyncio.run(self.jobs.all())


def said(answer):
    if isinstance(answer, Exception):
        raise answer
    return answer


def test_the_supervisor_is_asked_each_time_while_it_answers():
    around = Around()
    assert [around.all() for _ in range(3)] == [around.supervisor] * 3
    assert (around.asked, around.read) == (3, 0)


def test_what_is_stored_is_good_for_a_while_then_the_supervisor_is_asked_again():
    around = Around()
    around.supervisor = BackendUnavailable("the supervisor does not answer")
    assert [around.all() for _ in range(3)] == [around.store] * 3
    assert (around.asked, around.read) == (1, 1)
    around.now, around.supervisor = 5.0, {"c": 3}
    assert around.all() == {"c": 3}


def test_where_nobody_can_say_it_says_so():
    around = Around()
    around.supervisor, around.store = BackendUnavailable("the supervisor does not answer"), StorageError("no bucket")
    with pytest.raises(BackendUnavailable, match="neither"):
        around.all()

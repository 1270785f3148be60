"""Calls to named actors: where an actor is need be found out once, and anew where it is dead for good."""

import asyncio
import threading

import pytest


class Actor:
    """Answers with its number, or with what it is told to raise."""

    def __init__(self, number):
        self.number, self.fails = number, None
        self.pid = self

    def remote(self):
        async def answer():
            if self.fails:
                raise self.fails
            return self.number

        return answer()


@pytest.fixture
def calls(monkeypatch):
    from cluster import calls

    monkeypatch.setattr(calls, "_handles", {})
    monkeypatch.setattr(calls, "_finding", {})
    return calls


def registry(monkeypatch, calls, *found):
    """Has actors found by name, one after the other; gives what is left to be found."""
    left = list(found)

    def get_actor(name, namespace):
        if not left:
            raise ValueError(name)
        return left.pop(0)

    monkeypatch.setattr(calls.ray, "get_actor", get_actor)
    return left


def test_where_an_actor_is_need_be_found_out_once(monkeypatch, calls):
    left = registry(monkeypatch, calls, Actor(1), Actor(2))
    assert [asyncio.run(calls.call("one", "pid")) for _ in range(3)] == [1, 1, 1]
    assert len(left) == 1


def test_one_that_is_dead_is_looked_for_again_and_one_that_cannot_be_reached_is_not(monkeypatch, calls):
    from ray.exceptions import ActorDiedError, ActorUnavailableError, ObjectLostError, RpcError

    first = Actor(1)
    registry(monkeypatch, calls, first, Actor(2))
    asyncio.run(calls.call("one", "pid"))
    lost = ObjectLostError("00" * 28, "its node died", "here")
    for failure in (ActorUnavailableError("no answer", None), RpcError("no answer"), lost, ActorDiedError()):
        first.fails = failure
        with pytest.raises(calls.AwayError, match="the one does not answer"):
            asyncio.run(calls.call("one", "pid"))
    assert asyncio.run(calls.call("one", "pid")) == 2


def test_one_that_there_is_not_is_away(monkeypatch, calls):
    registry(monkeypatch, calls)
    with pytest.raises(calls.AwayError, match="the one is not running"):
        asyncio.run(calls.call("one", "pid"))


def test_who_asks_while_nobody_says_where_an_actor_is_waits_in_one_thread_together(monkeypatch, calls):
    away, asked = threading.Event(), []

    def get_actor(name, namespace):
        asked.append(name)
        assert away.wait(60)
        return Actor(7)

    async def all_at_once():
        answers = [calls.call("one", "pid", seconds=0.2) for _ in range(12)]
        return await asyncio.gather(*answers, asyncio.to_thread(str, 5), return_exceptions=True)

    monkeypatch.setattr(calls.ray, "get_actor", get_actor)
    *answers, other = asyncio.run(all_at_once())
    assert [type(answer) for answer in answers] == [calls.AwayError] * 12
    assert (asked, other) == (["one"], "5")
    away.set()
    assert asyncio.run(calls.call("one", "pid")) == 7
    assert asked == ["one"]


def test_actors_that_are_known_beforehand_can_be_called_while_nobody_says_where_they_are(monkeypatch, calls):
    registry(monkeypatch, calls, Actor(1))
    calls.know(["one", "other"])
    assert asyncio.run(calls.call("one", "pid")) == 1
    with pytest.raises(calls.AwayError, match="the other is not running"):
        asyncio.run(calls.call("other", "pid"))


def test_an_error_of_the_actor_itself_is_no_absence(monkeypatch, calls):
    from ray.exceptions import RayTaskError

    actor = Actor(1)
    registry(monkeypatch, calls, actor)
    actor.fails = RayTaskError("pid", "traceback", KeyError("its own"))
    with pytest.raises(RayTaskError):
        asyncio.run(calls.call("one", "pid"))

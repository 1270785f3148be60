"""Calls to named actors from an event loop, each with a time-out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import ray
from ray.exceptions import ActorDiedError, RayError, RayTaskError

from actors.errors import StorageError
from actors.remote import NAMESPACE
from cluster.jobs import Unfit

CALL_SECONDS = 10.0

_handles: dict[str, Any] = {}
"""Of actors by name: while the head is away nobody says where an actor is, but it can still be called."""
_finding: dict[str, Future[Any]] = {}
_finders = ThreadPoolExecutor(4, thread_name_prefix="sightline-finding")
"""Who asks for a name while the head is away waits for a minute: in no thread that others need, and once for all."""


class AwayError(Exception):
    """An actor does not answer, or is not there. Nothing is known to be done."""


async def call(actor: str, method: str, *arguments: object, seconds: float = CALL_SECONDS) -> Any:
    """Call a method of a named actor.

    Raises:
        AwayError: It does not answer.
        Unfit: As the supervisor raises it.
        StorageError: As the actor raises it.
    """
    try:
        return await asyncio.wait_for(_answer(actor, method, arguments), seconds)
    except Unfit as error:
        raise Unfit(own_text(error)) from error
    except StorageError as error:
        raise StorageError(own_text(error)) from error
    except RayTaskError:
        raise
    except (RayError, TimeoutError) as error:
        raise AwayError(f"the {actor} does not answer") from error


def know(actors: Iterable[str]) -> None:
    """Find out where actors are, as long as somebody says so; one that there is not is found when it is called."""
    for actor in actors:
        with suppress(ValueError):
            _find(actor)


def _find(actor: str) -> Any:
    _handles[actor] = ray.get_actor(actor, namespace=NAMESPACE)
    return _handles[actor]


async def _answer(actor: str, method: str, arguments: tuple[object, ...]) -> Any:
    handle = await _found(actor)
    try:
        return await getattr(handle, method).remote(*arguments)
    except ActorDiedError:
        _handles.pop(actor, None)
        raise


async def _found(actor: str) -> Any:
    if (known := _handles.get(actor)) is not None:
        return known
    if actor not in _finding or _finding[actor].done():
        _finding[actor] = _finders.submit(_find, actor)
    try:
        return await asyncio.shield(asyncio.wrap_future(_finding[actor]))
    except ValueError as error:
        raise AwayError(f"the {actor} is not running") from error


def own_text(error: Exception) -> str:
    """The text of an error as it was raised in the actor; Ray puts the actor's traceback before it."""
    cause = getattr(error, "cause", None)
    return str(cause or error).strip().splitlines()[-1]

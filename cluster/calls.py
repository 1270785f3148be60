"""Calls to named actors from an event loop, each with a time-out."""

from __future__ import annotations

import asyncio
from typing import Any

import ray
from ray.exceptions import ActorDiedError, ObjectLostError, RayActorError, RpcError

from actors.errors import StorageError
from actors.remote import NAMESPACE
from cluster.jobs import Unfit

CALL_SECONDS = 10.0


_handles: dict[str, Any] = {}
"""Of actors by name: while the head is away nobody says where an actor is, but it can still be called."""


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
    except (RayActorError, ObjectLostError, RpcError, TimeoutError) as error:
        raise AwayError(f"the {actor} does not answer") from error
    except Unfit as error:
        raise Unfit(own_text(error)) from error
    except StorageError as error:
        raise StorageError(own_text(error)) from error


async def _answer(actor: str, method: str, arguments: tuple[object, ...]) -> Any:
    if actor not in _handles:
        try:
            _handles[actor] = await asyncio.to_thread(ray.get_actor, actor, namespace=NAMESPACE)
        except ValueError as error:
            raise AwayError(f"the {actor} is not running") from error
    try:
        return await getattr(_handles[actor], method).remote(*arguments)
    except ActorDiedError:
        _handles.pop(actor, None)
        raise


def own_text(error: Exception) -> str:
    """The text of an error as it was raised in the actor; Ray puts the actor's traceback before it."""
    cause = getattr(error, "cause", None)
    return str(cause or error).strip().splitlines()[-1]

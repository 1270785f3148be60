"""``/healthz`` and ``/readyz``: for whoever runs it."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Request, Response

from serve.api.openapi import gives, tells
from serve.api.problems import problem
from serve.api.routes.held import Held
from serve.api.values import Value

router = APIRouter(tags=["health"])

_TOLD: dict[int | str, dict[str, Any]] = {status: told for status, told in tells().items() if status in {403, 413, 500}}


class Health(Value):
    """A short answer."""

    status: Literal["ok"]


@router.get("/healthz", summary="Is the process alive?", responses={**_TOLD, 200: gives({"status": "ok"}, "It is.")})
async def healthz() -> Health:
    """Whether this process answers; says nothing of the cluster."""
    return Health(status="ok")


@router.get(
    "/readyz",
    summary="Can work be taken?",
    response_model=Health,
    responses={**_TOLD, 429: tells()[429], 503: tells()[503], 200: gives({"status": "ok"}, "It can.")},
)
async def readyz(request: Request, backend: Held) -> Health | Response:
    """Whether jobs can be taken and results read; 503 with what is wrong, by component, where they cannot."""
    problems = (await backend.ready()).problems
    if problems:
        why = f"not ready: {', '.join(sorted(problems))}"
        return problem(request.scope, 503, why, problems=problems, headers={"Retry-After": "5"})
    return Health(status="ok")

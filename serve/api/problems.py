"""Every error is a problem as RFC 9457 has it, and none shows an internal text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Literal

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from serve.api.backend import BackendError, BackendUnavailable, BadCursor, Busy, Conflict, Refused

MEDIA_TYPE = "application/problem+json"
REQUEST_ID = "sightline.request_id"
"""Where the id of a request is kept in its ASGI scope."""

TITLES = {
    400: "Bad request", 401: "A key is needed", 403: "Not allowed", 404: "Not found", 405: "Method not allowed",
    409: "Conflict", 413: "Too large", 422: "Not valid", 429: "Too many requests", 500: "Internal error",
    503: "Not available",
}  # fmt: skip
_DETAILS = {
    404: "there is nothing at this path",
    405: "this path has no such method; the Allow header lists those it has",
    500: "the request could not be done; the log tells why under the request's id, which is this problem's instance",
}
Part = Literal["body", "query", "path", "header"]


class Flaw(BaseModel):
    """One thing in a request that is not valid."""

    model_config = ConfigDict(frozen=True)

    part: Part = Field(description="of the request")
    pointer: str = Field(description="JSON pointer (RFC 6901) into the body; for other parts a slash and the name")
    detail: str


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    model_config = ConfigDict(frozen=True)

    type: str = Field(description="``urn:sightline:problem:`` and a word that programs may rely on")
    title: str = Field(description="the same for every problem of the type")
    status: int = Field(ge=400, le=599)
    detail: str = Field(description="what was wrong this time, and what can be done")
    instance: str = Field(description="``urn:uuid:`` and the request's id, as in the header X-Request-ID")
    errors: tuple[Flaw, ...] | None = Field(None, description="of a request that is not valid")
    problems: dict[str, str] | None = Field(None, description="of ``/readyz``: what is wrong, by component")


class Invalid(HTTPException):
    """A request that no schema refuses, and that is not valid all the same (422)."""

    def __init__(self, *flaws: Flaw) -> None:
        super().__init__(422, "; ".join(flaw.detail for flaw in flaws))
        self.flaws = flaws


def problem_type(status: int) -> str:
    """The type of the problems of a status."""
    return f"urn:sightline:problem:{TITLES.get(status, 'error').lower().replace(' ', '-')}"


def problem(
    scope: Scope,
    status: int,
    detail: str | None = None,
    *,
    errors: Sequence[Flaw] = (),
    problems: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A response that tells a problem. ``detail`` may be left out where the status says all."""
    told = Problem(
        type=problem_type(status),
        title=TITLES.get(status, "Error"),
        status=status,
        detail=detail or _DETAILS.get(status, TITLES.get(status, "Error").lower()),
        instance=f"urn:uuid:{scope.get(REQUEST_ID, '00000000-0000-0000-0000-000000000000')}",
        errors=tuple(errors) or None,
        problems=None if problems is None else dict(problems),
    )
    return Response(told.model_dump_json(exclude_none=True), status, headers, MEDIA_TYPE)


def path_of(scope: Scope) -> str:
    """The path that is routed: without the prefix under which the application is mounted."""
    path, root = str(scope["path"]), str(scope.get("root_path", "")).rstrip("/")
    return path[len(root) :] if root and path.startswith(f"{root}/") else path


def missing(what: str, id: str) -> HTTPException:
    """To be raised where something is not there."""
    return HTTPException(404, f"there is no {what} {id!r}")


def pointer(*steps: str | int) -> str:
    """A JSON pointer."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in steps)


def install(app: FastAPI, methods_at: Callable[[str], Sequence[str]]) -> None:
    """Let an application tell its errors as problems. ``methods_at`` gives the methods that a path has, for 405."""

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        status, headers = error.status_code, dict(error.headers or {})
        if status == 405 and (methods := methods_at(path_of(request.scope))):
            headers["Allow"] = ", ".join(methods)
        detail = None if error.detail == HTTPStatus(status).phrase else error.detail
        return problem(request.scope, status, detail, headers=headers)

    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(Invalid, _invalid)
    app.add_exception_handler(BackendError, _backend)


async def _validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    flaws = [_flaw(one) for one in found if one["type"] != "too_short" or not _below(one["loc"], found)]
    return _flawed(request, flaws)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, Invalid)
    return _flawed(request, error.flaws)


async def _backend(request: Request, error: Exception) -> Response:
    scope, detail = request.scope, str(error)
    match error:
        case Conflict():
            return problem(scope, 409, detail)
        case Refused():
            part: Part = "body" if request.method in {"POST", "PATCH"} else "query"
            return _flawed(request, [Flaw(part=part, pointer=error.pointer, detail=detail)])
        case BadCursor():
            return _flawed(request, [Flaw(part="query", pointer="/cursor", detail=detail)])
        case Busy():
            return problem(scope, 429, detail, headers={"Retry-After": str(error.retry_after_seconds)})
        case BackendUnavailable():
            return problem(scope, 503, detail, headers={"Retry-After": str(error.retry_after_seconds)})
    raise error


def _flawed(request: Request, flaws: Sequence[Flaw]) -> Response:
    first = flaws[0]
    more = f" (and {len(flaws) - 1} more)" if len(flaws) > 1 else ""
    return problem(request.scope, 422, f"{first.part} {first.pointer}: {first.detail}{more}", errors=flaws[:100])


def _below(place: Sequence[str | int], found: Sequence[Mapping[str, Any]]) -> bool:
    """Whether there are flaws inside a list: pydantic then counts its good items only, and says it is too short."""
    return any(len(one["loc"]) > len(place) and one["loc"][: len(place)] == place for one in found)


def _flaw(error: Mapping[str, Any]) -> Flaw:
    """One of pydantic's errors, without the input: there may be a secret in it."""
    part, *steps = error["loc"]
    if error["type"] == "json_invalid":
        return Flaw(part="body", pointer="", detail=f"is no JSON: {error['ctx']['error']}")
    named = {"body": "body", "query": "query", "path": "path", "header": "header"}
    return Flaw(
        part=named.get(str(part), "body"), pointer=pointer(*steps), detail=error["msg"].removeprefix("Value error, ")
    )

"""What a schema cannot say of a request: names that differ, detectors that exist, text and numbers that make sense."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Iterator, Mapping
from typing import Any

from fastapi.routing import APIRoute
from pydantic import ValidationError
from pydantic_core import from_json
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import override

from actors.detectors import DETECTORS, THRESHOLDS, build
from actors.errors import SettingError
from actors.url import SourceError, stream_name
from cluster.job import NO_MODELS, Defaults, JobSpec, misplaced
from serve.api.problems import Flaw, Invalid, pointer

LARGEST = 2**53
"""Of the numbers in a body; to this one a double holds all integers."""

Steps = tuple[str | int, ...]


class StrictRoute(APIRoute):
    """A route whose JSON body is strict: RFC 8259, no NaN, no NUL, no lone surrogate, no absurd number."""

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def strictly(request: Request) -> Response:
            return await handle(_StrictRequest(request.scope, request.receive))

        return strictly


class _StrictRequest(Request):
    @override
    async def json(self) -> Any:
        body = await self.body()
        try:
            value = from_json(body, allow_inf_nan=False)
        except ValueError as error:
            raise json.JSONDecodeError(str(error), "", 0) from error
        if flaws := [_flaw(steps, why) for steps, why in _meaningless(value, ())]:
            raise Invalid(*flaws[:10])
        return value


def _meaningless(value: object, steps: Steps) -> Iterator[tuple[Steps, str]]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _meaningless(item, (*steps, index))
    elif isinstance(value, dict):
        for name, item in value.items():
            if "\0" in name:
                yield steps, "a name with the character U+0000"
            yield from _meaningless(item, (*steps, name))
    elif isinstance(value, str) and "\0" in value:
        yield steps, "text with the character U+0000"
    elif isinstance(value, int | float) and not abs(value) <= LARGEST:
        yield steps, "a number that is too large"


def check(spec: JobSpec) -> None:
    """See that a job can be meant as it is written.

    Raises:
        Invalid: Two streams have one name, a source is no URL, a detector, a field or a value does not exist, or there
            are models that the shape does not run.
    """
    flaws = [_flaw(steps, NO_MODELS) for steps in misplaced(spec)]
    flaws += [*_names(spec), *_settings(spec.defaults, {}, ("defaults",))]
    for index, stream in enumerate(spec.streams):
        flaws += _settings(stream, spec.defaults.settings, ("streams", index))
    if flaws:
        raise Invalid(*flaws[:100])


def names(spec: JobSpec) -> list[str]:
    """What the streams of a checked spec are called, in its order."""
    return [stream.name or stream_name(stream.source) for stream in spec.streams]


def _names(spec: JobSpec) -> Iterator[Flaw]:
    seen: dict[str, int] = {}
    for index, stream in enumerate(spec.streams):
        try:
            name = stream.name or stream_name(stream.source)
        except SourceError as error:
            yield _flaw(("streams", index, "source"), str(error))
            continue
        if name in seen:
            field = "name" if stream.name else "source"
            yield _flaw(("streams", index, field), f"stream {seen[name]} is called {name!r} too; give one another name")
        seen.setdefault(name, index)


def _settings(asked: Defaults, inherited: Mapping[str, Mapping[str, Any]], steps: Steps) -> Iterator[Flaw]:
    for index, name in enumerate(asked.detectors or ()):
        if name not in DETECTORS:
            yield from _tried([name], {}, (*steps, "detectors", index))
    for name, values in asked.settings.items():
        together = {**inherited.get(name, {}), **values}
        yield from _tried([name], {name: together}, (*steps, "settings", name))


def _tried(detectors: list[str], settings: Mapping[str, Mapping[str, Any]], steps: Steps) -> Iterator[Flaw]:
    """Whether detectors can be made so. JSON has types: what would have to be converted is refused."""
    try:
        build(detectors, settings)
        for name, values in settings.items():
            THRESHOLDS[name].model_validate(values, strict=True)
    except SettingError as error:
        yield _flaw(steps, str(error))
    except ValidationError as error:
        for wrong in error.errors():
            yield _flaw((*steps, *wrong["loc"]), wrong["msg"])


def _flaw(steps: Steps, why: str) -> Flaw:
    return Flaw(part="body", pointer=pointer(*steps), detail=why)

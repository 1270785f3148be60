"""The API's own document (OpenAPI 3.1), and the JSON Schema of a job."""

from __future__ import annotations

import json
import re
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.models import Example
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from typing_extensions import override

from serve.api import examples
from serve.api.auth import scope_needed
from serve.api.problems import MEDIA_TYPE, TITLES, Problem, problem_type
from serve.api.values import FeedEvent
from serve.job.jobschema import narrow

Schema = dict[str, Any]

_DESCRIPTION = """Watches audio/video streams for defects that a viewer would notice, and says so while it happens.

Errors are problems (RFC 9457). Lists are `{"items": [...], "next": CURSOR | null}`; give `next` as `cursor` for
the page that follows. Times of a stream are seconds since its first PTS and end in `_seconds`; other times are UTC.
Readers ignore keys that they do not know."""
_HEADERS = {
    401: {"WWW-Authenticate": {"description": "what is asked for (RFC 6750)", "schema": {"type": "string"}}},
    429: {"Retry-After": {"description": "seconds", "schema": {"type": "string", "pattern": "^[0-9]+$"}}},
    503: {"Retry-After": {"description": "seconds", "schema": {"type": "string", "pattern": "^[0-9]+$"}}},
}
_GUARDED = (401, 403, 413, 422, 429, 500, 503)
"""What may happen to any request that needs a key."""


class Api(FastAPI):
    """An application that documents itself whole."""

    @override
    def openapi(self) -> Schema:
        """The document; made once."""
        if self.openapi_schema is None:
            document = get_openapi(
                title=self.title, version=self.version, description=_DESCRIPTION, routes=self.routes, tags=_TAGS
            )
            _complete(document)
            self.openapi_schema = document
        return self.openapi_schema

    def methods_at(self, path: str) -> list[str]:
        """The methods that a path has; none where there is nothing."""
        return sorted(
            method.upper()
            for template, operations in self.openapi()["paths"].items()
            if re.fullmatch(re.sub(r"\{[^}]*\}", "[^/]+", template.replace(".", r"\.")), path)
            for method in operations
        )


_TAGS = [
    {"name": "jobs", "description": "What users submit."},
    {"name": "streams", "description": "Sources under watch."},
    {"name": "results", "description": "Incidents, events, measurements and coverage."},
    {"name": "reference", "description": "What can be asked for."},
    {"name": "health", "description": "For whoever runs it; no key is needed."},
]


def tells(*statuses: int) -> dict[int | str, Schema]:
    """Problems that a route may tell, beside those that any may."""
    return {status: _problem(status) for status in sorted({*_GUARDED, *statuses})}


def shows(example: Any) -> dict[str, Example]:
    """An example of a body; see :func:`gives`."""
    return {"example": {"value": json.dumps(example)}}


def gives(example: Any, description: str, headers: Schema | None = None) -> Schema:
    """A JSON response, with an example (as text until the document is complete: FastAPI would drop its nulls)."""
    content = {"application/json": {"example": json.dumps(example)}}
    return {"description": description, "content": content} | ({"headers": headers} if headers else {})


def _problem(status: int) -> Schema:
    told: Schema = {
        "type": problem_type(status), "title": TITLES[status], "status": status, "detail": examples.DETAILS[status],
        "instance": "urn:uuid:4b6f0c1e-55d1-4a52-8f57-0d6c6f1ce0a7",
    }  # fmt: skip
    if status == 422:
        told["errors"] = [
            {"part": "query", "pointer": "/limit", "detail": "Input should be less than or equal to 1000"}
        ]
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": told}}
    return {"description": TITLES[status], "content": content} | (
        {"headers": _HEADERS[status]} if status in _HEADERS else {}
    )


def _complete(document: Schema) -> None:
    """Say what FastAPI cannot know: scopes, problems, and what detectors can be set to."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            needed = scope_needed(method.upper(), path)
            operation["security"] = [{"key": [needed]}] if needed else []
            for part in (operation.get("requestBody", {}), *operation["responses"].values()):
                _show_examples(part.get("content", {}).get("application/json", {}))
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas |= _schemas(Problem, FeedEvent)
    narrow(schemas, "#/components/schemas/{model}")
    components["securitySchemes"] = {
        "key": {
            "type": "http", "scheme": "bearer", "bearerFormat": "slk_PREFIX.SECRET",
            "description": "Scopes: read, submit (jobs too), admin (deleting too); each may what those before may.",
        }
    }  # fmt: skip


def _show_examples(content: Schema) -> None:
    if "example" in content:
        content["example"] = json.loads(content["example"])
    for example in content.get("examples", {}).values():
        example["value"] = json.loads(example["value"])


def _schemas(*models: type[BaseModel]) -> Schema:
    _, found = models_json_schema(
        [(model, "serialization") for model in models], ref_template="#/components/schemas/{model}"
    )
    schemas: Schema = found["$defs"]
    return schemas

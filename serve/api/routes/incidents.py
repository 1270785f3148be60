"""``/v1/incidents``: defects that were found, and the evidence kept of them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from serve.api import examples
from serve.api.feed import Chunks
from serve.api.openapi import gives, tells
from serve.api.problems import missing
from serve.api.routes.held import Held
from serve.api.values import EvidenceKind, Incident, IncidentId, IncidentQuery, Page

router = APIRouter(prefix="/v1/incidents", tags=["results"])

Id = Annotated[IncidentId, Path(description="of the incident", examples=[examples.INCIDENT["id"]])]
_BINARY = {"schema": {"type": "string", "format": "binary"}, "example": "(bytes)"}
_MEDIA_TYPES: dict[EvidenceKind, str] = {"mkv": "video/x-matroska", "jpg": "image/jpeg"}


@router.get(
    "",
    summary="List incidents",
    responses={
        **tells(),
        200: gives(examples.page(examples.INCIDENT, "WyJpbmNpZGVudHMiXQ"), "Incidents and markers, newest first."),
    },
)
async def incidents(query: Annotated[IncidentQuery, Query()], backend: Held) -> Page[Incident]:
    """Incidents and markers in their newest revisions, the one opened last first."""
    return await backend.incidents(query)


@router.get(
    "/{id}", summary="Show an incident", responses={**tells(404), 200: gives(examples.INCIDENT, "The incident.")}
)
async def incident(id: Id, backend: Held) -> Incident:
    """One incident in its newest revision."""
    if (found := await backend.incident(id)) is None:
        raise missing("incident", id)
    return found


@router.get(
    "/{id}/evidence.mkv",
    summary="Get the recording of an incident",
    response_class=Response,
    responses={
        **tells(404),
        200: {"description": "Encoded packets around its start.", "content": {"video/x-matroska": _BINARY}},
    },
)
async def recording(id: Id, backend: Held) -> Response:
    """The packets as they came, from the key frame before the incident; 404 where none were kept."""
    return await _evidence(id, "mkv", backend)


@router.get(
    "/{id}/evidence.jpg",
    summary="Get the picture of an incident",
    response_class=Response,
    responses={**tells(404), 200: {"description": "The frame at its start.", "content": {"image/jpeg": _BINARY}}},
)
async def picture(id: Id, backend: Held) -> Response:
    """The frame at which the incident was seen; 404 where none was kept."""
    return await _evidence(id, "jpg", backend)


async def _evidence(id: str, kind: EvidenceKind, backend: Held) -> Response:
    chunks = await backend.evidence(id, kind)
    first = None if chunks is None else await anext(chunks, None)
    if chunks is None or first is None:
        raise missing("evidence of the incident", id)
    name = {"Content-Disposition": f'inline; filename="{id}.{kind}"'}
    return Chunks(_from(first, chunks), _MEDIA_TYPES[kind], name)


async def _from(first: bytes, rest: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """The chunk that is there, so that a backend that fails at once is told with a status, and those that follow."""
    if isinstance(rest, AsyncGenerator):
        async with aclosing(rest):
            yield first
            async for chunk in rest:
                yield chunk
    else:
        yield first
        async for chunk in rest:
            yield chunk

"""``/v1/streams``: sources under watch."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from cluster.job import StreamName
from serve.api import examples
from serve.api.openapi import gives, tells
from serve.api.problems import missing
from serve.api.routes.held import Held
from serve.api.values import Page, StreamQuery, StreamState

router = APIRouter(prefix="/v1/streams", tags=["streams"])


@router.get(
    "",
    summary="List streams",
    responses={**tells(), 200: gives(examples.page(examples.STREAM, None), "Streams, by name.")},
)
async def streams(query: Annotated[StreamQuery, Query()], backend: Held) -> Page[StreamState]:
    """Streams as they are now, by name."""
    return await backend.streams(query)


@router.get("/{name}", summary="Show a stream", responses={**tells(404), 200: gives(examples.STREAM, "The stream.")})
async def stream(
    name: Annotated[StreamName, Path(description="of the stream", examples=[examples.STREAM["stream"]])], backend: Held
) -> StreamState:
    """One stream as it is now. Of a name used by several jobs, the newest."""
    if (found := await backend.stream(name)) is None:
        raise missing("stream", name)
    return found

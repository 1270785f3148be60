"""``/v1/events``: events as they are committed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Response

from serve.api import examples
from serve.api.backend import Busy
from serve.api.feed import Chunks, lines
from serve.api.openapi import tells
from serve.api.problems import Flaw, Invalid
from serve.api.routes.held import Held, Readers, Settings
from serve.api.values import EventId, FeedQuery

router = APIRouter(prefix="/v1/events", tags=["results"])

_FEED = {
    "description": "Server-sent events, each as the schema says, that go on until the reader leaves.",
    "content": {
        "text/event-stream": {
            "schema": {
                "type": "object",
                "properties": {
                    "event": {"enum": ["opened", "updated", "closed", "marker"]},
                    "id": {"type": "string", "description": "shard.version.row"},
                    "data": {
                        "type": "string",
                        "contentMediaType": "application/json",
                        "contentSchema": {"$ref": "#/components/schemas/FeedEvent"},
                    },
                },
                "required": ["event", "id", "data"],
            },
            "example": examples.FEED,
        }
    },
}


@router.get("", summary="Follow events", response_class=Response, responses={**tells(429), 200: _FEED})
async def events(
    query: Annotated[FeedQuery, Query()],
    backend: Held,
    settings: Settings,
    readers: Readers,
    last_event_id: Annotated[
        str | None,
        Header(
            pattern=r"^[0-9]{1,10}\.[0-9]{1,19}\.[0-9]{1,10}$", description="the `id` of the last event that you have"
        ),
    ] = None,
) -> Response:
    """Events in the order of their commits, as server-sent events named by their kind.

    Without `Last-Event-ID` the feed begins now; with it, after that event, so that none is lost; `0.0.0` gives all that
    there are. A comment is sent each 15 seconds in which nothing happens.
    """
    if len(readers) >= settings.most_readers:
        raise Busy(f"{settings.most_readers} readers follow events, which is as many as there may be")
    after = await backend.newest() if last_event_id is None else _parsed(last_event_id)
    feed = lines(backend.events(after, query), after, settings.heartbeat_seconds)
    return Chunks(feed, "text/event-stream", {"X-Accel-Buffering": "no"}, readers)


def _parsed(text: str) -> EventId:
    try:
        return EventId.parse(text)
    except ValueError as error:
        raise Invalid(Flaw(part="header", pointer="/last-event-id", detail="no id of an event is so large")) from error

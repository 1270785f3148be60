"""Responses that go on: events as they are committed (SSE), and files in chunks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress

from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send
from typing_extensions import override

from serve.api.backend import BackendError
from serve.api.values import EventId, FeedEvent

log = logging.getLogger("sightline.api")

RETRY_MILLISECONDS = 2000
"""After this time a browser comes back."""


class _Left(Exception):
    """The client takes no more."""


class Chunks(StreamingResponse):
    """A body that is made as it is sent. Its source is closed when it ends and when the client has left."""

    def __init__(
        self,
        source: AsyncGenerator[bytes, None],
        media_type: str,
        headers: Mapping[str, str] | None = None,
        readers: set[object] | None = None,
    ) -> None:
        """``readers``: holds this response for as long as it is sent."""
        super().__init__(source, headers=headers, media_type=media_type)
        self._source = source
        self._readers = set() if readers is None else readers

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_or_leave(message: Message) -> None:
            try:
                await send(message)
            except OSError as error:
                raise _Left from error

        self._readers.add(self)
        sent = asyncio.ensure_future(self.stream_response(send_or_leave))
        gone = asyncio.ensure_future(self.listen_for_disconnect(receive))
        try:
            done, _ = await asyncio.wait({sent, gone}, return_when=asyncio.FIRST_COMPLETED)
            with suppress(_Left):
                for task in done:
                    task.result()
        finally:
            for task in (sent, gone):
                task.cancel()
            await asyncio.gather(sent, gone, return_exceptions=True)
            await self._source.aclose()
            self._readers.discard(self)


async def lines(
    events: AsyncGenerator[FeedEvent, None], after: EventId, heartbeat_seconds: float
) -> AsyncGenerator[bytes, None]:
    """Events in the format of SSE.

    The first lines name the place where the feed begins, so that a reader that is cut off before the first event loses
    none. A backend that fails ends the feed; the reader comes back with the id that it has.

    Args:
        events: Closed in the end.
        after: Where they begin.
        heartbeat_seconds: After so long without an event a comment is sent.

    Yields:
        UTF-8 text, whole events.
    """
    turn: asyncio.Future[FeedEvent] | None = None
    try:
        yield f"retry: {RETRY_MILLISECONDS}\nid: {after}\n\n".encode()
        while True:
            turn = asyncio.ensure_future(anext(events))
            while not (await asyncio.wait({turn}, timeout=heartbeat_seconds))[0]:
                yield b": nothing new\n\n"
            event = turn.result()
            yield f"event: {event.kind}\nid: {event.id}\ndata: {event.model_dump_json()}\n\n".encode()
    except StopAsyncIteration:
        return
    except BackendError as error:
        log.warning("the feed of events was cut: %s", error)
    finally:
        if turn is not None:
            turn.cancel()
            await asyncio.wait({turn})
        await events.aclose()

"""Events as they are committed (SSE): none lost and none twice, however often the connection breaks."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from serve.client.answers import Event, parsed
from serve.client.client import Client, Params, RefusedError, UnreachableError
from serve.terminal.exits import CommandFailedError

SILENCE_SECONDS = 75.0
"""The server says something each 60 seconds at least; after so long the connection is dead."""
FIRST_WAIT_SECONDS, MOST_WAIT_SECONDS = 1.0, 30.0
MOST_BYTES = 4 * 1024 * 1024
"""Of one event."""

BEGINNING = "0.0.0"
"""The place before all events."""
ID = re.compile(r"[0-9]{1,10}\.[0-9]{1,19}\.[0-9]{1,10}")
_LINE_END = re.compile(rb"\r\n|\n|\r(?=[^\n])")
Note = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Block:
    """What stands between two empty lines. ``data`` is empty in a sign of life."""

    id: str | None
    data: str
    retry_seconds: float | None


def blocks(pieces: Iterator[bytes]) -> Iterator[Block]:
    """The blocks of a feed; one that is cut off is no block.

    Raises:
        CommandFailedError: One has no end, or an id that is none.
    """
    lines: list[bytes] = []
    size = 0
    for line in _lines(pieces):
        size += len(line)
        if size > MOST_BYTES:
            raise CommandFailedError("the server sends an event without an end; tell whoever runs it")
        if line:
            lines.append(line)
        else:
            yield _block(lines)
            lines, size = [], 0


def follow(client: Client, params: Params, after: str | None, note: Note) -> Iterator[Event]:
    """Events from after one, or from now, for ever.

    A connection that breaks is made again, after a while that grows, from the last event that was given. The first one
    must succeed.

    Args:
        client: Of the API.
        params: Which events.
        after: An event's id, or None.
        note: Told when the connection breaks, and when it is there again.

    Raises:
        RefusedError, UnreachableError: At the start; or the server refuses for good later.
    """
    place, attempt, connected, least = after, 0, False, FIRST_WAIT_SECONDS
    while True:
        try:
            with client.following(params, place, SILENCE_SECONDS) as pieces:
                connected = True
                for block in blocks(pieces):
                    if attempt:
                        note(f"connected to {client.url} again, going on after {place}")
                    attempt, least = 0, block.retry_seconds or least
                    before, place = place, block.id or place
                    if block.data and (block.id is None or block.id != before):
                        yield _event(block)
            lost = "it was closed"
        except (RefusedError, UnreachableError) as error:
            if not connected or (isinstance(error, RefusedError) and not error.passing):
                raise
            lost = str(error)
            least = max(least, error.retry_after_seconds or 0.0) if isinstance(error, RefusedError) else least
        attempt += 1
        if attempt == 1:
            note(f"lost the feed of events ({lost}); trying again until it is back")
        time.sleep(wait_seconds(attempt, least))


def backlog(client: Client, after: str, note: Note) -> Iterator[Event]:
    """Every event from after one up to the newest that there is now. Filter them here: the end is an event itself."""
    newest = _newest(client)
    if newest in {after, BEGINNING}:
        return
    for event in follow(client, {}, after, note):
        yield event
        if event.id == newest:
            return


def wait_seconds(attempt: int, least: float) -> float:
    """How long to wait before the n-th attempt: longer each time, and never as long as all others do."""
    longest = min(MOST_WAIT_SECONDS, min(least, MOST_WAIT_SECONDS) * 2.0 ** min(attempt - 1, 10))
    return longest * random.uniform(0.5, 1.0)


def _newest(client: Client) -> str:
    """The place after the newest event, which is where a feed without a place begins."""
    with client.following({}, None, SILENCE_SECONDS) as pieces:
        place = next((block.id for block in blocks(pieces) if block.id), None)
    if place is None:
        raise UnreachableError(f"{client.url} began no feed of events; try again")
    return place


def _lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Lines that end with CR, LF or both (and with nothing else: U+2028 may stand in JSON)."""
    held = b""
    for piece in pieces:
        *whole, held = _LINE_END.split(held + piece)
        yield from whole
        if len(held) > MOST_BYTES:
            raise CommandFailedError("the server sends a line without an end; tell whoever runs it")


def _block(lines: list[bytes]) -> Block:
    id, retry, data = None, None, []
    for line in lines:
        name, _, value = line.partition(b":")
        text = value.removeprefix(b" ").decode("utf-8", "replace")
        if name == b"data":
            data.append(text)
        elif name == b"retry" and re.fullmatch("[0-9]{1,6}", text):
            retry = int(text) / 1000
        elif name == b"id":
            if not ID.fullmatch(text):
                raise CommandFailedError("the server's feed is not understood (an id that is none)")
            id = text
    return Block(id, "\n".join(data), retry)


def _event(block: Block) -> Event:
    document = parsed(block.data)
    if document is None:
        raise CommandFailedError("the server's feed is not understood (an event that is no JSON)")
    return Event.of(document)

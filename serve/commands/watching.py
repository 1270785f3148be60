"""What ``sightline watch`` shows: news of streams and of incidents, gathered by two threads, in one order."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from queue import Empty, Queue
from threading import Thread

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from serve.client.answers import ENDED, Event, StreamState
from serve.client.client import Client, RefusedError, UnreachableError
from serve.client.following import follow
from serve.commands.listing import cell, cropped, event_line, stream_line, streams_table, write_line
from serve.terminal.exits import CommandFailedError, say

BETWEEN_SECONDS = 2.0
"""Between two looks at the streams."""
SHOWN_EVENTS = 10


@dataclass(frozen=True, slots=True)
class Looked:
    """The streams as they were at a moment (``time.monotonic``)."""

    streams: tuple[StreamState, ...]
    at: float


@dataclass(frozen=True, slots=True)
class Note:
    """A line about the connection; empty: it is well."""

    text: str


News = Looked | Event | Note


def begun(client: Client, names: Collection[str]) -> Iterator[News | None]:
    """What is new, for ever; None where for a while nothing is. The first is how the streams are now.

    Raises:
        CommandFailedError: The server refuses, cannot be reached at the start, or has no stream of such a name.
    """
    yield look(client, names)
    queue: Queue[News | CommandFailedError] = Queue(maxsize=10_000)
    for part in (_looking, _listening):
        Thread(target=_told, args=(part, client, names, queue), daemon=True).start()
    while True:
        try:
            news = queue.get(timeout=1.0)
        except Empty:
            yield None
            continue
        if isinstance(news, CommandFailedError):
            raise news
        yield news


def look(client: Client, names: Collection[str]) -> Looked:
    """The streams of some names, or all, as they are now."""
    found = [client.stream(name) for name in sorted(names)] if names else client.streams()
    return Looked(tuple(found), time.monotonic())


def _told(
    part: Callable[[Client, Collection[str], Queue[News | CommandFailedError]], None],
    client: Client, names: Collection[str], queue: Queue[News | CommandFailedError],
) -> None:  # fmt: skip
    try:
        part(client, names, queue)
    except CommandFailedError as error:
        queue.put(error)
    except RuntimeError:  # of httpx, where the command has ended and closed the client
        if not client.closed:
            raise


def _looking(client: Client, names: Collection[str], queue: Queue[News | CommandFailedError]) -> None:
    while True:
        time.sleep(BETWEEN_SECONDS)
        try:
            queue.put(look(client, names))
        except (RefusedError, UnreachableError) as error:
            if isinstance(error, RefusedError) and not error.passing:
                raise
            queue.put(Note(str(error)))


def _listening(client: Client, names: Collection[str], queue: Queue[News | CommandFailedError]) -> None:
    params = {"stream": next(iter(names)) if len(names) == 1 else None}
    for event in follow(client, params, None, lambda text: queue.put(Note(text))):
        if (not names or event.stream in names) and event.kind != "updated":
            queue.put(event)


def write_lines(all_news: Iterator[News | None]) -> None:
    """A line of JSON for each change: ``{"stream": ...}`` or ``{"event": ...}``."""
    for news in _changes(all_news):
        write_line({"event" if isinstance(news, Event) else "stream": news.document})


def print_lines(all_news: Iterator[News | None], screen: Console) -> None:
    """A line for each change."""
    for news in _changes(all_news):
        line = event_line(news) if isinstance(news, Event) else stream_line(news)
        screen.print(line, soft_wrap=True)


def _changes(all_news: Iterator[News | None]) -> Iterator[Event | StreamState]:
    """Events, and streams whose status, error or count of open incidents is another; the rest is said."""
    known: dict[tuple[str, str], tuple[object, ...]] = {}
    quiet = True
    for news in all_news:
        if isinstance(news, Looked):
            quiet = True
            for one in news.streams:
                key, now = (one.job, one.stream), (one.status, one.error, one.open_incidents)
                if known.get(key) != now:
                    known[key] = now
                    yield one
        elif isinstance(news, Event):
            yield news
        elif news is not None and quiet:
            quiet = False
            say(news.text)


def draw(all_news: Iterator[News | None], screen: Console) -> None:
    """A table that is drawn anew, over the newest incidents."""
    looked, trouble = Looked((), time.monotonic()), ""
    events: deque[Event] = deque(maxlen=SHOWN_EVENTS)
    with Live(console=screen, auto_refresh=False, vertical_overflow="crop") as live:
        for news in all_news:
            if isinstance(news, Looked):
                looked, trouble = news, ""
            elif isinstance(news, Event):
                events.append(news)
            elif news is not None:
                trouble = news.text
            live.update(picture(looked, events, trouble, screen.height, time.monotonic()), refresh=True)


def picture(looked: Looked, events: Collection[Event], trouble: str, height: int, now: float) -> Group:
    """What is drawn: streams, those in need first and as many as fit; the newest incidents; what is wrong."""
    ordered = sorted(looked.streams, key=lambda one: (_need(one), one.stream))
    room = max(3, height - len(events) - 5)
    left = len(ordered) - room
    table = streams_table(ordered[:room], now - looked.at, one_line=True)
    lines = [cell(f"and {left} more streams; see `sightline ls --streams`", "dim")] if left > 0 else []
    lines += [Text(), *(cropped(event_line(event)) for event in events)] if events else []
    lines += [cropped(cell(trouble, "yellow"))] if trouble else []
    return Group(table, *lines)


def _need(one: StreamState) -> int:
    if one.status in {"failed", "quarantined", "stalled", "partial"}:
        return 0
    return 1 if one.open_incidents else 3 if one.status in ENDED else 2

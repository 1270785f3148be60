"""The HTML page of stored results: that of ``analyze --report``, with graphs, and the pictures that incidents have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from serve.report.graphs import graphs
from serve.report.page import Extra, page, tells

if TYPE_CHECKING:
    from serve.report.told import Told

MOST_STILLS = 100
"""Pictures in one page."""


def stored_page(streams: Sequence[Told], results: str) -> Iterator[str]:
    """The page, with graphs of every stream that has something to tell, or of the only one.

    Raises:
        actors.storage.StorageError: The tables cannot be read.
    """
    from actors.shelf import Shelf

    shelf, room = Shelf(results), MOST_STILLS
    names = shelf.names()
    extras: dict[str, Extra] = {}
    for stream in streams:
        if len(streams) > 1 and not tells(stream.document):
            continue
        stills = {}
        for id_ in [one["id"] for one in stream.document["incidents"] if f"{one['id']}.jpg" in names][:room]:
            picture = shelf.get(f"{id_}.jpg")
            if picture is not None:
                stills[id_] = picture
        room -= len(stills)
        extras[stream.name] = Extra(graphs(stream), stills)
    yield page([stream.document for stream in streams], results, extras)

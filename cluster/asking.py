"""Asks the sources of a job what their pictures are like, before it is run."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from actors.probe import Pictures, pictures
from actors.source import SourceError
from actors.url import shown
from cluster.estimate import ASSUMED
from cluster.sources import is_live

_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Asked:
    """A source, the pictures of its tracks, and why they had to be assumed: '' where it said what they are."""

    source: str
    pictures: tuple[Pictures, ...]
    assumed: str


def ask(sources: Sequence[str]) -> list[Asked]:
    """What each source says of its pictures. One that is on air is not listened to: its port may be taken."""
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="sightline-ask") as threads:
        return list(threads.map(_ask, sources))


def _ask(source: str) -> Asked:
    if is_live(source):
        return Asked(shown(source), (ASSUMED,), "it is not asked, as it is on air")
    try:
        return Asked(shown(source), pictures(source), "")
    except SourceError as error:
        return Asked(shown(source), (ASSUMED,), shown(str(error)).removeprefix(f"{shown(source)}: "))

"""What an incident looks and sounds like: ``evidence/<id>.mkv`` and ``evidence/<id>.jpg`` beside the tables.

The Matroska file is the stream as it was coded, from the ring of its newest packets when the incident was opened. The
JPEG is the picture shown when the incident started, decoded from that file: by the time at which an incident is known
the newest picture may long be a good one again. Both are written by a thread of their own, and a failure is a note.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Self

from actors.clock import TimeBase
from actors.demux import PYAV_ERRORS
from actors.incident import Event
from actors.limits import Limits
from actors.media import PacketFacts
from actors.remux import Remux
from actors.ring import Ring
from actors.shelf import Shelf
from actors.still import still
from actors.storage import failed, one_line
from actors.url import redact

if TYPE_CHECKING:
    from actors.demux import Track
    from actors.ring import AnyPacket

WAITING = 8
"""Incidents of one stream whose evidence may wait to be written."""


@dataclass(frozen=True, slots=True)
class _Order:
    """Evidence to be written."""

    id: str
    track: str
    start: Fraction
    remux: Remux


class Evidence:
    """Keeps the newest packets of one stream, and writes them down when an incident opens.

    Nothing but ``close`` waits, and nothing raises for what media or storage do: a note says it, from either thread.
    ``cpu_seconds``: what its thread has burnt.
    """

    def __init__(self, stream: str, shelf: Shelf, limits: Limits, on_note: Callable[[str], None]) -> None:
        """Write nothing yet.

        Args:
            stream: Its name, for ids.
            shelf: Where files go.
            limits: Bounds of the decoder of stills.
            on_note: Told, in one line, what could not be written and why.
        """
        self._stream, self._shelf, self._limits, self._on_note = stream, shelf, limits, on_note
        self._ring = Ring()
        self._orders: queue.Queue[_Order | None] = queue.Queue(WAITING)
        self._thread: threading.Thread | None = None
        self._said: set[str] = set()
        self.cpu_seconds = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def begin(self, tracks: Sequence[Track], bases: Mapping[str, TimeBase]) -> None:
        """A part of the source begins: what comes cannot be decoded with what was."""
        self._ring.begin(tracks, bases)

    def keep(self, track: str, packet: AnyPacket, facts: PacketFacts) -> None:
        """Take the next packet of the part."""
        self._ring.add(track, packet, facts)

    def take(self, event: Event) -> None:
        """Have evidence written of an incident that has opened; other events are passed over.

        Must be called while the part is open whose packets came last.
        """
        if event.kind != "opened" or event.severity == "info" or not self._ring.tracks:
            return
        id_, held = event.id(self._stream), self._ring.held()
        start, end = event.base.exact(event.start), event.base.exact(event.at)
        if not self._ring.reaches(held, start, end):
            self._missing("late", id_, "the packets of its time are not at hand")
            return
        try:
            order = _Order(id_, event.track, start, Remux(held, self._ring.tracks, self._ring.bases))
        except PYAV_ERRORS as error:
            self._missing("refused", id_, one_line(error))
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="sightline-evidence", daemon=True)
            self._thread.start()
        try:
            self._orders.put_nowait(order)
        except queue.Full:
            self._missing("waiting", id_, f"that of {WAITING} others waits to be written")

    def close(self) -> None:
        """Wait until everything is written; let go of packets and tracks."""
        self._ring = Ring()
        if self._thread is not None:
            self._orders.put(None)
            self._thread.join()

    def _run(self) -> None:
        while self._written(self._orders.get()):
            pass

    def _written(self, order: _Order | None) -> bool:
        """Write what was ordered, or say why it cannot be. False at the end."""
        if order is None:
            return False
        try:
            self._write(order)
            self._said.discard("storage")
        except Exception as error:  # noqa: BLE001 - said, and the stream goes on
            self._missing("storage", order.id, str(failed(self._shelf.uri, "cannot be written", error)))
        self.cpu_seconds = time.thread_time()
        return True

    def _write(self, order: _Order) -> None:
        clip, picture = f"{order.id}.mkv", f"{order.id}.jpg"
        lacks = [name for name in (clip, picture) if not self._shelf.has(name)]
        if not lacks:
            return
        for note in order.remux.notes:
            self._note(note, note)
        made = order.remux.write()
        if made is None:
            return
        if clip in lacks:
            self._shelf.put(clip, made.file.getbuffer())
        if picture in lacks and made.videos:
            video = made.videos.index(order.track) if order.track in made.videos else 0
            data = still(made.file, order.start - made.origin, video, self._limits)
            if data is not None:
                self._shelf.put(picture, data)

    def _missing(self, kind: str, id_: str, why: str) -> None:
        self._note(kind, f"evidence of incident {id_} is missing: {why}")

    def _note(self, kind: str, text: str) -> None:
        """Say a thing of its kind once; that the storage fails, once until it has served again."""
        if kind not in self._said:
            self._said.add(kind)
            self._on_note(redact(text))

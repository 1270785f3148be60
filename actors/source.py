"""Packets of one source, in its order: a file, http(s), HLS, or a live MPEG transport stream over UDP.

FFmpeg demuxes; it never touches a network (docs/decisions/0004-sources.md). Live bytes are read by a thread of their
own; where they pause or do not go on, the demuxer is opened anew.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Literal, Self

from actors.demux import Part, Track
from actors.feed import Missing, Pipe
from actors.items import Break, BreakReason, Item, Packet, Recovered, Scrambled, Stalled
from actors.limits import Limits
from actors.live import Clock, Halt
from actors.multiplex import Multiplex
from actors.origin import Setting, connect, fingerprint
from actors.trust import Gate, Trust
from actors.url import SourceError, redact, stream_name

if TYPE_CHECKING:
    import av
    from av.stream import Stream

__all__ = [
    "Break", "Item", "Missing", "Packet", "Recovered", "Scrambled", "Source", "SourceError", "Stalled", "Track",
    "fingerprint", "open_source", "redact", "stream_name",
]  # fmt: skip

SHORT_SECONDS = 1.0
"""A file that ends this much before its declared duration is cut short."""


class Source:
    """A source under way; made by :func:`open_source`, read by iterating, once.

    ``status`` is ``reading`` until iteration ends, then ``completed``, ``partial`` (with ``reason``: cut short, or
    bytes could not be had), ``denied`` (with ``reason``: what it led to) or ``stopped``. ``format`` is FFmpeg's name of
    the container of the newest part, ``tracks`` are its tracks; for a live source both are empty until its first
    ``Break``. ``notes``: what is not read, and why.
    """

    def __init__(self, url: str, setting: Setting) -> None:
        self.url, self.format = url, ""
        self.status: Literal["reading", "completed", "partial", "denied", "stopped"] = "reading"
        self.reason: str | None = None
        self.tracks: tuple[Track, ...] = ()
        self._setting, self._halt, self._backoff = setting, setting.halt, setting.backoff()
        self._silent: float | None = None
        self._said_stalled = False
        self._reached: tuple[float, float] | None = None
        self._part: Part | None = None
        self._multiplex: Multiplex | None = None
        self._scrambled = False
        self._on_rest: Callable[[], None] = lambda: None
        self._origin = connect(url, setting)
        self.live, self.notes = self._origin.live, self._origin.notes
        if not self.live:
            try:
                self._take(self._first())
            except SourceError:
                self.close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
        if self._part is not None:
            self._part.close()

    def close(self) -> None:
        """Stop, from any thread; an iteration under way ends within a second."""
        self._halt.set()
        self._origin.close()

    def on_rest(self, act: Callable[[], None]) -> None:
        """Have it act whenever all that has come of a network that does not wait has been given, and before waiting.

        Also where a live source gives nothing because it is scrambled. It is called by whoever iterates, from within
        the demuxer: it must not raise.
        """
        self._on_rest = act
        if self._origin.background is not None:
            self._origin.background.on_rest = act

    def __iter__(self) -> Iterator[Item]:
        reason: BreakReason = "start"
        part, before = self._part, None
        while not self._halt.is_set():
            part = part or (yield from self._next())
            if part is None:
                break
            self._take(part)
            yield Break(reason, part.tracks)
            if before is not None:
                before.close()
            yield from self._packets(part)
            if part.pipe is None or part.pipe.cut is None:
                break
            reason = "reopened" if part.pipe.cut.reason == "stalled" else part.pipe.cut.reason
            part, before = None, part
        self._finish()

    def _take(self, part: Part) -> None:
        self._part, self.tracks, self.format = part, part.tracks, part.format
        self.notes += tuple(note for note in part.notes if note not in self.notes)

    def _open(self, reader: Pipe | None) -> Part:
        file = reader or self._origin.file
        assert file is not None
        return Part(self.url, file, self._setting.limits, live=self.live, short=self._origin.short)

    def _first(self) -> Part:
        """The first part of what can be read again."""
        if self._origin.file is not None:
            return self._open(None)
        pipe = self._pipe()
        if not pipe.ready():
            missing = pipe.missing[0].reason if pipe.missing else f"{self.url}: names nothing that can be played"
            raise pipe.error or SourceError(missing, "missing")
        return self._open(pipe)

    def _pipe(self) -> Pipe:
        multiplex = Multiplex() if self._origin.transport else None
        return Pipe(self._origin.feed, rewinds=self._origin.rewinds, multiplex=multiplex)

    def _next(self) -> Generator[Item, None, Part | None]:
        """Open the next part, waiting for a live source as long as it takes. None: there is none."""
        yield from self._waiting()
        while not self._halt.is_set():
            pipe = self._pipe()
            ready = pipe.ready()
            yield from self._taken(pipe)
            if ready:
                try:
                    part = self._open(pipe)
                except SourceError as error:
                    self._skip(pipe, error)
                else:
                    if self._said_stalled and self._silent is not None:
                        yield Recovered(self._silent, self._setting.clock())
                    self._silent, self._said_stalled = None, False
                    self._backoff.reset()
                    return part
            elif pipe.ended:
                self._fail(pipe.error)
                return None
            yield from self._waiting()
        return None

    def _waiting(self) -> Iterator[Stalled]:
        """Say, of a live source, that it has been silent for too long."""
        if self._origin.background is None:
            return
        now = self._setting.clock()
        self._silent = self._origin.background.heard if self._silent is None else self._silent
        if now - self._silent >= self._setting.limits.stall_seconds:
            self._said_stalled = True
            yield Stalled(self._silent, now - self._silent)

    def _skip(self, pipe: Pipe, error: SourceError) -> None:
        """Pass over a part that does not open: later ones may."""
        if self.live:
            self._silent = self._setting.clock() if self._silent is None else self._silent
            self._halt.wait(self._backoff.next())
            return
        self._fail(error)
        while pipe.read(1 << 16):
            pass

    def _packets(self, part: Part) -> Iterator[Item]:
        multiplex = part.pipe.multiplex if part.pipe is not None and part.format == "mpegts" else None
        self._multiplex = multiplex
        if multiplex is not None:
            multiplex.begin([track.stream.id for track in part.tracks])
            if self.live:
                multiplex.on_hidden = self._on_rest
        try:
            for track, packet in part.packets():
                if self._halt.is_set():
                    return
                if part.pipe is not None and part.pipe.missing:
                    yield from self._taken(part.pipe)
                self._reach(track, packet)
                carried = multiplex.take(track.stream.id, packet.pos) if multiplex is not None else None
                yield from self.scrambled(packet.pos or 0)
                yield Packet(track.id, packet, self._late_seconds(), carried)
        except SourceError as error:
            self._fail(error)
        if multiplex is not None:
            multiplex.finish()
        yield from self.scrambled()
        if part.pipe is not None:
            yield from self._taken(part.pipe)

    def scrambled(self, position: int | None = None) -> Iterator[Scrambled]:
        """What of the part's tracks is scrambled, not given before, before a place in it, or up to where it is read."""
        for pid, stretch in self._multiplex.hidden(position) if self._multiplex is not None else ():
            for track in self.tracks:
                if track.stream.id == pid:
                    self._scrambled = True
                    yield Scrambled(track.id, stretch)

    def _reach(self, track: Track, packet: av.Packet[Stream]) -> None:
        if packet.pts is None:
            return
        begin = track.base.seconds(packet.pts)
        end = track.base.seconds(packet.pts + (packet.duration or 0))
        first, last = self._reached or (begin, end)
        self._reached = (min(first, begin), max(last, end))

    def _late_seconds(self) -> float:
        background = self._origin.background
        return 0.0 if background is None or not self.live else self._setting.clock() - background.arrived

    def _taken(self, pipe: Pipe) -> Iterator[Missing]:
        taken, pipe.missing = pipe.missing, []
        for item in taken:
            self._reason(redact(item.reason))
            yield item

    def _fail(self, error: SourceError | None) -> None:
        if error is not None:
            self._reason(str(error))

    def _reason(self, text: str) -> None:
        if not self.live and not self._halt.is_set():
            self.reason = self.reason or text

    @property
    def silent_seconds(self) -> float:
        """How long a live source that is silent has been so."""
        return 0.0 if self._silent is None else self._setting.clock() - self._silent

    @property
    def reading_seconds(self) -> float:
        """CPU seconds that a thread of its own has burnt for reading."""
        return 0.0 if self._origin.background is None else self._origin.background.cpu_seconds

    def _finish(self) -> None:
        if self._halt.is_set():
            self.status = "stopped"
            return
        if (refusal := self._setting.gate.refusal) is not None:
            self.status, self.reason = "denied", str(refusal)
            return
        first, last = self._reached or (0.0, 0.0)
        declared = self._part.declared_seconds if self._part is not None else 0.0
        missing = declared - max(last, last - first)
        name = redact(self.url)
        if self._origin.short is not None:
            self._reason(f"{name}: cut short: {self._origin.short}")
        elif self._reached is None:
            self._reason(f"{name}: {'all of it is scrambled' if self._scrambled else 'holds no packets'}")
        elif missing > SHORT_SECONDS:
            self._reason(f"{name}: cut short: {missing:.1f} s of its {declared:.1f} s are missing")
        self.status = "partial" if self.reason else "completed"


def open_source(
    url: str | os.PathLike[str],
    *,
    limits: Limits | None = None,
    live: bool | None = None,
    stop: threading.Event | None = None,
    clock: Clock = time.monotonic,
    rng: random.Random | None = None,
    trust: Trust | None = None,
) -> Source:
    """Open a source; use it as a context manager.

    Args:
        url: A path, ``file://``, ``http(s)://`` (a file, a stream, an HLS playlist) or ``udp://HOST:PORT``.
        limits: Bounds; the default ones if None.
        live: Whether it goes on for ever; None finds out (UDP, a playlist without end, an answer without length).
        stop: Set it, from any thread, to end the iteration: of a live source within a second, else with its next bytes.
        clock: Monotonic seconds, for stalls.
        rng: Chance in the back-off.
        trust: What may be read for others; None trusts whoever named the source.

    Raises:
        SourceError: It cannot be read: missing, empty, refused, no media, no tracks, denied.
    """
    setting = Setting(limits or Limits(), live, Halt(stop), clock, rng or random.Random(), Gate(trust))
    return Source(os.fspath(url), setting)

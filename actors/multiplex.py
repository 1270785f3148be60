"""MPEG transport streams on the level of bytes: what is wrong with their packets, by where in the stream it is.

FFmpeg says nothing of it. Formats: ISO/IEC 13818-1, 2.4.3; what counts as wrong: ETSI TR 101 290, 5.2.1 and 5.2.2.
What is found depends on the bytes alone, not on how they are cut into pieces.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from actors.media import CLOCK, Carried, Hidden
from actors.scrambling import Scrambling
from actors.transport import PACKET, SYNC, section

_TURN = (1 << 33) * 300
_LONGEST_STEP = CLOCK
"""A clock that goes further may have jumped: it begins anew."""
_NULL = 0x1FFF
_CONTROL = 0xC0
"""Bits of transport_scrambling_control."""
_MOST = 1 << 16
"""Findings that are kept until somebody asks for them."""

_PATIENCE = 2 * CLOCK
"""Scrambling that nobody has asked for so long: the demuxer gives nothing, and reads on."""

Bytes = NDArray[np.uint8]


@dataclass(slots=True)
class _Stream:
    """One PID: its newest packet and where that is; where the newest one sent twice is; what is not taken yet."""

    last: bytes = b""
    at: int = -1
    doubled: int = -1
    wrong: deque[int] = field(default_factory=lambda: deque(maxlen=_MOST))
    flagged: deque[int] = field(default_factory=lambda: deque(maxlen=_MOST))


class Multiplex:
    """Reads a transport stream beside its demuxer: :meth:`feed` before the demuxer has the bytes, :meth:`take` after.

    Between two clock references time runs evenly from byte to byte. A clock that jumps begins anew.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._at = self._done = 0
        self._streams: dict[int, _Stream] = {}
        self._told: tuple[int, ...] = ()
        self._unsynced: deque[int] = deque(maxlen=_MOST)
        self._ages: deque[tuple[int, int, int, int]] = deque(maxlen=_MOST)
        self._gone: deque[tuple[int, int]] = deque(maxlen=_MOST)
        self._synced = False
        self._scrambling = Scrambling()
        self._clocks: dict[int, tuple[int, int]] = {}
        self._lead: int | None = None
        self._now = self._origin = 0
        self._tables: dict[int, int] = {0: 0}
        self._waiting: list[tuple[int, int]] = []
        self._association = b""
        self.on_hidden: Callable[[], None] = lambda: None
        """Called by :meth:`feed` when more than 2 s of :meth:`hidden` wait."""

    def begin(self, pids: Collection[int]) -> None:
        """The demuxer has opened: which streams it reads, the one first to which the whole stream's findings go."""
        self._told = tuple(pids)

    def forget(self) -> None:
        """Bytes are missing that were not the source's to lose: counters need not go on."""
        for stream in self._streams.values():
            stream.last = b""

    def feed(self, data: bytes) -> None:
        """Take the next bytes: the demuxer has given all that was in those before."""
        if self._scrambling.waiting > _PATIENCE:
            self.on_hidden()
        data = self._rest + data
        whole = np.frombuffer(data, np.uint8)
        for first, stop in self._grids(whole):
            self._packets(whole[first:stop].reshape(-1, PACKET), self._at + first)
        self._at += self._done
        self._rest = data[self._done :]

    def take(self, pid: int, position: int | None) -> Carried:
        """What was found up to the start of a packet of a stream, and was not taken before."""
        if position is None:
            return Carried()
        own = self._stream(pid)
        continuity, flagged = _until(own.wrong, position), _until(own.flagged, position)
        scrambled = self._scrambling.take(pid, position)
        if pid not in self._told[:1]:
            return Carried(continuity, flagged, scrambled)
        for other, stream in self._streams.items():
            if other not in self._told:
                continuity += _until(stream.wrong, position)
                flagged += _until(stream.flagged, position)
        ages = [(0, 0, 0)]
        while self._ages and self._ages[0][0] <= position:
            ages.append(self._ages.popleft()[1:])
        association, program, clock = (max(kind) for kind in zip(*ages, strict=True))
        lost = 0
        while self._gone and self._gone[0][0] <= position:
            lost = max(lost, self._gone.popleft()[1])
        unsynced = _until(self._unsynced, position)
        return Carried(continuity, flagged, scrambled, unsynced, association, program, clock, lost)

    def hidden(self, position: int | None) -> list[tuple[int, Hidden]]:
        """Stretches that are scrambled, each with its PID, found before a position and not given before; None: all."""
        return self._scrambling.told(position)

    def finish(self) -> None:
        """No byte follows: what is scrambled is so to the end."""
        self._scrambling.tick(self._at, self._now, self._origin, last=True)

    def _grids(self, data: Bytes) -> Iterator[tuple[int, int]]:
        """Where unbroken runs of packets begin and end. ``_done``: up to where nothing to come matters any more.

        One wrong sync byte passes over its packet; after two in a row three right ones are sought, as at the start.
        """
        syncs, at = data == SYNC, 0
        while True:
            if not self._synced:
                three = syncs[at : max(len(data) - 2 * PACKET, at)].copy()
                for ahead in (PACKET, 2 * PACKET):
                    three &= syncs[at + ahead : at + ahead + len(three)]
                self._synced = bool(three.any())
                at += int(np.argmax(three)) if self._synced else len(three)
            if not self._synced:
                break
            stop = at + (len(data) - at) // PACKET * PACKET
            wrong = np.flatnonzero(~syncs[at:stop:PACKET])
            stop = at + int(wrong[0]) * PACKET if len(wrong) else stop
            if stop > at:
                yield at, stop
            at = stop
            if not len(wrong) or stop + PACKET >= len(data):
                break
            self._unsynced.append(self._at + stop)
            self._synced = bool(syncs[stop + PACKET])
            at += PACKET if self._synced else 1
        self._done = at

    def _packets(self, packets: Bytes, at: int) -> None:
        """Take whole packets, the first of which is at a position."""
        pids = (packets[:, 1].astype(np.int64) & 0x1F) << 8 | packets[:, 2]
        intact = packets[:, 1] & 0x80 == 0
        for row in np.flatnonzero(~intact).tolist():
            self._stream(int(pids[row])).flagged.append(at + row * PACKET)
        self._counters(packets, pids, at)
        payload = intact & (packets[:, 3] & 0x10 != 0) & (pids != _NULL)
        places = at + PACKET * np.arange(len(packets))
        turns = self._scrambling.note(packets[:, 3] & _CONTROL != 0, payload, pids, places)
        turned = np.zeros(len(packets), np.bool_)
        turned[list(turns)] = True
        clear = intact & (packets[:, 3] & _CONTROL == 0) & (packets[:, 1] & 0x40 != 0)
        clocked = intact & (packets[:, 3] & 0x20 != 0) & (packets[:, 4] > 6) & (packets[:, 5] & 0x10 != 0)
        for row in np.flatnonzero(clocked | clear | turned).tolist():
            pid, packet = int(pids[row]), packets[row].tobytes()
            if row in turns:
                self._scrambling.turn(pid, at + row * PACKET, self._now, hidden=turns[row])
            if clear[row] and pid in self._tables:
                self._table(pid, packet, at + row * PACKET)
            if clocked[row]:
                self._clock(pid, packet, at + row * PACKET)

    def _counters(self, packets: Bytes, pids: NDArray[np.int64], at: int) -> None:
        """Follow the continuity counter of each stream (2.4.3.3). A packet flagged as damaged breaks the chain."""
        known = [(pid, stream) for pid in np.unique(pids).tolist() if (stream := self._stream(pid)).last]
        before = np.frombuffer(b"".join(stream.last for _, stream in known), np.uint8).reshape(-1, PACKET)
        rows = np.concatenate((before, packets))
        own = np.concatenate((np.array([pid for pid, _ in known], np.int64), pids))
        places = np.concatenate(
            (np.array([stream.at for _, stream in known], np.int64), at + PACKET * np.arange(len(packets)))
        )
        order = np.argsort(own, kind="stable")
        earlier, later = order[:-1], order[1:]
        checked = (own[earlier] == own[later]) & (own[later] != _NULL)
        checked &= (rows[earlier, 1] | rows[later, 1]) & 0x80 == 0
        counter = rows[:, 3] & 0x0F
        due = (counter[earlier] + (rows[later, 3] >> 4 & 1)) & 0x0F
        restarts = (rows[later, 3] & 0x20 != 0) & (rows[later, 4] > 0) & (rows[later, 5] & 0x80 != 0)
        for index in np.flatnonzero(checked & (counter[later] != due) & ~restarts).tolist():
            one, other = int(earlier[index]), int(later[index])
            stream = self._stream(int(own[other]))
            if _same(rows[one], rows[other]) and stream.doubled != places[one]:
                stream.doubled = int(places[other])
            else:
                stream.wrong.append(int(places[other]))
        for row in order[np.flatnonzero(np.append(own[earlier] != own[later], True))].tolist():
            stream = self._stream(int(own[row]))
            stream.last, stream.at = rows[row].tobytes(), int(places[row])

    def _table(self, pid: int, packet: bytes, position: int) -> None:
        """A section may begin here: note a program association, or a program map."""
        start = 4 + (1 + packet[4] if packet[3] & 0x20 else 0)
        start += 1 + packet[start] if start < PACKET else 0
        if start >= PACKET or packet[start] != (0x00 if pid == 0 else 0x02):
            return
        if position in self._stream(pid).wrong and all(table != pid for table, _ in self._waiting):
            self._gone.append((position, self._now - self._tables[pid]))
        self._waiting.append((pid, position))
        if pid == 0 and packet[4:] != self._association:
            self._association = packet[4:]
            found = section(packet, 0x00)
            entries = [found[at : at + 4] for at in range(8, len(found) - 4, 4)] if found else []
            maps = {(entry[2] & 0x1F) << 8 | entry[3] for entry in entries if entry[:2] != b"\0\0"}
            self._tables = {0: self._tables[0]} | {pid: self._tables.get(pid, self._now) for pid in maps}

    def _clock(self, pid: int, packet: bytes, position: int) -> None:
        """A program clock reference (2.4.3.5): the first stream that has one tells the time of tables."""
        base = int.from_bytes(packet[6:10], "big") << 1 | packet[10] >> 7
        ticks = base * 300 + ((packet[10] & 1) << 8 | packet[11])
        known, self._clocks[pid] = self._clocks.get(pid), (position, ticks)
        self._lead = pid if self._lead is None else self._lead
        step = _LONGEST_STEP + 1 if known is None or packet[5] & 0x80 else (ticks - known[1]) % _TURN
        if known is None or step > _LONGEST_STEP:
            if pid == self._lead:
                self._tables = dict.fromkeys(self._tables, self._now)
                self._waiting.clear()
                self._origin = (ticks - self._now) % _TURN
        elif pid == self._lead:
            ages = dict.fromkeys(self._tables, 0)
            for table, place in self._waiting:
                then = self._now + step * (place - known[0]) // (position - known[0])
                ages[table] = max(ages.get(table, 0), then - self._tables.get(table, then))
                self._tables[table] = then
            self._waiting.clear()
            self._now += step
            ages = {table: max(ages[table], self._now - last) for table, last in self._tables.items()}
            self._ages.append((position, ages.pop(0), max(ages.values(), default=0), step))
            self._scrambling.tick(position, self._now, self._origin)
        else:
            self._ages.append((position, 0, 0, step))

    def _stream(self, pid: int) -> _Stream:
        stream = self._streams.get(pid)
        if stream is None:
            stream = self._streams[pid] = _Stream()
        return stream


def _same(packet: Bytes, other: Bytes) -> bool:
    """Whether a packet is sent twice (2.4.3.3): all but its clock reference is as it was."""
    clocked = packet[3] & 0x20 and packet[4] > 6 and packet[5] & 0x10
    rest = 12 if clocked else 4
    return bool((packet[:6] == other[:6]).all() and (packet[rest:] == other[rest:]).all() and packet[3] & 0x10)


def _until(places: deque[int], position: int) -> int:
    """Take what is up to a position, and count it."""
    count = 0
    while places and places[0] <= position:
        places.popleft()
        count += 1
    return count

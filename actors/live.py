"""Sources that go on for ever: waiting, starting again, and the thread that never lets the network wait."""

from __future__ import annotations

import ipaddress
import random
import select
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs

from actors.feed import Cut, Feed, Missing
from actors.limits import Limits
from actors.url import SourceError, details, split

SLICE_SECONDS = 0.1
"""Nothing waits longer than this without looking whether it is to stop."""
GATHER_SECONDS = 0.2
"""Bytes of a network that does not wait are handed on in such spans: decoding in bursts costs a tenth less."""
REST_SECONDS = 0.02
"""Between two looks at a socket, whose buffer holds what comes meanwhile: waking for each datagram would cost more."""
DATAGRAM = 65_536
_RCVBUFFORCE = 33  # Linux's SO_RCVBUFFORCE, which the socket module does not name
JITTER = 0.2

Clock = Callable[[], float]


class Halt:
    """Asked to stop, by the source's own ``close`` or by its user's event."""

    def __init__(self, outer: threading.Event | None = None) -> None:
        self._own = threading.Event()
        self._outer = outer

    def set(self) -> None:
        """Ask to stop."""
        self._own.set()

    def is_set(self) -> bool:
        """Whether to stop."""
        return self._own.is_set() or (self._outer is not None and self._outer.is_set())

    def wait(self, seconds: float) -> bool:
        """Wait, less if asked to stop meanwhile. Returns whether it was."""
        until = time.monotonic() + seconds
        while not self.is_set() and (left := until - time.monotonic()) > 0:
            self._own.wait(min(left, SLICE_SECONDS))
        return self.is_set()


class Backoff:
    """Waits between attempts: from the first, doubling, to the longest, each 20 % more or less by chance."""

    def __init__(self, bounds: tuple[float, float], rng: random.Random) -> None:
        self._first, self._longest = bounds
        self._rng = rng
        self._seconds = self._first

    def next(self) -> float:
        """Seconds to wait now."""
        seconds, self._seconds = self._seconds, min(self._seconds * 2, self._longest)
        return seconds * self._rng.uniform(1 - JITTER, 1 + JITTER)

    def reset(self) -> None:
        """It worked: begin with the first again."""
        self._seconds = self._first


def reconnecting(connect: Callable[[int], Feed], backoff: Backoff, halt: Halt, *, endless: bool) -> Feed:
    """What ``connect`` gives, again and again; it is told how many attempts there were.

    An error leads to the next attempt, unless a source may not be read at all. So does an end where ``endless``.

    Raises:
        SourceError: It may not be read.
    """
    attempt = 0
    while not halt.is_set():
        try:
            for item in connect(attempt):
                backoff.reset()
                yield item
            if not endless:
                return
        except SourceError as error:
            if error.kind == "denied":
                raise
            yield Missing(0.0, str(error))
        attempt += 1
        halt.wait(backoff.next())


def udp_feed(url: str, limits: Limits, halt: Halt, backoff: Backoff) -> Feed:
    """Datagrams that arrive at ``udp://HOST:PORT``.

    After silence the socket is opened anew, which joins a multicast group again; it listens while it waits.

    Raises:
        SourceError: The address cannot be listened on.
    """
    while not halt.is_set():
        patience = limits.stall_seconds + backoff.next()
        with udp_socket(url, limits) as listening:
            heard = time.monotonic()
            ready = select.poll()
            ready.register(listening, select.POLLIN)
            while not halt.is_set() and time.monotonic() - heard < patience:
                if not ready.poll(SLICE_SECONDS * 1000):
                    continue
                heard = time.monotonic()
                backoff.reset()
                yield b"".join(_waiting(listening))
                time.sleep(REST_SECONDS)


def _waiting(listening: socket.socket) -> Iterator[bytes]:
    """The datagrams that have come already, a thousand at most."""
    for _ in range(1000):
        try:
            yield listening.recv(DATAGRAM)
        except BlockingIOError:
            return


def udp_socket(url: str, limits: Limits) -> socket.socket:
    """A socket that listens where ``udp://[@]HOST:PORT[?localaddr=ADDRESS]`` says; a multicast group is joined.

    Raises:
        SourceError: It cannot listen there.
    """
    parts = split(url)
    port = parts.port
    if not port:
        raise SourceError(f"{url}: a port is needed, as in udp://0.0.0.0:5000", "unsupported")
    host = parts.hostname or "0.0.0.0"
    made: socket.socket | None = None
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        made = socket.socket(family, kind)
        _widen(made, limits.pending_bytes)
        made.setblocking(False)
        group = ipaddress.ip_address(str(address[0]).partition("%")[0])
        if group.is_multicast:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        if group.is_multicast:
            _join(made, group, parse_qs(parts.query).get("localaddr", ["0.0.0.0"])[0])
    except (OSError, UnicodeError) as error:
        if made is not None:
            made.close()
        what = f"cannot be listened on{details(url, error)}"
        raise SourceError(f"{url}: {what}; is the address this machine's, and the port free?", "refused") from error
    return made


def _widen(listening: socket.socket, size: int) -> None:
    """Let the kernel keep so many bytes; without the privilege to pass the machine's bound, as many as that allows."""
    try:
        listening.setsockopt(socket.SOL_SOCKET, _RCVBUFFORCE, size)
    except OSError:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)


def _join(made: socket.socket, group: ipaddress.IPv4Address | ipaddress.IPv6Address, local: str) -> None:
    if group.version == 4:
        made.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group.packed + socket.inet_aton(local))
    else:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group.packed + struct.pack("@I", 0))


class Background:
    """A feed read by a thread of its own into a bounded queue.

    As a feed it says ``Cut("stalled")`` each time ``patience`` seconds passed without a byte. A ``lossy`` feed (a
    network that does not wait) is joined from what came within 0.2 s; ``on_rest`` is called when there is no more yet.
    When the queue is full it drops what is newest, counts it, and says so.
    """

    def __init__(self, feed: Feed, halt: Halt, limits: Limits, *, lossy: bool, clock: Clock = time.monotonic) -> None:
        self.patience = limits.stall_seconds
        self._capacity = limits.pending_bytes
        self._lossy = lossy
        self._halt = halt
        self._clock = clock
        self._items: deque[tuple[float, bytes | Cut | Missing | SourceError]] = deque()
        self._pending = 0
        self._lost = 0
        self._done = False
        self._crashed = False
        self._changed = threading.Condition()
        self.heard = self._told = clock()
        """When the newest byte came; when that was last said to be long ago."""
        self.arrived = self.heard
        """When the first byte of what was given last came."""
        self.on_rest: Callable[[], None] = lambda: None
        self.cpu_seconds = 0.0
        """What the thread has burnt."""
        self._thread = threading.Thread(target=self._read, args=(feed,), name="sightline-source", daemon=True)
        self._thread.start()

    def __iter__(self) -> Feed:
        return self

    def __next__(self) -> bytes | Cut | Missing:
        if self._lossy and self._wait_seconds() > 0:
            self.on_rest()
        with self._changed:
            while (wait := self._wait_seconds()) > 0:
                if not self._items and self._clock() - max(self._told, self.heard) >= self.patience:
                    self._told = self._clock()
                    return Cut("stalled")
                self._changed.wait(wait)
            if not self._items:
                if self._crashed and not self._halt.is_set():
                    raise RuntimeError("the thread that reads the source died")
                raise StopIteration
            self.arrived, item = self._items[0]
            if isinstance(item, bytes):
                return self._joined()
            self._items.popleft()
            if isinstance(item, SourceError):
                raise item
            return item

    def close(self) -> None:
        """Wait up to a second for the thread; the halt must have been set."""
        self._thread.join(1.0)

    def _wait_seconds(self) -> float:
        """How long to wait before what is there may be taken, or the end be told."""
        if self._done or self._halt.is_set():
            return 0.0
        if not self._items:
            return SLICE_SECONDS
        arrived, item = self._items[0]
        if not self._lossy or not isinstance(item, bytes):
            return 0.0
        return min(arrived + GATHER_SECONDS - self._clock(), SLICE_SECONDS)

    def _joined(self) -> bytes:
        """The bytes that came first, and those that came soon after."""
        taken: list[bytes] = []
        while self._items:
            arrived, item = self._items[0]
            if not isinstance(item, bytes) or arrived - self.arrived > GATHER_SECONDS:
                break
            taken.append(item)
            self._items.popleft()
        data = b"".join(taken)
        self._pending -= len(data)
        self._changed.notify_all()
        return data

    def _read(self, feed: Feed) -> None:
        self._crashed = True
        try:
            for item in feed:
                going = self._put(item)
                self.cpu_seconds = time.thread_time()
                if not going:
                    break
            self._crashed = False
        except SourceError as error:
            self._crashed = False
            self._items.append((self._clock(), error))
        finally:
            with self._changed:
                self._done = True
                self._changed.notify_all()

    def _put(self, item: bytes | Cut | Missing) -> bool:
        with self._changed:
            now = self._clock()
            if isinstance(item, bytes):
                while self._pending >= self._capacity and not self._lossy and not self._halt.is_set():
                    self._changed.wait(SLICE_SECONDS)
                self.heard = now = self._clock()
                if self._pending >= self._capacity:
                    self._lost += len(item)
                    return not self._halt.is_set()
                if self._lost:
                    missing = Missing(0.0, f"overrun: {self._lost} bytes came faster than they were read")
                    self._items.append((now, missing))
                    self._lost = 0
                self._pending += len(item)
            self._items.append((now, item))
            if len(self._items) == 1:
                self._changed.notify_all()
        return not self._halt.is_set()

"""What one process burns, parted among the streams that it works for, each on threads of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Process:
    """Parts this process's CPU seconds among the streams that are in it.

    A stream has what its own threads say that they have burnt. The rest (Ray's threads, Arrow's) is parted equally
    among the streams that are there while it is burnt; one that is alone has all of it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shares: list[Share] = []
        self._said, self._rest = 0.0, time.process_time()

    def enter(self) -> Share:
        """The share of a stream that begins; called by the stream's own thread."""
        share = Share(self)
        with self._lock:
            self._part()
            self._shares.append(share)
            for one in self._shares:
                one.most = max(one.most, len(self._shares))
        return share

    def leave(self, share: Share) -> None:
        """A stream has ended: nothing more is its."""
        with self._lock:
            self._part()
            self._shares.remove(share)

    def said(self, seconds: float) -> None:
        """A stream's own threads have burnt so much more."""
        with self._lock:
            self._said += seconds

    def part(self) -> None:
        """Part what was burnt until now."""
        with self._lock:
            self._part()

    def _part(self) -> None:
        before, self._rest = self._rest, time.process_time() - self._said
        for share in self._shares:
            share.given += (self._rest - before) / len(self._shares)


class Share:
    """One stream's part of a process. ``most``: streams that the process had at a time since this one began.

    ``beside``: seconds that threads have burnt which do not call :meth:`post` themselves. ``given``: its part of what
    no stream's threads have burnt.
    """

    def __init__(self, process: Process) -> None:
        self._process, self._lock = process, threading.Lock()
        self._began = time.thread_time()
        self._threads = {threading.get_ident(): self._began}
        self._own = 0.0
        self.most, self.given = 1, 0.0
        self.beside: Callable[[], float] = lambda: 0.0

    def post(self) -> None:
        """Say what the calling thread has burnt for the stream in its life."""
        with self._lock:
            self._threads[threading.get_ident()] = time.thread_time()
            own = sum(self._threads.values()) - self._began + self.beside()
            more, self._own = own - self._own, own
            self._process.said(more)

    def seconds(self) -> float:
        """All of it so far; called by the stream's own thread."""
        self.post()
        self._process.part()
        return self._own + max(self.given, 0.0)

    def leave(self) -> None:
        """The stream has ended."""
        self._process.leave(self)

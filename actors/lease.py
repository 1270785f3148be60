"""A process that works for a cluster ends itself once its machine does not belong to it any more."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable

log = logging.getLogger(__name__)

EVERY_SECONDS = 1.0
ENDED = 75
"""Exit status of a process that has lost its lease."""


class LapsedError(Exception):
    """The lease is lost; the text says why."""


class Lease:
    """Renewed for as long as the cluster says that the machine belongs to it.

    Streams of a machine that is lost are begun elsewhere at once. What it still commits is refused by their fence; the
    lease makes it stop reading their sources, too.
    """

    def __init__(self, belongs: Callable[[], bool | None], seconds: float, now: float) -> None:
        """Begin with a lease that is good.

        Args:
            belongs: Asks whether this machine belongs to the cluster; None: no answer.
            seconds: How long it is good without an answer.
            now: Monotonic seconds.
        """
        self._belongs, self._seconds, self._renewed = belongs, seconds, now

    def renew(self, now: float) -> None:
        """Ask once.

        Raises:
            LapsedError: The machine is lost to the cluster, or there has been no answer for too long.
        """
        answer = self._belongs()
        if answer is False:
            raise LapsedError("the cluster has given this machine up")
        if answer:
            self._renewed = now
        elif now - self._renewed > self._seconds:
            raise LapsedError(f"the cluster has not answered for {self._seconds:g} s")


def keep(belongs: Callable[[], bool | None], seconds: float, end: Callable[[int], object] = os._exit) -> None:
    """Renew a lease for ever on a thread of its own; where it is lost, end the process.

    At once, without the ends of streams: those who own them now have gone on from the last commit.
    """
    lease = Lease(belongs, seconds, time.monotonic())

    def work() -> None:
        try:
            while True:
                lease.renew(time.monotonic())
                time.sleep(EVERY_SECONDS)
        except LapsedError as error:
            log.warning("ended: %s", error)
            end(ENDED)

    threading.Thread(target=work, name="sightline-lease", daemon=True).start()

"""API keys on machines that serve the API beside the head, which has their file: as they were there a second ago."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from cluster.calls import AwayError, call, own_text
from serve.api.auth import FileKeys, Key, KeyStoreError

log = logging.getLogger("sightline.api")

NAME = "keys"
EVERY_SECONDS = 1.0
"""Between two questions: for so long a key that was revoked is still good elsewhere."""
GOOD_SECONDS = 300.0
"""How long keys are good while the head does not answer; as long as workers go on without it."""
_ANSWER_SECONDS = 5.0


class KeyHolder:
    """On the head, where the file of keys is: an actor that tells what is known of them, never a secret."""

    def __init__(self, path: Path) -> None:
        self._keys = FileKeys(path)

    def all(self) -> Sequence[Key]:
        """Every key, oldest first.

        Raises:
            KeyStoreError: They cannot be read.
        """
        return self._keys.all()


class HeadKeys:
    """See :class:`serve.api.auth.KnownKeys`.

    Args:
        ask: Gives every key; raises AwayError or KeyStoreError.
        clock: Seconds.
    """

    def __init__(self, ask: Callable[[], Sequence[Key]], clock: Callable[[], float] = time.monotonic) -> None:
        self._ask, self._clock = ask, clock
        self._known: dict[str, Key] = {}
        self._until, self._why = clock(), "the head has not told them yet"

    def find(self, prefix: str) -> Key | None:
        """See :class:`serve.api.auth.KnownKeys`."""
        if self._clock() >= self._until:
            raise KeyStoreError(self._why)
        return self._known.get(prefix)

    def renew(self) -> None:
        """Ask for them once. A head that is away leaves those that are known; one that cannot read them leaves none."""
        began = self._clock()
        try:
            told = self._ask()
        except AwayError as error:
            self._why = f"not told by the head for {GOOD_SECONDS:.0f} s: {error}"
        except KeyStoreError as error:
            self._until, self._why = began, f"the head cannot read them: {own_text(error)}"
        else:
            self._known, self._until = {key.prefix: key for key in told}, began + GOOD_SECONDS


def from_head() -> HeadKeys:
    """Keys that are asked for from now on, by a thread of their own, until this process ends."""
    keys = HeadKeys(lambda: asyncio.run(call(NAME, "all", seconds=_ANSWER_SECONDS)))

    def renewing() -> None:
        while True:
            try:
                keys.renew()
            except Exception:
                log.exception("the head's keys")
            time.sleep(EVERY_SECONDS)

    threading.Thread(target=renewing, name="sightline-keys", daemon=True).start()
    return keys

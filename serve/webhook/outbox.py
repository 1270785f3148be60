"""How far a job's webhook has come, as one small JSON object beside the tables.

The table of events is the log. All that is kept is the position up to which it has been dealt with, and, of what lies
before it, the few events that are still to be delivered or were given up. Whatever an outbox says is true at any later
time: two writers, one of them stale, lead to an event being told twice, and never to one being lost.
"""

from __future__ import annotations

import re
import threading
import uuid
from collections import deque
from contextlib import suppress
from datetime import datetime
from typing import Literal, NamedTuple, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from actors.errors import StorageError
from actors.storage import FAILURES, failed, filesystem, located
from actors.url import shown

MOST_FAILED = 1000
"""Given-up events that are listed; older ones are only counted."""

_JOB = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")


class Position(NamedTuple):
    """An event's place among all: the commit that it came with, and its row there."""

    commit: int
    place: int


BEGINNING = Position(-1, -1)


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True)


class Pending(_Value):
    """An event that is still to be delivered. ``first_at``, ``next_at``: its first attempt, and the one to come."""

    id: str
    position: Position
    attempts: int = 0
    first_at: AwareDatetime | None = None
    next_at: AwareDatetime | None = None


class GivenUp(_Value):
    """An event that is not delivered any more, and why."""

    id: str
    position: Position
    attempts: int
    given_up_at: AwareDatetime
    reason: str


class _Stored(_Value):
    schema_version: Literal[1] = Field(1, alias="schema")
    job: str
    position: Position
    pending: tuple[Pending, ...] = ()
    failed: tuple[GivenUp, ...] = ()
    failed_total: int = 0
    gone_at: AwareDatetime | None = None


class Snapshot(NamedTuple):
    """An outbox at one moment, ready to be written."""

    revision: int
    text: str


class Outbox:
    """One job's position. It belongs to one event loop; :meth:`write` alone may run in a thread."""

    def __init__(self, uri: str, job: str, start: Position = BEGINNING) -> None:
        """A new one.

        Args:
            uri: Where the results are.
            job: The job's id.
            start: Events after this position are told.

        Raises:
            ValueError: The id cannot name a file.
        """
        if not _JOB.fullmatch(job):
            raise ValueError(f"{job!r} is no id of a job")
        self.job = job
        self.position = start
        """Every event up to it is dealt with, but for those in ``pending``."""
        self.pending: dict[Position, Pending] = {}
        """By position, in the order of the log."""
        self.failed: deque[GivenUp] = deque(maxlen=MOST_FAILED)
        self.failed_total = 0
        self.gone_at: datetime | None = None
        """When the receiver said that it is gone for good; nothing is delivered since."""
        self.revision = 0
        """Rises with every change."""
        self._uri = located(uri)
        self._path = f"outbox/{job}.json"
        self._written = -1
        self._lock = threading.Lock()

    @classmethod
    def load(cls, uri: str, job: str, start: Position = BEGINNING) -> Self:
        """The outbox of a job as it was left, or a new one from ``start``.

        Raises:
            StorageError: It cannot be read, or is none of this version.
            ValueError: The id cannot name a file.
        """
        outbox = cls(uri, job, start)
        place = f"{shown(outbox._uri)}/{outbox._path}"
        try:
            with filesystem(outbox._uri).open_input_stream(outbox._path) as file:
                stored = _Stored.model_validate_json(file.read())
        except FileNotFoundError:
            return outbox
        except FAILURES as error:
            raise failed(place, "cannot be read", error) from error
        except ValidationError as error:
            raise StorageError(f"{place}: is no outbox of this version; remove it, and all is told again") from error
        outbox.position = stored.position
        outbox.pending = {pending.position: pending for pending in stored.pending}
        outbox.failed.extend(stored.failed)
        outbox.failed_total, outbox.gone_at = stored.failed_total, stored.gone_at
        return outbox

    @property
    def read_after(self) -> Position:
        """Where the log is to be read again after a restart: just before the first event not dealt with."""
        first = min(self.pending, default=None)
        return self.position if first is None else Position(first.commit, first.place - 1)

    def is_settled(self, position: Position) -> bool:
        """Whether an event needs nothing more."""
        return position <= self.position and position not in self.pending

    def add(self, id: str, position: Position) -> Pending:
        """Note an event that is to be delivered."""
        self.pending[position] = pending = Pending(id=id, position=position)
        self.revision += 1
        return pending

    def advance(self, position: Position) -> None:
        """Note that every event up to a position is settled or pending."""
        if position > self.position:
            self.position = position
            self.revision += 1

    def tried(self, position: Position, attempts: int, first_at: datetime, next_at: datetime) -> None:
        """Note an attempt that failed, and when the next one is due."""
        known = {"attempts": attempts, "first_at": first_at, "next_at": next_at}
        self.pending[position] = self.pending[position].model_copy(update=known)
        self.revision += 1

    def settle(self, position: Position) -> None:
        """Note that an event is delivered, or that it is not to be told after all."""
        del self.pending[position]
        self.revision += 1

    def give_up(self, position: Position, attempts: int, reason: str, now: datetime) -> None:
        """Note that an event is not delivered any more."""
        id = self.pending.pop(position).id
        given_up = GivenUp(id=id, position=position, attempts=attempts, given_up_at=now, reason=reason)
        self.failed.append(given_up)
        self.failed_total += 1
        self.revision += 1

    def close(self, now: datetime) -> None:
        """Note that the receiver is gone for good."""
        self.gone_at = now
        self.revision += 1

    def snapshot(self) -> Snapshot:
        """What :meth:`write` writes."""
        stored = _Stored(
            job=self.job, position=self.position, pending=tuple(self.pending.values()), failed=tuple(self.failed),
            failed_total=self.failed_total, gone_at=self.gone_at,
        )  # fmt: skip
        return Snapshot(self.revision, stored.model_dump_json(by_alias=True))

    def write(self, snapshot: Snapshot) -> None:
        """Store a snapshot atomically, unless a later one is stored already.

        Raises:
            StorageError: It cannot be written.
        """
        with self._lock:
            if snapshot.revision <= self._written:
                return
            try:
                _replace(self._uri, self._path, snapshot.text.encode())
            except FAILURES as error:
                raise failed(f"{shown(self._uri)}/{self._path}", "cannot be written", error) from error
            self._written = snapshot.revision


def _replace(uri: str, path: str, data: bytes) -> None:
    """Write a file whole or not at all: an object store does so by itself, elsewhere a new file is renamed."""
    files = filesystem(uri)
    files.create_dir(path.rpartition("/")[0], recursive=True)
    target = path if "://" in uri else f"{path}.{uuid.uuid4().hex}"
    try:
        # deltalake's file takes bytes, and pyarrow gives it some only from a buffer that is not full.
        with files.open_output_stream(target, buffer_size=len(data) + 1) as out:
            out.write(data)
        if target != path:
            files.move(target, path)
    except FAILURES:
        if target != path:
            with suppress(OSError):
                files.delete_file(target)
        raise

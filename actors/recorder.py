"""Commits: the rows of many streams at once, exactly once, in an order that a crash cannot harm.

Delta stores transactions but refuses none. A unit is therefore checked against the transactions and the fence of the
very snapshot on which it is then committed; when a rival was faster, everything is checked again on the new one.
"""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

import pyarrow as pa
from deltalake.transaction import AddAction

from actors import foreign
from actors.errors import Fenced
from actors.maintenance import compact
from actors.schema import COMMITTED, COVERAGE, EVENTS, ORDER, USAGE, plain
from actors.storage import FAILURES, failed, located, permanent
from actors.tables import Conflict, Table, Where, create

COMPACT_EVERY = 100
"""Commits of a table between two compactions."""

PATIENCE_SECONDS = 60.0
"""How long a failing storage is tried again before :class:`StorageError`."""

_WINDOW_BITS = 32
_FENCE = "fence:"


@dataclass(frozen=True, slots=True)
class Unit:
    """What is committed whole or not at all: the rows of one window, or one batch of events.

    ``app`` and ``version`` are its Delta transaction (see :func:`application` and :func:`pack`): a unit whose version
    is not above the newest committed one of its application counts as committed. ``rows`` lacks the column ``day``.
    """

    table: str
    app: str
    version: int
    stream: str
    fence: int
    rows: pa.Table

    def __reduce__(self) -> tuple[object, ...]:
        """As Arrow's stream format: taking a table of many columns apart array by array costs ten times more."""
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, self.rows.schema) as stream:
            stream.write_table(self.rows)
        packed = sink.getvalue().to_pybytes()
        return _unpacked, (self.table, self.app, self.version, self.stream, self.fence, packed)


def _unpacked(table: str, app: str, version: int, stream: str, fence: int, packed: bytes) -> Unit:
    return Unit(table, app, version, stream, fence, pa.ipc.open_stream(packed).read_all())


def application(stream: str, run: int, track: str = "") -> str:
    """The application id of a track's windows, or, without a track, of a stream's events and usage."""
    return f"{stream}/{run}/{track}"


def parts(app: str) -> tuple[str, int, str]:
    """Stream, run and track of an application id; a fence is of run -1."""
    if app.startswith(_FENCE):
        return app.removeprefix(_FENCE), -1, ""
    stream, run, track = app.rsplit("/", 2)
    return stream, int(run), track


def pack(epoch: int, window: int) -> int:
    """Epoch and window as one rising number, which fits a Delta transaction's 64 bits."""
    if not 0 <= window < 1 << _WINDOW_BITS or not 0 <= epoch < 1 << 31:
        raise ValueError(f"epoch {epoch} and window {window} do not fit")
    return epoch << _WINDOW_BITS | window


def unpack(version: int) -> tuple[int, int]:
    """Epoch and window of a packed version."""
    return version >> _WINDOW_BITS, version & ((1 << _WINDOW_BITS) - 1)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Recorder:
    """The writer of a results URI. Several may write to one URI; each may be used by several threads."""

    def __init__(self, uri: str, schemas: Mapping[str, pa.Schema], clock: Callable[[], datetime] = _utc_now) -> None:
        """Open the tables, making those that are not there.

        Args:
            uri: A local folder or ``s3://bucket/prefix``.
            schemas: Of the tables of measurements (see :func:`actors.schema.measured`), in the order of their commits.
            clock: Gives the time whose UTC day partitions what is committed.

        Raises:
            StorageError: If a table cannot be opened or made, another version of this program wrote it, or its folder
                holds something else; nothing is written then.
        """
        self.uri = located(uri)
        foreign.refuse(self.uri, (*schemas, *ORDER))
        others = {"coverage": plain(COVERAGE), "events": plain((*EVENTS, *COMMITTED)), "usage": plain(USAGE)}
        self._tables = {name: create(self.uri, name, schema) for name, schema in {**schemas, **others}.items()}
        self._clock = clock
        self.on_events: Callable[[pa.Table], None] = lambda rows: None
        """Told of committed events, with the columns of :data:`actors.schema.COMMITTED`, in their order."""
        self._lock = threading.RLock()

    def claim(self, streams: Collection[str]) -> dict[str, int]:
        """Become the owner of streams: whoever owned them before can commit nothing for them from here on.

        Returns:
            The fence of each stream, to be given with every :class:`Unit`.

        Raises:
            StorageError: If the storage fails for good.
        """
        apps = {_fence(stream): stream for stream in streams}
        with self._lock:
            tables = list(self._tables.values())
            for table in tables:
                self._persist(table, table.refresh)
            fences = {app: max(table.transactions.get(app, 0) for table in tables) + 1 for app in apps}

            def raise_fences(table: Table) -> None:
                if table is tables[0]:
                    fences.update({app: max(mine, table.transactions.get(app, 0) + 1) for app, mine in fences.items()})
                low = {app: mine for app, mine in fences.items() if table.transactions.get(app, 0) < mine}
                if low:
                    table.commit([], transactions=low)

            for table in tables:
                self._persist(table, lambda table=table: raise_fences(table))  # type: ignore[misc]
        return {stream: fences[app] for app, stream in apps.items()}

    def commit(self, units: Sequence[Unit]) -> None:
        """Commit units, one Delta commit per table: measurements, then coverage, then events, then usage.

        Units that are committed already are passed over. On return, and on :class:`Fenced`, everything else is durable.

        Raises:
            Fenced: If streams were claimed by a newer owner; none of their units is committed after that was seen.
            StorageError: If the storage fails for good. What was committed before stays whole.
            ValueError: If a unit names a table or a column that there is not.
        """
        if unknown := {unit.table for unit in units} - set(self._tables):
            raise ValueError(f"no table {', '.join(sorted(unknown))}")
        fenced: set[str] = set()
        with self._lock:
            before = {name: table.version for name, table in self._tables.items()}
            for name, table in self._tables.items():
                mine = sorted((unit for unit in units if unit.table == name), key=lambda unit: (unit.app, unit.version))
                if mine:
                    self._append(table, mine, fenced)
            for name, table in self._tables.items():
                if before[name] // COMPACT_EVERY != table.version // COMPACT_EVERY:
                    self._persist(table, lambda table=table: compact(table))  # type: ignore[misc]
        if fenced:
            raise Fenced(fenced)

    def applications(self, table: str) -> Mapping[str, int]:
        """The newest committed version of every application of a table; none where the table is not there."""
        return MappingProxyType(self._tables[table].transactions if table in self._tables else {})

    def columns(self, table: str) -> list[str]:
        """Names of a table's columns."""
        return list(self._tables[table].schema.names)

    def committed(self, table: str, app: str) -> int | None:
        """The newest committed version of an application, as of the last claim, commit or read."""
        return self._tables[table].transactions.get(app)

    def read(self, table: str, columns: Sequence[str] | None = None, where: Where = ()) -> pa.Table:
        """Rows of the newest version of a table, sorted as :func:`actors.schema.order` says.

        Args:
            table: Its name.
            columns: Those wanted; all by default.
            where: Conditions, such as ``[("stream", "=", name), ("run", "=", 0), ("row", ">=", 100)]``. Conditions on
                sorting columns pass over whole files.

        Raises:
            StorageError: If the storage fails for good.
        """
        found: list[pa.Table] = []
        opened = self._tables[table]

        def attempt() -> None:
            opened.refresh()
            found.append(opened.read(columns, where))

        with self._lock:
            self._persist(opened, attempt)
        return found[0]

    def tend(self, work: Callable[[Table], object]) -> None:
        """Let maintenance work on the newest version of every table, in the order of their commits.

        Raises:
            StorageError: If the storage fails for good.
        """
        with self._lock:
            for table in self._tables.values():
                self._persist(table, lambda table=table: (table.refresh(), work(table)))  # type: ignore[misc]

    def _append(self, table: Table, units: Sequence[Unit], fenced: set[str]) -> None:
        """Commit to one table what is neither committed nor fenced; add the streams of fenced units to ``fenced``."""
        rows = [table.conform(unit.rows) for unit in units]
        now = self._clock().astimezone(UTC)
        written: dict[tuple[int, ...], list[AddAction]] = {}
        told: list[pa.Table] = []

        def attempt() -> None:
            fresh = _fresh(table, units, fenced)
            if not fresh:
                return
            body = pa.concat_tables([rows[index] for index in fresh])
            if table.name == "events":
                body = _placed(body, table.version + 1, now)
                written.pop(fresh, None)
            if fresh not in written:
                written[fresh] = [table.write(body, now.date())] if len(body) else []
            table.commit(written[fresh], transactions={units[index].app: units[index].version for index in fresh})
            told.append(body)

        self._persist(table, attempt)
        if table.name == "events" and told:
            self.on_events(told[0])

    def _persist(self, table: Table, attempt: Callable[[], object]) -> None:
        """Run an attempt until it succeeds, on a fresh snapshot each time."""
        seen, since = table.version, time.monotonic()
        for tries in itertools.count():
            try:
                if tries:
                    table.refresh()
                attempt()
                return
            except (Conflict, *FAILURES) as error:
                if hopeless := permanent(table.uri, error):
                    raise hopeless from error
                if table.version != seen:
                    seen, since = table.version, time.monotonic()
                if time.monotonic() - since > PATIENCE_SECONDS:
                    raise failed(table.uri, f"gave up after {PATIENCE_SECONDS:g} s", error) from error
            time.sleep(random.random() * min(0.005 * 2 ** min(tries, 8), 1.0))


def _fresh(table: Table, units: Sequence[Unit], fenced: set[str]) -> tuple[int, ...]:
    """Indices of the units (sorted by application and version) that this snapshot neither has nor refuses."""
    fresh: list[int] = []
    newest: dict[str, int] = {}
    for index, unit in enumerate(units):
        if table.transactions.get(_fence(unit.stream), 0) > unit.fence:
            fenced.add(unit.stream)
        if unit.stream in fenced:
            continue
        if unit.version > newest.get(unit.app, table.transactions.get(unit.app, -1)):
            newest[unit.app] = unit.version
            fresh.append(index)
    return tuple(fresh)


def _placed(events: pa.Table, commit: int, now: datetime) -> pa.Table:
    """Events with where and when they are committed."""
    count = len(events)
    given = {"commit": [commit] * count, "place": range(count), "recorded_at": [now] * count}
    for name, kind in COMMITTED:
        at = events.schema.get_field_index(name)
        events = events.set_column(at, name, pa.array(given[name], kind))
    return events


def _fence(stream: str) -> str:
    return f"{_FENCE}{stream}"

"""One stream of a decoder's process: its work, on a thread of its own, and how it stands."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

import pyarrow as pa

from actors.breadcrumb import APART_SECONDS, CRASHES, Breadcrumb
from actors.document import Document
from actors.errors import Fenced
from actors.hop import Direct, Hop, HopBroken
from actors.incident import Event
from actors.limits import Limits
from actors.models.beside import Host
from actors.models.spec import ModelSpec
from actors.owner import Owner
from actors.pipeline import Progress
from actors.recorder import Unit
from actors.sharing import Process, Share
from actors.spending import Burnt
from actors.stored import Stored
from actors.tables import Table, Where
from actors.task import Task
from actors.trust import Trust
from actors.url import shown

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Order:
    """What a decoder is to do: a stream, without what only its owner can know (see :class:`actors.task.Task`).

    ``apart``: no other stream is begun beside it before :data:`actors.breadcrumb.APART_SECONDS` have gone by.
    """

    stream: str
    source: str
    detectors: tuple[str, ...]
    settings: Mapping[str, Mapping[str, Any]]
    trust: Trust | None
    fresh: bool = False
    evidence: bool = False
    limits: Limits = field(default_factory=Limits)
    models: tuple[ModelSpec, ...] = ()
    apart: bool = False


Outcome = Literal["", "done", "stopped", "fenced", "broken", "quarantined", "apart"]
"""How the work on a stream ended; '' while it goes on. ``apart``: it is to be begun again with nobody beside it."""


@dataclass(frozen=True, slots=True)
class Report:
    """How a stream stands.

    ``newest_at``: when the newest batch came, in seconds since 1970. ``open``: ids of incidents. ``dropped``: pictures
    passed over. ``apart``: nothing may be begun beside it.
    """

    stream: str
    pid: int
    live: bool = False
    position_seconds: float | None = None
    newest_at: float | None = None
    frames: int = 0
    dropped: int = 0
    open: tuple[str, ...] = ()
    stalled: bool = False
    apart: bool = False
    outcome: Outcome = ""
    document: Document | None = None
    error: str = ""
    burnt: Burnt | None = None


class Claims(Protocol):
    """The recorder, as an owner sees it."""

    def commit(self, units: Sequence[Unit]) -> None:
        """See :meth:`actors.gathering.Commits.commit`."""
        ...

    def claim(self, stream: str) -> tuple[int, Stored | None]:
        """Become a stream's owner: its fence, and what the tables hold of it."""
        ...


class _Counted:
    """Commits, and what the thread burns that makes them."""

    def __init__(self, commits: Claims, share: Share) -> None:
        self._commits, self._share = commits, share

    def commit(self, units: Sequence[Unit]) -> None:
        self._commits.commit(units)
        self._share.post()


class Hosted:
    """Owns one stream among others of this process."""

    def __init__(
        self, order: Order, uri: str, commits: Claims, hop: Callable[[frozenset[str]], Hop], process: Process,
        host: Callable[[Hop], Host] | None = None,
    ) -> None:  # fmt: skip
        """Begin at once.

        Args:
            order: What is to be done.
            uri: The results.
            commits: The recorder.
            hop: Makes the hop to the meters.
            process: Parts what this process burns among its streams.
            host: Where users' models run beside the hop; by default in processes that end with the stream.
        """
        self._order, self._uri, self._hop, self._process, self._commits = order, uri, hop, process, commits
        self._host = host
        self._stop = threading.Event()
        self._tables: dict[str, Table] = {}
        self._open: dict[str, Event] = {}
        self._report = Report(order.stream, os.getpid())
        self._began = time.monotonic()
        self._trace = Breadcrumb(uri, order.stream)
        self._thread = threading.Thread(target=self._work, name=f"sightline-{order.stream}", daemon=True)
        self._thread.start()

    def report(self) -> Report:
        """How it stands."""
        stalled = any(event.detector == "stalled" for event in list(self._open.values()))
        apart = self._report.apart or (self._order.apart and time.monotonic() - self._began < APART_SECONDS)
        return replace(self._report, open=tuple(self._open), stalled=stalled, apart=apart)

    def stop(self) -> None:
        """End: a live stream as if it were over, any other where it is."""
        self._stop.set()

    def beside(self, *, others: bool) -> None:
        """Say whether there are other streams in this process."""
        self._trace.beside(others)

    def _work(self) -> None:
        if self._trace.suspect and not self._order.apart:
            self._trace.close()
            self._report = replace(self._report, outcome="apart", apart=True)
            return
        share = self._process.enter()
        ended = self._report
        try:
            ended = self._watch(share)
        except KeyboardInterrupt:
            ended = replace(self._report, outcome="stopped")
        except Fenced as error:
            log.warning("%s: another owner has taken it over; this one stops", self._order.stream)
            ended = replace(self._report, outcome="fenced", error=str(error))
        except HopBroken as error:
            log.warning("%s: broken: %s", self._order.stream, error)
            ended = replace(self._report, outcome="broken", error=shown(str(error)))
        except Exception as error:
            log.exception("%s: broken", self._order.stream)
            ended = replace(self._report, outcome="broken", error=shown(f"{type(error).__name__}: {error}"))
        finally:
            share.leave()
            self._trace.wipe()
            self._report = ended

    def _watch(self, share: Share) -> Report:
        trace, owner = self._trace, self._owner(share)
        owner.on_packet = trace.leave
        if trace.crashes < CRASHES:
            document = owner.run()
            return replace(self._report, document=document, outcome="done")
        document = owner.put_aside(trace.place, trace.crashes)
        return replace(self._report, document=document, outcome="quarantined")

    def _owner(self, share: Share) -> Owner:
        order = self._order
        fence, stored = self._commits.claim(order.stream)
        task = Task(
            order.stream, order.source, order.detectors, order.settings, fence, stored, order.fresh,
            evidence=order.evidence, results=self._uri, limits=order.limits, trust=order.trust,
            models=order.models,
        )  # fmt: skip
        owner = Owner(task, _Counted(self._commits, share), self._read, self._stop, self._hop, self._host, share)
        owner.pictures_here = self._hop is Direct
        owner.on_live, owner.on_progress, owner.on_event = self._on_air, self._progress, self._event
        owner.on_note = lambda text: log.info("%s", text)
        for event in stored.events if stored else ():
            self._event(event)
        return owner

    def _on_air(self) -> None:
        self._report = replace(self._report, live=True)

    def _progress(self, progress: Progress) -> None:
        self._report = replace(
            self._report, position_seconds=progress.seconds, newest_at=time.time() - progress.late_seconds,
            frames=progress.frames, dropped=progress.dropped, live=progress.live, burnt=progress.burnt,
        )  # fmt: skip

    def _event(self, event: Event) -> None:
        key = event.id(self._order.stream)
        if event.kind == "closed":
            self._open.pop(key, None)
        elif event.kind != "marker":
            self._open[key] = event

    def _read(self, name: str, where: Where) -> pa.Table:
        if name not in self._tables:
            self._tables[name] = Table(self._uri, name)
        self._tables[name].refresh()
        return self._tables[name].read(where=where)

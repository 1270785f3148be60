"""Analyses sources that end: names them, claims them, runs what is not done yet, and tidies up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from threading import Event
from typing import TYPE_CHECKING, Literal

from actors import document, hardware, stored
from actors.detectors import DETECTORS, build
from actors.document import Document
from actors.errors import StorageError
from actors.limits import Limits
from actors.localfile import check_file
from actors.measure.picture.device import Device, chosen
from actors.measuring import schemas
from actors.recorder import Recorder
from actors.storage import located
from actors.tables import exists
from actors.task import Task
from actors.url import SourceError, local_path, shown, stream_name
from cluster import bucketurl, local, ownray
from cluster.job import Analysis
from cluster.loaded import loaded
from cluster.local import Note, ProgressOf
from cluster.sources import UsageError, is_live
from cluster.upkeep import tidy

if TYPE_CHECKING:
    from actors.models.process import Processes

_CLAIMED_AT_ONCE = 5000


def _silent(*told: object) -> None:
    """Tell nobody."""


def analyse(
    sources: Sequence[str], wanted: Analysis, on_progress: ProgressOf = _silent, stop: Event | None = None,
    on_note: Note = _silent,
) -> Iterator[Document]:  # fmt: skip
    """Analyse sources and give each one's document as it is finished. ``stop`` ends live ones as if they were over.

    Files that cannot be read come first; no process is started for them, and they leave nothing in tables.

    Raises:
        KeyboardInterrupt: ``stop`` was set before every file was done.
        UsageError: The shape needs a bucket, and none is named.
        actors.detectors.SettingError: A detector, a field or a value that there is not.
        cluster.sources.UsageError: A model cannot be loaded.
        actors.storage.StorageError: The results cannot be read or written.
    """
    names = wanted.detectors or tuple(DETECTORS)
    build(names, wanted.settings)
    limits = Limits(device=_device(wanted.device))
    if wanted.shape == "staged":
        bucketurl.of(wanted.chunks())
    streams: dict[str, str] = {}
    with loaded(wanted.models) as host:
        kept = bool(wanted.models) or exists(located(wanted.results), "metrics")
        recorder = Recorder(wanted.results, schemas(models=kept))
        for source in sources:
            if stop is not None and stop.is_set():
                raise KeyboardInterrupt
            if refusal := _refused(source, streams):
                yield refusal
                on_progress(source, None)
        yield from _run(recorder, streams, names, wanted, limits, on_progress, on_note, stop, host)
    try:
        tidy(recorder, streams)
    except StorageError as error:
        on_note(f"results could not be tidied up: {error}")


def _run(
    recorder: Recorder, streams: Mapping[str, str], names: tuple[str, ...], wanted: Analysis, limits: Limits,
    on_progress: ProgressOf, on_note: Note, stop: Event | None, host: Processes | None,
) -> Iterator[Document]:  # fmt: skip
    if wanted.shape in ("colocated", "spread", "staged"):
        yield from ownray.run(wanted.shape, streams, names, wanted, on_progress, stop) if streams else ()
        return
    tasks = _tasks(recorder, streams, names, wanted, limits)
    yield from local.run(recorder, streams.values(), tasks, wanted.jobs, on_progress, on_note, stop, host)


def _device(asked: Literal["auto", "cpu", "cuda"]) -> Device:
    """The device to decode and measure on.

    Raises:
        UsageError: ``cuda`` is asked for, and pictures cannot be decoded or measured there.
    """
    if asked == "cpu":
        return "cpu"
    why = hardware.missing()
    if why is not None and asked == "cuda":
        raise UsageError(f"--device cuda: {why}; take cpu or auto")
    try:
        return "cpu" if why is not None else chosen(asked)[1]
    except ValueError as error:
        raise UsageError(f"--device {asked}: {error}") from error


def in_order(documents: Iterable[Document], sources: Sequence[str]) -> list[Document]:
    """Documents in the order in which their sources are named."""
    places = {shown(source): place for place, source in enumerate(sources)}
    return sorted(documents, key=lambda entry: places[entry["source"]])


def _refused(source: str, streams: dict[str, str]) -> Document | None:
    """The document of a source that cannot even be begun; another one is added to ``streams`` by its stream's name."""
    name = ""
    try:
        name, path = stream_name(source), local_path(source)
        if path is not None:
            check_file(path)
    except SourceError as error:
        return document.failed(name, source, str(error))
    if name in streams:
        why = f"{source}: its stream has the same name as that of {streams[name]} ({name}); give it other --results"
        return document.failed(name, source, why)
    streams[name] = source
    return None


def _tasks(
    recorder: Recorder, streams: Mapping[str, str], names: tuple[str, ...], wanted: Analysis, limits: Limits
) -> Iterator[Task]:
    """What is to be done, live streams first; streams are claimed many at a time, when the first's turn has come."""
    listed = sorted(streams, key=lambda stream: not is_live(streams[stream]))
    for first in range(0, len(listed), _CLAIMED_AT_ONCE):
        claimed = listed[first : first + _CLAIMED_AT_ONCE]
        fences, known = recorder.claim(claimed), stored.load(recorder, claimed)
        for name in claimed:
            yield Task(
                name, streams[name], names, wanted.settings, fences[name], known.get(name), wanted.fresh,
                limits=limits, models=wanted.models,
            )  # fmt: skip

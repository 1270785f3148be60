"""``sightline rejudge``: stored measurements judged with other thresholds, and what that changes."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

import typer

from serve.commands.analyze import settings
from serve.commands.stored import Results, chosen
from serve.terminal.exits import plain, say, told_apart

if TYPE_CHECKING:
    from actors.document import Document
    from actors.reader import Reader
    from actors.recorder import Recorder
    from actors.rejudge import Again
    from actors.stored import Stored

STOPPED = "stopped; of what was not reported nothing was written"

Streams = Annotated[list[str] | None, typer.Argument(metavar="[STREAM]...", help="Only these; all by default.")]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="DETECTOR.FIELD=VALUE",
        help="Another threshold; the others stay what the stream was judged with. May be given many times.",
    ),
]  # fmt: skip
Detectors = Annotated[
    str | None, typer.Option(metavar="NAME,...", help="Only these; by default those that the stream was judged for.")
]
Write = Annotated[bool, typer.Option("--write", help="Make it the judgement that is shown from now on.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]


@dataclass(slots=True)
class _Found:
    """What changes in all streams; ``media_seconds`` is how much of them there is."""

    appeared: list[Document] = field(default_factory=list)
    gone: list[Document] = field(default_factory=list)
    moved: list[Document] = field(default_factory=list)
    same: int = 0
    streams: int = 0
    written: int = 0
    media_seconds: float = 0.0
    seconds: float = 0.0


def rejudge(
    streams: Streams = None, results: Results = "./sightline-results", set_: Set = None, detectors: Detectors = None,
    write: Write = False, as_json: Json = False,
) -> None:  # fmt: skip
    """Judge stored measurements again with other thresholds, and say which incidents appear, are gone, or have moved.

    Nothing is decoded, and no source is opened: an hour of a stream takes about a second. Only --write changes
    anything. Exit status: 0 it was judged, 1 the results cannot be read or written, 2 wrong usage, or a stream that
    cannot be judged so from what is stored of it.
    """
    with told_apart(STOPPED):
        from actors import rejudge as again
        from actors.reader import Reader
        from cluster.sources import results_uri

        sets, names = settings(set_ or []), _names(detectors)
        reader = Reader(results_uri(results))
        found, begun = _Found(), time.monotonic()
        for stream, stored in _finished(reader, streams or []).items():
            judged = again.rejudge(stream, stored, *again.wanted(stream, stored, names, sets), reader.read)
            _compare(stream, stored, judged, found)
            if write and judged.work != stored.checkpoint.work:
                again.write(_recorder(reader, results), stream, stored, judged)
                found.written += 1
        found.seconds = time.monotonic() - begun
        _print_json(found, results) if as_json else _print(found, write=write)


def _names(text: str | None) -> list[str] | None:
    from cluster.sources import UsageError

    if text is None:
        return None
    named = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not named:
        raise UsageError("--detectors: name at least one, or leave it out for those that were judged before")
    return named


def _finished(reader: Reader, named: Sequence[str]) -> dict[str, Stored]:
    """The streams to judge.

    Raises:
        UsageError: One that is named is not there, or not finished; or none is.
    """
    from cluster.sources import UsageError

    known = chosen(reader, named)
    done = {name: one for name, one in known.items() if one.checkpoint.summary is not None}
    for name in known.keys() - done.keys():
        why = f"{name} is not finished: it is still being analysed, or run the same `analyze` again to finish it"
        if named or not done:
            raise UsageError(why)
        say(f"left out: {why}")
    return done


def _recorder(reader: Reader, results: str) -> Recorder:
    from actors.measuring import schemas
    from actors.recorder import Recorder

    return Recorder(results, schemas(models=reader.has("metrics")))


def _compare(stream: str, stored: Stored, judged: Again, found: _Found) -> None:
    """Add what changes in one stream."""
    from actors import document
    from actors.changes import changes
    from actors.rejudge import restarts

    if count := restarts(stored):
        say(f"{stream}: was not watched {count} times; no row tells where an incident of its packets ended for that")
    before, after = (document.incidents(events, stream) for events in (stored.events, judged.events))
    differs = changes(before, after)
    named = {"stream": stream}
    found.appeared += [named | one for one in differs.appeared]
    found.gone += [named | one for one in differs.gone]
    found.moved += [{**named, "before": was, "after": now} for was, now in differs.moved]
    found.same += differs.same
    found.streams += 1
    found.media_seconds += max((base.seconds(of[-1].end) for base, of in stored.coverage.values()), default=0.0)


def _print_json(found: _Found, results: str) -> None:
    from actors.url import shown

    document = {
        "schema": 1, "results": shown(results), "streams": found.streams, "appeared": found.appeared,
        "gone": found.gone, "moved": found.moved, "same": found.same, "written": found.written,
        "media_seconds": round(found.media_seconds, 3), "seconds": round(found.seconds, 3),
    }  # fmt: skip
    sys.stdout.write(json.dumps(document, indent=1, allow_nan=False) + "\n")


def _print(found: _Found, *, write: bool) -> None:
    from serve.terminal.output import clock

    for word, listed in (("appeared", found.appeared), ("gone", found.gone)):
        for one in listed:
            print(f"{word:8}  {_line(one['stream'], one)}")
    for pair in found.moved:
        print(f"moved     {_line(pair['stream'], pair['after'])}")
        print(f"    from  {_line(pair['stream'], pair['before'])}")
    counts = f"{len(found.appeared)} appeared, {len(found.gone)} gone, {len(found.moved)} moved, {found.same} as before"
    kept = f"written for {found.written}" if write else "nothing written (--write does)"
    media = clock(found.media_seconds)
    print(f"{found.streams} streams, {media} judged again in {found.seconds:.2f} s: {counts}; {kept}")


def _line(stream: str, one: Document) -> str:
    from serve.terminal.output import clock

    span = f"{clock(one['start_seconds']):>12}  {clock(one['end_seconds']):>12}"
    what = one["message"] + (" (explained)" if one["explained_by"] else "")
    return plain(f"{span}  {one['severity']:8}  {one['detector']:13}  {one['track']:4}  {stream}  {what}")

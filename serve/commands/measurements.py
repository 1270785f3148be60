"""``sightline measurements``: the metrics of a stream."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from serve.commands.asked import STOPPED, Json, Url, one_of
from serve.terminal.exits import plain, told_apart

if TYPE_CHECKING:
    from serve.client.answers import Measurement

Stream = Annotated[str, typer.Argument(metavar="STREAM", help="Its name, as `sightline ls --streams` lists it.")]
Table = Annotated[
    str, typer.Option(help="video, audio (100 ms of sound each), packets, or metrics (of frames, by models of yours).")
]
Metrics = Annotated[str | None, typer.Option(metavar="NAME,...", help="Only these; all by default.")]
From = Annotated[float | None, typer.Option("--from", metavar="SECONDS", min=0, help="Stream time where they begin.")]
To = Annotated[float | None, typer.Option("--to", metavar="SECONDS", min=0, help="Stream time before which they end.")]


def measurements(
    stream: Stream, table: Table = "video", metrics: Metrics = None, start: From = None, end: To = None,
    as_json: Json = False, url: Url = None,
) -> None:  # fmt: skip
    """Print what was measured of a stream, a line for each frame, stretch of sound or packet."""
    with told_apart(STOPPED):
        from serve.api import values
        from serve.client.client import connect, named
        from serve.commands.listing import write_list

        one_of("--table", table, get_args(values.Table))
        wanted = [name.strip() for name in (metrics or "").split(",") if name.strip()]
        params: dict[str, Any] = {
            "stream": named(stream), "table": table, "metric": wanted, "from_seconds": start, "to_seconds": end,
        }  # fmt: skip
        with connect(url) as client:
            found = client.measurements(params)
            if as_json:
                write_list(one.document for one in found)
            else:
                _print(found)


def _print(found: Iterable[Measurement]) -> None:
    names: list[str] = []
    for one in found:
        if not names:
            names = list(one.metrics)
            print("  ".join(["track", "     row", "     seconds", *(plain(f"{name:>12}") for name in names)]))
        values = (plain(f"{_written(one.metrics.get(name)):>{max(12, len(name))}}") for name in names)
        print("  ".join([plain(f"{one.track:5}"), f"{one.row:8}", f"{one.start_seconds:12.3f}", *values]))


def _written(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, list):
        return ",".join(_written(one) for one in value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)

"""How far an analysis is, on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePath

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from actors import pipeline
from actors.url import shown
from cluster.local import ProgressOf
from serve.terminal.exits import plain
from serve.terminal.output import clock

_LISTED, _LONGEST = 4, 40


@contextmanager
def bar(count: int) -> Iterator[ProgressOf]:
    """A bar on standard error over all streams, that says how far four of those under way are.

    Standard output goes round the bar only where it is the same terminal; elsewhere it stays untouched.
    """
    under_way: dict[str, float] = {}
    where = TextColumn("{task.description}", markup=False)
    columns = (TextColumn("analysing"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), where)
    console = Console(stderr=True, markup=False, emoji=False, highlight=False)
    with Progress(*columns, console=console, transient=True, redirect_stdout=sys.stdout.isatty()) as progress:
        task = progress.add_task("", total=count)

        def on_progress(source: str, reached: pipeline.Progress | None) -> None:
            if reached is None:
                under_way.pop(source, None)
                progress.advance(task)
            else:
                under_way[source] = reached.seconds
            listed = (f"{_called(name)} {clock(seconds)}" for name, seconds in list(under_way.items())[:_LISTED])
            progress.update(task, description="  ".join(listed))

        yield on_progress


def _called(source: str) -> str:
    name = plain(PurePath(shown(source)).name)
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"

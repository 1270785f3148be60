"""Runs the command as users do, and the clips that it is run on."""

import os
import subprocess
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path

from actors.errors import StorageError
from actors.inject import inject, parse
from actors.tables import Table
from tests.clips import folder, generated_clip

ROOT = Path(__file__).resolve().parent.parent.parent
COMMAND = (sys.executable, "-W", "error::ResourceWarning", "-m", "serve")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
DEADLINE = 240
"""Seconds after which a command hangs."""


def command(*arguments, cwd, stdin=b"", **options):
    """Run ``sightline`` in a process of its own; give status, standard output and standard error as text."""
    done = subprocess.run(
        [*COMMAND, *map(os.fspath, arguments)], cwd=cwd, input=stdin, env=ENVIRONMENT, capture_output=True,
        timeout=DEADLINE, check=False, **options,
    )  # fmt: skip
    said = done.stderr.decode("utf-8", "surrogateescape")
    assert "Traceback" not in said, said
    return done.returncode, done.stdout.decode("utf-8", "surrogateescape"), said


def begun(*arguments, cwd, **options):
    """Start ``sightline``, to be waited for."""
    return subprocess.Popen([*COMMAND, *map(os.fspath, arguments)], cwd=cwd, env=ENVIRONMENT, **options)


def watched(results, table="events"):
    """Streams whose sources were opened; or of which a table has something."""
    with suppress(StorageError):
        return set(Table(str(results), table).read(["stream"])["stream"].to_pylist())
    return set()


@cache
def good():
    """Two seconds without a defect."""
    return generated_clip(size=(160, 90))


@cache
def broken():
    """Six seconds; black, and so held, and silent from 1.0 to 3.5 s."""
    path = folder() / "broken.mp4"
    clean = generated_clip(seconds=6, size=(160, 90))
    window = "start=1,length=2.5"
    inject(clean, path, [parse(f"black:{window}"), parse(f"silence:{window},track=a:0")])
    return path


def cut_short(target):
    """Write a broken clip of which the last third is missing."""
    data = broken().read_bytes()
    target.write_bytes(data[: len(data) * 2 // 3])
    return target

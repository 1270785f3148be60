"""Standard output that is full, closed or gone: one line at most, and never a traceback."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.serve.running import begun, command, good

COMMANDS = (
    ("analyze", "CLIP"), ("analyze", "CLIP", "--json"), ("analyze", "CLIP", "--jsonl"), ("detectors",), ("--help",),
    ("verify",), ("inject", "CLIP", "out.mp4", "--defect", "help"),
)  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    path = tmp_path_factory.mktemp("streams")
    assert command("analyze", good(), cwd=path)[0] == 0
    return path


def ended(place, arguments, **options):
    given = [good() if each == "CLIP" else each for each in arguments]
    with begun(*given, cwd=place, stderr=subprocess.PIPE, **options) as process:
        said = process.stderr.read().decode()
    return process.returncode, said


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_full(place, arguments):
    with Path("/dev/full").open("wb") as full:
        status, said = ended(place, arguments, stdout=full)
    assert (status, said) == (1, "sightline: standard output cannot be written (No space left on device)\n")


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_closed(place, arguments):
    assert ended(place, arguments, preexec_fn=lambda: os.close(1)) == (0, "")


def test_all_are_closed(place):
    given = ("analyze", good(), "--json", "--results", "others", "--report", "report.html", "--jobs", "2", "gone.mp4")
    with begun(*given, cwd=place, preexec_fn=lambda: os.closerange(0, 3)) as process:
        process.wait()
    assert process.returncode == 1
    assert "gone.mp4" in (place / "report.html").read_text()
    assert command("verify", "--results", "others", cwd=place)[0] == 0


def test_gone(place):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as gone:
        assert ended(place, ("inject", "CLIP", "out.mp4", "--defect", "help"), stdout=gone) in ((141, ""), (1, ""))


def test_standard_error_is_full(place):
    with (
        Path("/dev/full").open("wb") as full,
        begun("analyze", "gone.mp4", "--json", cwd=place, stderr=full, stdout=subprocess.DEVNULL) as process,
    ):
        process.wait()
    assert process.returncode == 1

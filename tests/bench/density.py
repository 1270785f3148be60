"""Streams per decoder's process: private memory and CPU of each stream, with 1, 2, 4 of them in one process.

    python -m tests.bench.density [--seconds 30] [--streams 4] [--together 1 2 4]

Live 1080p25 streams come at the pace of their media, over UDP, in the shape `fused`. Memory is what a process shares
with no other, at the end. CPU is that of the decoders' processes, by the kernel, and beside it what streams say that
they have burnt: both over the same time, between a look once all streams run and one at the end.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.bench.decode import clip
from tests.bench.live import MEGABITS, SENT_SECONDS, Up, memory, sending
from tests.bench.machine import machine
from tests.bench.sender import channel
from tests.senders import free_port

WARM_SECONDS = 8


@dataclass(frozen=True)
class Measured:
    """MiB of each process; CPU seconds between two looks, and so many seconds; how many streams ran without a loss."""

    private: list[float]
    kernel: float
    said: list[float]
    seconds: float
    well: int


def look(up):
    """See :mod:`tests.bench.look`; and when it was."""
    state = up.results.parent / "state" / "sightline" / "up.json"
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.look", str(state)], check=True, capture_output=True, text=True
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1]), time.monotonic()


def measured(path, count, together, seconds):
    """Run so many streams, so many of them in each process."""
    settings = {"SIGHTLINE_STREAMS_PER_ACTOR": str(together)}
    with tempfile.TemporaryDirectory() as folder, Up(Path(folder), **settings) as up, ExitStack() as senders:
        ports = {f"s{n}": free_port() for n in range(count)}
        up.submit({name: f"udp://127.0.0.1:{port}" for name, port in ports.items()})
        while {state["status"] for state in up.get("/v1/streams?limit=1000")["items"]} != {"stalled"}:
            time.sleep(0.5)
        process = sending(path, ports.values())
        senders.callback(process.wait)
        senders.callback(process.stdin.close)
        time.sleep(WARM_SECONDS)
        first, began = look(up)
        time.sleep(seconds)
        last, ended = look(up)
        states = up.get("/v1/streams?limit=1000")["items"]
        well = sum(state["status"] == "running" and not state["dropped"] for state in states)
        assert first["kernel"].keys() == last["kernel"].keys(), "a decoder's process has died"
        kernel = sum(last["kernel"].values()) - sum(first["kernel"].values())
        said = [last["said"][name] - first["said"][name] for name in ports]
        return Measured(memory(up), kernel, said, ended - began, well)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--streams", type=int, default=4)
    parser.add_argument("--together", type=int, nargs="*", default=[1, 2, 4])
    given = parser.parse_args()
    print(machine())
    path = clip(60, MEGABITS)
    sent = channel(str(path), str(path.with_suffix(".ts")), SENT_SECONDS, MEGABITS * 1.4)
    for together in given.together:
        found = measured(sent, given.streams, together, given.seconds)
        each = sum(found.private) / given.streams
        cpu = found.kernel / found.seconds / given.streams
        print(
            f"{together} per process: {len(found.private)} processes of {', '.join(f'{m:.0f}' for m in found.private)} "
            f"MiB; per stream {each:.0f} MiB, {cpu:.3f} CPU s per s; {1024 / each:.1f} streams per GiB; {found.well} "
            f"of {given.streams} without a loss; in {found.seconds:.1f} s {found.kernel:.2f} CPU s by the kernel, and "
            f"streams say {sum(found.said):.2f}, {min(found.said):.2f} to {max(found.said):.2f} each", flush=True,
        )  # fmt: skip


if __name__ == "__main__":
    main()

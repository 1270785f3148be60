"""Streams per decoder's process: private memory and CPU of each stream, with 1, 2, 4 of them in one process.

    python -m tests.bench.density [--seconds 30] [--streams 4] [--together 1 2 4]

Live 1080p25 streams come at the pace of their media, over UDP, in the shape `fused`. Memory is what a process shares
with no other, at the end; CPU is that of the decoders' processes, by the kernel, while all streams run. What a stream
says that it has burnt is beside it: the parts of a process must be the whole.
"""

import argparse
import os
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import httpx

from actors.tables import Table
from tests.bench.decode import clip
from tests.bench.live import MEGABITS, SENT_SECONDS, Up, decoders, memory, sending
from tests.bench.machine import machine
from tests.bench.sender import channel
from tests.senders import free_port

WARM_SECONDS = 8


def burnt(up):
    """CPU seconds of all decoders' processes so far."""
    fields = [(entry / "stat").read_text().rpartition(")")[2].split() for entry in decoders(up)]
    return sum(int(of[11]) + int(of[12]) for of in fields) / os.sysconf("SC_CLK_TCK")


def measured(path, count, together, seconds):
    """MiB of each process, CPU of all per second, what streams say of both, and how many ran without a loss."""
    settings = {"SIGHTLINE_STREAMS_PER_ACTOR": str(together)}
    with tempfile.TemporaryDirectory() as folder, Up(Path(folder), **settings) as up, ExitStack() as senders:
        ports = {f"s{n}": free_port() for n in range(count)}
        job = up.submit({name: f"udp://127.0.0.1:{port}" for name, port in ports.items()})
        while {state["status"] for state in up.get("/v1/streams?limit=1000")["items"]} != {"stalled"}:
            time.sleep(0.5)
        before = burnt(up)
        process = sending(path, ports.values())
        senders.callback(process.wait)
        senders.callback(process.stdin.close)
        time.sleep(WARM_SECONDS)
        warm, began = burnt(up), time.monotonic()
        time.sleep(seconds)
        cpu = (burnt(up) - warm) / (time.monotonic() - began)
        states = up.get("/v1/streams?limit=1000")["items"]
        well = sum(state["status"] == "running" and not state["dropped"] for state in states)
        private, whole = memory(up), burnt(up)
        httpx.patch(f"{up.url}/v1/jobs/{job}", json={"desired": "stopped"}, timeout=30)
        time.sleep(8)
        return private, cpu, whole - before, Table(str(up.results), "usage").read().to_pylist(), well


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
        private, cpu, whole, usage, well = measured(sent, given.streams, together, given.seconds)
        each = sum(private) / given.streams
        said = [row["cpu_seconds"] for row in usage]
        print(
            f"{together} per process: {len(private)} processes of {', '.join(f'{mib:.0f}' for mib in private)} MiB; "
            f"per stream {each:.0f} MiB, {cpu / given.streams:.3f} CPU s per s; {1024 / each:.1f} streams per GiB; "
            f"{well} of {given.streams} without a loss; streams say {min(said):.1f} to {max(said):.1f} CPU s, "
            f"{sum(said):.1f} in all of {whole:.1f} by the kernel, and "
            f"{max(row['peak_memory_bytes'] for row in usage) / 2**20:.0f} MiB at most", flush=True,
        )  # fmt: skip


if __name__ == "__main__":
    main()

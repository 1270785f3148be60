"""Parted meters of `spread`: clones that are sent frames against clones that decode the source again.

    python -m tests.bench.parted [--seconds 60] [--runs 3]

Both ways run in turn on one Ray of three nodes. CPU of the stream is the operating system's, of its decoder, detector
and clone; that of Ray's own processes, which carry frames from node to node, is given apart.
"""

import argparse
import os
import statistics
import tempfile
from pathlib import Path

from tests.bench.decode import clip
from tests.bench.machine import machine
from tests.cluster.harness import Cluster, own_nodes

WAYS = ("frames", "decode")
SIZES = {"decoder_cpus": 0.2, "detector_cpus": 0.5, "node_detector_cpus": 0.4}


def carrying():
    """CPU seconds of the raylets that this process has started."""
    ticks = 0
    for entry in Path("/proc").iterdir():
        try:
            if not entry.name.isdigit() or b"raylet" not in (entry / "cmdline").read_bytes().split(b"\0")[0]:
                continue
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12]) if int(fields[1]) == os.getpid() else 0
        except OSError:
            continue
    return ticks / os.sysconf("SC_CLK_TCK")


def one(ray, path, way):
    """One run: usage, and CPU of Ray's own processes."""
    with tempfile.TemporaryDirectory() as folder:
        cluster = Cluster(ray, Path(folder, "results"), sizes={**SIZES, "clones": way})
        try:
            before = carrying()
            job = cluster.ended(cluster.submit(path, shape="spread"), 600)
            took = carrying() - before
        finally:
            cluster.close()
    (outcome,), (usage,) = job.outcomes.values(), job.usage.values()
    assert outcome.status == "completed", outcome.error
    return usage, took


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    print(machine())
    path = clip(given.seconds, 3).absolute()
    seen = {way: [] for way in WAYS}
    with own_nodes(store_bytes=1 << 30) as nodes:
        import ray

        for _ in range(2):
            nodes.add_node(num_cpus=2, object_store_memory=1 << 30)
        for number in range(given.runs + 1):
            for way in WAYS:
                run = one(ray, path, way)
                if number:
                    seen[way].append(run)
    for way, runs in seen.items():
        hours = runs[0][0].media_seconds / 3600
        parts = {
            name: statistics.median(getattr(usage, f"cpu_{name}seconds") for usage, _ in runs) / hours
            for name in ("", "decode_", "picture_", "other_")
        }
        print(
            f"{way:<7} {parts['']:6.0f} CPU s per stream-hour ({parts['decode_']:.0f} decode, "
            f"{parts['picture_']:.0f} pictures, {parts['other_']:.0f} other), and "
            f"{statistics.median(took for _, took in runs) / hours:.0f} of Ray itself; "
            f"{statistics.median(usage.bytes_network for usage, _ in runs) / hours / 1e9:.1f} GB over the network; "
            f"{statistics.median(usage.wall_seconds for usage, _ in runs):.1f} s, "
            f"peak {max(usage.peak_memory_bytes for usage, _ in runs) >> 20} MiB"
        )


if __name__ == "__main__":
    main()

"""`colocated` against `fused` on one Ray: CPU per frame, bytes copied, peak memory, and what Ray itself moved.

    python -m tests.bench.shapes [--seconds 60] [--runs 3]

CPU is the operating system's: of the decoder's process from the first packet on, and of the detector's from answer to
answer. What Ray's own processes burn meanwhile is given apart. Bytes over the network are Ray's own count.
"""

import argparse
import contextlib
import re
import statistics
import tempfile
import time
from pathlib import Path

from tests.bench.decode import clip
from tests.bench.machine import cost, machine
from tests.cluster.harness import Cluster, own_ray

SHAPES = ("fused", "colocated")


def burnt(pattern):
    """CPU seconds of the processes whose command matches."""
    ticks = 0
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and re.search(pattern, (entry / "cmdline").read_bytes().decode(errors="replace")):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                ticks += int(fields[11]) + int(fields[12])
        except OSError:
            continue
    return ticks / 100


def peak(pid):
    """Peak MiB of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024


def one(cluster, path, shape, number):
    """One run: usage, CPU of Ray's own processes, peak MiB of decoder and detector."""
    name = f"{shape}{number}"
    system = burnt(r"raylet|gcs_server")
    cluster.submit({"source": str(path), "name": name}, shape=shape)
    pid, most = cluster.running(name).pid, 0.0
    while (report := cluster.report(name)) is None or not report.outcome:
        with contextlib.suppress(OSError, TypeError):  # it has just ended
            most = max(most, peak(pid))
        time.sleep(0.1)
    detector = 0.0
    if shape == "colocated":
        actor = cluster.ray.get_actor("detector/cell/colocated/0", namespace="sightline")
        detector = peak(cluster.ray.get(actor.pid.remote(), timeout=30))
    frames = report.document["tracks"][0]["frames"]
    return report.document["usage"], frames, burnt(r"raylet|gcs_server") - system, most, detector


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    print(machine())
    path = clip(given.seconds, 3).absolute()
    bare = cost(["ffmpeg", "-v", "error", "-threads", "1", "-i", str(path), "-f", "null", "-"]).cpu_seconds
    with own_ray(store_bytes=1 << 30) as ray, tempfile.TemporaryDirectory() as folder:
        cluster = Cluster(ray, Path(folder, "results"))
        seen = {shape: [] for shape in SHAPES}
        for number in range(given.runs + 1):
            for shape in SHAPES:
                run = one(cluster, path, shape, number)
                if number:
                    seen[shape].append(run)
        from cluster.moved import Moved, settled

        counted = sum(settled().values(), Moved())
        cluster.close()
    middle = {}
    for shape, runs in seen.items():
        usage, frames = runs[0][0], runs[0][1]
        middle[shape] = statistics.median(run[0]["cpu_seconds"] for run in runs)
        print(
            f"{shape:<10} {middle[shape]:6.2f} CPU s, {1000 * middle[shape] / frames:.2f} ms per frame, "
            f"{middle[shape] / bare:.2f} x bare decode; Ray itself {statistics.median(r[2] for r in runs):.2f} CPU s; "
            f"{usage['bytes_object_store'] / frames / 1e6:.2f} MB copied per frame; "
            f"peak MiB: decoder {max(r[3] for r in runs):.0f}, detector {max(r[4] for r in runs):.0f}"
        )
    print(f"colocated / fused: {middle['colocated'] / middle['fused']:.2f}")
    print(f"by Ray's metrics: {counted.received} bytes between nodes, {counted.spilled} bytes spilled")


if __name__ == "__main__":
    main()

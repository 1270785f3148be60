"""What goes between hosts in `colocated` and in `spread`, and what the head takes to hold 1 to 100 light streams.

    python -m tests.bench.hosts [--streams 1 10 50 100]

As root: `ray up` on hosts of this machine (tests/hosts). Bytes are Ray's own count of objects that nodes received, and
what the interfaces of the two workers have carried between them and to all others.
"""

import argparse
import os
import re
import subprocess
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from tests.bench.machine import machine
from tests.hosts.namespaces import Net
from tests.hosts.outside import LIVE_SECONDS
from tests.hosts.raised import ROOT, Cluster, until

SIZES = " ".join((
    "SIGHTLINE_DECODER_CPUS=0.01", "SIGHTLINE_DETECTOR_CPUS=0.1", "SIGHTLINE_STREAMS_PER_CELL=10",
    "SIGHTLINE_STREAMS_PER_ACTOR=10",
))  # fmt: skip
SETTLE_SECONDS, MEASURE_SECONDS = 30, 30
FRAMES = "frames.mp4"
MOVED = "from cluster.moved import settled; import ray; ray.init('auto', log_to_driver=False, logging_level='ERROR'); \
print(sum(node.received for node in settled().values()))"


def clips(folder):
    """A clip of 10 s whose pictures are to travel, and one to be watched: light, a picture a second, no incident."""
    frames, light = folder / FRAMES, folder / "light.ts"
    made = ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i"]
    coded = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "25"]
    source = "testsrc2=size=1280x720:rate=25:duration=10"
    subprocess.run([*made, source, *coded, "-pix_fmt", "yuv420p", frames], check=True)
    source = f"gradients=size=64x48:rate=1:duration={LIVE_SECONDS}:speed=0.05:seed=1,noise=alls=12:allf=t"
    muxed = ["-pix_fmt", "yuv420p", "-muxrate", "60k", "-f", "mpegts", light]
    subprocess.run([*made, source, *coded, *muxed], check=True)
    return frames, light


def moved(cluster, shape):
    """MB between hosts while the clip is analysed: objects by Ray, and what both workers' interfaces have sent."""
    workers = [cluster.net.hosts[name] for name in cluster.workers]

    def count():
        objects = int(cluster.shell(cluster.head, f'python -c "{MOVED}"').split()[-1])
        return objects, sum(host.carried()[1] for host in workers)

    before = count()
    cluster.sightline(f"submit {cluster.url(FRAMES)}?{shape} --shape {shape} --wait")
    return [(after - earlier) / 1e6 for after, earlier in zip(count(), before, strict=True)]


def processes(host):
    """CPU seconds and resident bytes of each program of a host."""
    burnt, held = Counter(), Counter()
    ticks, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    for pid in host._processes():
        with suppress(OSError, IndexError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            name = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            called = re.sub(r"[.:][a-z_]+$", "", name[0].decode()) if name[0].startswith(b"ray::") else "Ray's own"
            burnt[called] += (int(fields[11]) + int(fields[12])) / ticks
            held[called] += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * page
    return burnt, held


def control(cluster, counts):
    """A line for each number of streams: what the head's processes take."""
    there = 0
    for count in counts:
        urls = " ".join(f"http://{cluster.store.address}:8000/live/light.ts?{n}" for n in range(there, count))
        cluster.sightline(f"submit {urls} --shape fused --detectors black,freeze")
        there = count

        def seen(count=count):
            return sum(bool(item["frames"]) for item in cluster.streams() or ()) >= count

        until(seen, 600, 2)
        time.sleep(SETTLE_SECONDS)
        before, _ = processes(cluster.head)
        workers = sum(sum(processes(cluster.net.hosts[name])[0].values()) for name in cluster.workers)
        time.sleep(MEASURE_SECONDS)
        after, held = processes(cluster.head)
        workers = sum(sum(processes(cluster.net.hosts[name])[0].values()) for name in cluster.workers) - workers
        parts = sorted(((after[n] - before[n]) / MEASURE_SECONDS, held[n] / 2**20, n) for n in after)[::-1]
        total = f"{sum(p[0] for p in parts):.3f} cores, {sum(p[1] for p in parts):.0f} MiB"
        print(f"{count} streams: head {total}; workers {workers / MEASURE_SECONDS:.2f} cores", flush=True)
        print("   " + "; ".join(f"{name} {cores:.3f} / {mib:.0f} MiB" for cores, mib, name in parts), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 10, 50, 100])
    given = parser.parse_args()
    print(machine())
    with Net() as net:
        cluster = Cluster(net, clips(net.folder), ["w1", "w2"], SIZES)
        cluster.command(f"ray up -y {cluster.file}")
        until(lambda: len(cluster.alive()) == 3)
        for shape in ("colocated", "spread"):
            objects, carried = moved(cluster, shape)
            print(f"{shape}: {objects:.1f} MB of objects between nodes, {carried:.1f} MB sent by workers", flush=True)
        control(cluster, given.streams)
        cluster.close()


if __name__ == "__main__":
    os.chdir(ROOT)
    main()

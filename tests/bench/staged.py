"""`staged` against `fused` on the bench clip: CPU, bytes, requests, transitions, by how chunks are compressed.

    python -m tests.bench.staged [--seconds 10] [--runs 1]

The bucket is moto's, on the loopback, in a process of its own whose CPU is not counted. CPU is the operating system's:
of the owner's process, and of each task within its function. One run of each goes first and is not counted.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from actors import mjpeg
from actors.detectors import DETECTORS
from actors.hop import Direct
from actors.measuring import METRICS
from actors.owner import Owner
from actors.recorder import Recorder
from actors.schema import measured
from actors.task import Task
from cluster import bucketurl, chunks
from cluster.bucketserver import bucket_server
from tests.bench.decode import clip
from tests.bench.machine import machine
from tests.cluster.harness import own_ray

COMPRESSIONS = ("none", "lz4", "zstd")


def one(path, hop):
    """Analyse the clip in this process through a hop: usage."""
    with tempfile.TemporaryDirectory() as folder:
        recorder = Recorder(f"{folder}/results", {table: measured(metrics) for table, metrics in METRICS.items()})
        task = Task("bench", str(path), tuple(DETECTORS), {}, recorder.claim(["bench"])["bench"])
        document = Owner(task, recorder, lambda table, where: recorder.read(table, where=where), hop=hop).run()
    assert document["status"] == "completed", document["error"]
    return document["usage"]


def packing(path):
    """Milliseconds of CPU to pack and to unpack a second of pictures, and bytes, by compression."""
    kept = []

    class Keeping(Direct):
        def send(self, batch):
            kept.append(batch)
            return iter(())

    one(path, Keeping)
    few = kept[:8]
    frames = sum(len(batch.frames) + len(batch.context) for batch in few)
    for compression in COMPRESSIONS:
        began = time.process_time()
        packed = [chunks.PictureChunk(batch, compression).packed() for batch in few]
        middle = time.process_time()
        for data in packed:
            chunks.unpack_pictures(data)
        ended = time.process_time()
        size = sum(data.size for data in packed) / frames
        print(
            f"  {compression:<5} {size / 1e6:6.3f} MB per frame; {1000 * (middle - began) / frames:6.2f} ms to pack, "
            f"{1000 * (ended - middle) / frames:6.2f} ms to unpack a frame"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--runs", type=int, default=1)
    given = parser.parse_args()
    print(machine())
    path = clip(given.seconds, 3).absolute()
    packing(path)
    with own_ray(cpus=2), bucket_server() as server:
        from cluster.staged import Staging

        url = bucketurl.parse(server.url)
        hops = {"fused": Direct} | {
            f"staged, {name}": Staging(url, "bench", 0.5, 60.0, name) for name in COMPRESSIONS
        }  # fmt: skip
        seen = {name: [] for name in hops}
        for number in range(given.runs + 1):
            for name, hop in hops.items():
                usage = one(path, hop)
                if number:
                    seen[name].append(usage)
    fused = statistics.median(usage["cpu_seconds"] for usage in seen["fused"])
    for name, runs in seen.items():
        usage = runs[0]
        cpu = statistics.median(run["cpu_seconds"] for run in runs)
        print(
            f"{name:<13} {cpu:6.2f} CPU s, {cpu / fused:5.2f} x fused; wall {usage['wall_seconds']:.1f} s; "
            f"{usage['bytes_bucket'] / given.seconds / 1e6:.1f} MB/s; put {usage['requests_put']}, "
            f"get {usage['requests_get']}, list {usage['requests_list']}, delete {usage['requests_delete']}; "
            f"transitions {usage['transitions']}, functions {usage['functions']}, "
            f"{usage['function_gb_seconds']:.2f} GB s; decode {usage['cpu_decode_seconds']:.2f}, "
            f"pictures {usage['cpu_picture_seconds']:.2f}, other {usage['cpu_other_seconds']:.2f} CPU s; "
            f"peak {usage['peak_memory_bytes'] / 2**20:.0f} MiB"
        )
    jpeg = mjpeg.sample(str(path))
    print(f"JPEG (quality {jpeg.quality}): {jpeg.mean_bytes / 1e6:.3f} MB per frame, of {jpeg.pictures} frames")


if __name__ == "__main__":
    Path(".bench").mkdir(exist_ok=True)
    main()

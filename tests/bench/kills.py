"""Kill a decoder, a detector, the supervisor, 20 times each: seconds until there is a new result.

    python -m tests.bench.kills [--kills 20]

Two live channels run in the shape `colocated`. A decoder's new result is a batch measured by its successor, a
detector's one measured after its death, the supervisor's an answer. The channel that is not hit keeps its process.
"""

import argparse
import os
import random
import signal
import statistics
import tempfile
import time
from pathlib import Path

from actors.inject.channel import Channel
from tests.bench.machine import machine
from tests.clips import generated_clip
from tests.cluster.harness import Cluster, own_ray
from tests.senders import free_port

NAMES = ("one", "other")


def until(condition, seconds=60):
    """Seconds until a condition holds."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > seconds:
            raise SystemExit(f"nothing within {seconds} s")
        time.sleep(0.02)
    return time.monotonic() - began


def alive(cluster, name):
    """A stream's newest report, None while the supervisor does not answer."""
    try:
        return cluster.report(name)
    except cluster.ray.exceptions.RayError:
        return None


def decoder(cluster):
    before, other = cluster.running("one"), cluster.running("other").pid
    os.kill(before.pid, signal.SIGKILL)
    took = until(lambda: (r := alive(cluster, "one")) and r.pid != before.pid and r.newest_at)
    assert cluster.report("other").pid == other
    return took


def answered(cluster, actor):
    try:
        return cluster.ray.get(actor.pid.remote(), timeout=30)
    except cluster.ray.exceptions.RayError:
        return None


def detector(cluster):
    actor = cluster.ray.get_actor("detector/cell/colocated/0", namespace="sightline")
    pids = {name: cluster.running(name).pid for name in NAMES}
    os.kill(cluster.ray.get(actor.pid.remote(), timeout=30), signal.SIGKILL)
    killed = time.time()
    began = time.monotonic()
    until(lambda: answered(cluster, actor))
    until(lambda: (r := alive(cluster, "one")) and r.newest_at > killed)
    took = time.monotonic() - began
    assert {name: cluster.report(name).pid for name in NAMES} == pids
    return took


def supervisor(cluster):
    pids = {name: cluster.running(name).pid for name in NAMES}
    os.kill(cluster.call("pid"), signal.SIGKILL)
    took = until(lambda: alive(cluster, "one"))
    assert {name: cluster.running(name).pid for name in NAMES} == pids
    return took


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    given = parser.parse_args()
    print(machine())
    clip, chance = generated_clip(seconds=8, size=(640, 360), suffix=".ts"), random.Random(1)
    with own_ray() as ray, tempfile.TemporaryDirectory() as folder:
        cluster = Cluster(ray, Path(folder, "results"))
        with Channel(clip, free_port()) as one, Channel(clip, free_port()) as other:
            streams = [{"source": c.url, "name": n} for c, n in zip((one, other), NAMES, strict=True)]
            cluster.submit(*streams, shape="colocated")
            for name in NAMES:
                cluster.running(name)
            for kill in (decoder, detector, supervisor):
                took = []
                for _ in range(given.kills):
                    took.append(kill(cluster))
                    time.sleep(chance.uniform(1, 3))
                took.sort()
                print(
                    f"{kill.__name__:<11} {len(took)} kills: median {statistics.median(took):.2f} s, "
                    f"worst {took[-1]:.2f} s"
                )
        cluster.close()


if __name__ == "__main__":
    main()

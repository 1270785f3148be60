"""What each group of picture metrics takes alone, and ``analyze`` by stages: where the figures of estimates are from.

    python -m tests.bench.groups [--repeats 20]

That is ``GROUP_SECONDS`` of ``cluster/subsets.py``, and ``fused`` of ``MEASURED`` in ``cluster/estimate.py``. Pictures
are those of the bench clip of 1080p H.264 with 3 Mb/s; groups measure them decoded, in batches as a stream ships them,
on one thread. Of everything the least of the repeats is printed: what others do on the machine only adds to it.
"""

import argparse
import json
import subprocess
import tempfile
import time
from itertools import islice

import av

from actors.clock import Stamp, TimeBase
from actors.measure.picture import PictureMeter
from actors.measure.picture.metrics import METRICS
from actors.media import Batch, Frame
from actors.pixels import picture
from tests.bench.decode import analyze, clip
from tests.bench.machine import machine

SECONDS, MEGABITS = 10, 3
BATCH, BATCHES, SKIPPED = 5, 4, 40
"""Pictures of a batch, batches, and pictures before them: the clip's first ones hardly move."""

RUNS = 3
"""Of decoding, and of ``analyze``, both on the clip and on one of two pictures, which gives what starting takes."""

STAGES = ("decode", "picture", "other")


def pictures(path, count):
    """The first pictures, decoded on one thread."""
    with av.open(str(path)) as container:
        container.streams.video[0].codec_context.thread_count = 1
        yield from islice(container.decode(video=0), count)


def bare(path):
    """Seconds that decoding takes for a picture."""
    began = time.thread_time()
    count = sum(1 for _ in pictures(path, 25 * SECONDS))
    return (time.thread_time() - began) / count


def batches(path):
    """Pictures as a stream ships them, each batch with the one before it."""
    made = []
    for number, frame in enumerate(pictures(path, SKIPPED + BATCH * BATCHES)):
        fmt, planes = picture("h264", frame)
        made.append(Frame(Stamp(0, 0, number, number), 1, planes, False, False, 0, True))
    return [
        Batch("v:0", TimeBase(1, 25), fmt, tuple(made[at : at + BATCH]), (made[at - 1],), at, 0)
        for at in range(SKIPPED, len(made), BATCH)
    ]  # fmt: skip


def measured(shipped, repeats):
    """Seconds for each picture, by group; under '' of all groups together."""
    meter = PictureMeter()
    names = {group: frozenset(metric.name for metric in metrics) for group, metrics in METRICS.items()}
    names[""] = frozenset().union(*names.values())
    least = dict.fromkeys(names, float("inf"))
    for repeat in range(repeats + 1):
        for group, wanted in names.items():
            began = time.thread_time()
            for batch in shipped:
                meter.measure(batch, wanted)
            took = (time.thread_time() - began) / (BATCH * BATCHES)
            least[group] = min(least[group], took) if repeat else float("inf")
    return least


def stages(path, short):
    """CPU seconds of ``analyze``: of decoding and of pictures for each picture, of the rest for each second."""
    used = {each: [] for each in (path, short)}
    with tempfile.TemporaryDirectory() as results:
        for _ in range(RUNS):
            for each, of in used.items():
                said = subprocess.run(analyze(each, results, None), stdout=subprocess.PIPE, check=False)
                of.append(json.loads(said.stdout)["streams"][0]["usage"])
    least = [{name: min(usage[name] for usage in of) for name in of[0] if name != "shape"} for of in used.values()]
    burnt = {stage: least[0][f"cpu_{stage}_seconds"] - least[1][f"cpu_{stage}_seconds"] for stage in STAGES}
    each = {stage: seconds / (SECONDS if stage == "other" else 25 * SECONDS) for stage, seconds in burnt.items()}
    return {**each, "memory, MiB": least[0]["peak_memory_bytes"] / 2**20}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=20)
    given = parser.parse_args()
    path, short = clip(SECONDS, MEGABITS), clip(0.08, MEGABITS)
    print(machine())
    least, decoding = measured(batches(path), given.repeats), min(bare(path) for _ in range(RUNS))
    together = least.pop("")
    print(f"bare decoding {decoding:.5f} s; all groups together {together:.5f}, alone {sum(least.values()):.5f}")
    for group, seconds in least.items():
        print(f'    "{group}": {seconds:.5f},  # {seconds / decoding:.1%} of decoding')
    print({stage: round(value, 5) for stage, value in stages(path, short).items()}, "of analyze")


if __name__ == "__main__":
    main()

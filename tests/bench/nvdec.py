"""Decoding on a GPU with frames staying there, against decoding on the CPU: the same rows, and frames a second.

    python -m tests.bench.nvdec

Part of ``python -m tests.bench.gpu``. Without a GPU that decodes it says why there is none.
"""

import time

import av
import numpy as np

from actors import hardware
from actors.again import batches
from actors.hop import Direct
from actors.limits import Limits
from actors.measure.picture import PictureMeter
from actors.source import open_source
from tests.bench.decode import FOLDER, clip
from tests.bench.machine import machine
from tests.clips import generated_clip

NAMES = frozenset(metric.name for metric in PictureMeter.metrics)
SECONDS, MEGABITS = 10, 15


def rows(path, device):
    """Rows of all pictures of a clip, decoded and measured on a device, and how many seconds that took."""
    limits, hop = Limits(device=device), Direct(NAMES, device)
    began = time.perf_counter()
    with open_source(path, limits=limits) as source:
        found = [rows for batch in batches(source, limits) for rows in hop.send(batch)]
    return found, time.perf_counter() - began


def compare(path):
    """Print whether the rows are equal, and the frames a second of each; the first difference ends the program."""
    rows(path, "cuda")
    (here, cpu_seconds), (there, gpu_seconds) = (rows(path, device) for device in ("cpu", "cuda"))
    numbers, frames = 0, sum(len(one) for one in here)
    for mine, other in zip(here, there, strict=True):
        for name, values in mine.columns.items():
            if not np.array_equal(values, other.columns[name], equal_nan=values.dtype.kind == "f"):
                raise SystemExit(f"{path.name}: {name} is another one where a GPU decodes")
            numbers += values.size
    print(
        f"{path.name}: {numbers} numbers of {frames} frames are equal; frames a second: "
        f"{frames / cpu_seconds:.0f} on the CPU, {frames / gpu_seconds:.0f} on the GPU"
    )


def deep():
    """A clip of 10 bits in HEVC."""
    path = FOLDER / "hevc10.mkv"
    with av.open(generated_clip(seconds=4, size=(1280, 720), layout=None)) as clip, av.open(path, "w") as out:
        stream = out.add_stream("libx265", rate=25, options={"preset": "ultrafast", "x265-params": "log-level=none"})
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p10le"
        for frame in clip.decode(video=0):
            out.mux(stream.encode(frame.reformat(format="yuv420p10le")))
        out.mux(stream.encode(None))
    return path


def main():
    print(machine())
    if (why := hardware.missing()) is not None:
        print(f"decoding on a GPU is not measured: {why}")
        return
    compare(clip(SECONDS, MEGABITS))
    compare(deep())


if __name__ == "__main__":
    main()

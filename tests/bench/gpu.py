"""The picture meter on a GPU: is it exact, and how near does it come to what the bus can carry?

    python -m tests.bench.gpu

Frames lie read-only in ordinary memory, as in an object store. A frame measured crosses the bus once, so the limit is
how many could be copied from pinned memory. Calls of many streams that wait together are one pass; what that gains is
measured against a pass for each. Pictures that the GPU decodes come first (``tests.bench.nvdec``). Without a GPU,
exactness is checked on the CPU and no speed is measured.
"""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count

import numpy as np
import torch

from actors.clock import Stamp, TimeBase
from actors.desk import Desk
from actors.measure.picture import PictureMeter, reference
from actors.measure.picture.gpu import sums_of
from actors.media import Batch, Frame, Plane, VideoFormat
from tests.actors.planes import ALL, as_values, make_planes, numbers_in
from tests.bench import nvdec

FORMATS = [(8, None), (8, (1, 1)), (8, (1, 0)), (8, (0, 0)), (9, (1, 1)), (10, (1, 1)), (10, (0, 0)), (12, (1, 0)),
           (14, None), (16, (1, 1)), (16, None)]  # fmt: skip
"""Depth, and log2 of chroma subsampling; None is grey."""

SIZES = [(1920, 1080), (1023, 577), (31, 17), (48, 3000)]
BATCHES = (5, 16, 32, 64)
"""Frames. 5 of 1080p are what a batch of 16 MiB holds."""

THREADS = (1, 2, 4)
"""Meters at a time on the one GPU, each with its own stream: one stages while another computes."""

DISTINCT = 130
"""Frames in turn, 400 MB: they come from memory, not from a cache."""

SECONDS = 3.0

STREAMS = (1, 4, 16, 32)
"""That call one detector, each for the next batch as soon as it has the rows of the one before."""

STREAM_FRAMES = 5
"""Of a batch of a stream: what it ships of 1080p at a time."""


def exact(device):
    """Compare with the arbiter on noise, nearly still pictures and flat ones; the first difference ends the program."""
    rng = np.random.default_rng(1)
    frames = numbers = 0
    for depth, chroma in FORMATS:
        for width, height in SIZES:
            make = partial(make_planes, rng, width, height, depth, chroma)
            stack = [make(), make(padding=7), make(spread=90), make(spread=90, padding=1), flat(make(), depth)]
            before = [None, *stack[:-1]]
            for planes, old, sums in zip(stack, before, sums_of(stack, before, depth, ALL, device), strict=True):
                if as_values(sums) != as_values(reference.sums(planes, old, depth, ALL)):
                    raise SystemExit(f"not exact on {device}: {width}x{height}, depth {depth}, chroma {chroma}")
                frames, numbers = frames + 1, numbers + numbers_in(sums)
    print(f"exact on {device}: {numbers} integers of {frames} frames, {len(FORMATS)} formats at {len(SIZES)} sizes")


def joined_exact(device):
    """Compare batches of several streams in one pass with each of them alone by the arbiter."""
    rng = np.random.default_rng(3)
    meter, alone = PictureMeter("torch", device), PictureMeter("reference")
    names = frozenset(metric.name for metric in meter.metrics)
    fmt = VideoFormat("raw", 322, 178, "yuv420p", 8, 1, 1, 3, "limited", "sdr")
    batches = []
    for stream in range(8):
        frames = [Frame(Stamp(0, 0, n, n), 1, make_planes(rng, 322, 178, 8), False, False, 0, True) for n in range(6)]
        batches.append(Batch(f"v:{stream}", TimeBase(1, 25), fmt, tuple(frames[1:]), (frames[0],), 1, 0))
    compared = 0
    for batch, found in zip(batches, meter.measure_many(batches, names), strict=True):
        for name, values in alone.measure(batch, names).items():
            if not np.array_equal(found[name], values, equal_nan=values.dtype.kind == "f"):
                raise SystemExit(f"not exact on {device}: {name} of {batch.track}, joined with others")
        compared += len(batch.frames)
    print(f"exact on {device}: {compared} frames of {len(batches)} streams in one pass, {len(names)} metrics")


def flat(planes, depth):
    """The same frame, all of the greatest code."""
    return tuple(Plane(np.full_like(plane.lines, (1 << depth) - 1), plane.width) for plane in planes)


def film():
    """Read-only frames of 1080p 4:2:0, 8 bit: noise over a ramp."""
    rng = np.random.default_rng(2)
    frames = []
    for number in range(DISTINCT):
        planes = make_planes(rng, 1920, 1080, 8)
        for plane in planes:
            plane.lines[:] = plane.lines // 8 + np.linspace(16, 200, plane.width, dtype=np.uint8)
            plane.lines.flags.writeable = False
        frames.append(Frame(Stamp(0, 0, number, number), 1, planes, False, False, 0, True))
    return frames


def copies_per_second(size, frame_bytes):
    """Frames a second that the bus carries from pinned memory, the best of several tries."""
    pinned = torch.empty(size * frame_bytes, dtype=torch.uint8, pin_memory=True)
    held = torch.empty_like(pinned, device="cuda")
    best = 0.0
    for _ in range(7):
        torch.cuda.synchronize()
        began = time.perf_counter()
        for _ in range(20):
            held.copy_(pinned, non_blocking=True)
        torch.cuda.synchronize()
        best = max(best, 20 * size / (time.perf_counter() - began))
    return best


def measured_per_second(frames, size, threads):
    """Frames a second through the meter, every metric, batches of ``size`` in each of several threads."""
    meter = PictureMeter("torch", "cuda")
    names = frozenset(metric.name for metric in meter.metrics)
    fmt = VideoFormat("raw", 1920, 1080, "yuv420p", 8, 1, 1, 3, "limited", "sdr")
    starts = range(1, len(frames) - size + 1, size)
    batches = [Batch("v:0", TimeBase(1, 25), fmt, tuple(frames[s : s + size]), (frames[s - 1],), s, 0) for s in starts]

    def work(thread, seconds):
        began = time.perf_counter()
        with torch.cuda.stream(torch.cuda.Stream()):
            for done in count(1):
                rows = meter.measure(batches[(done + thread) % len(batches)], names)
                assert len(rows["difference"]) == size
                if time.perf_counter() - began > seconds:
                    return done * size

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, range(threads), [0.5] * threads))
        began = time.perf_counter()
        done = sum(pool.map(work, range(threads), [SECONDS] * threads))
        return done / (time.perf_counter() - began)


def desk_per_second(frames, streams, joined):
    """Frames a second of so many streams that call one desk; without ``joined`` each call is a pass of its own."""
    meter = PictureMeter("torch", "cuda")
    names = frozenset(metric.name for metric in meter.metrics)
    fmt = VideoFormat("raw", 1920, 1080, "yuv420p", 8, 1, 1, 3, "limited", "sdr")
    starts = range(1, len(frames) - STREAM_FRAMES + 1, STREAM_FRAMES)
    batches = [
        Batch("v:0", TimeBase(1, 25), fmt, tuple(frames[s : s + STREAM_FRAMES]), (frames[s - 1],), s, 0) for s in starts
    ]
    desk, turn = Desk(meter), threading.Lock()

    def work(stream, seconds):
        began = time.perf_counter()
        for done in count(1):
            batch = batches[(done + stream) % len(batches)]
            if joined:
                assert len(desk.measure(batch, names).rows) == STREAM_FRAMES
            else:
                with turn:
                    assert len(meter.measure(batch, names)["difference"]) == STREAM_FRAMES
            if time.perf_counter() - began > seconds:
                return done * STREAM_FRAMES

    with ThreadPoolExecutor(streams) as pool:
        list(pool.map(work, range(streams), [0.5] * streams))
        began = time.perf_counter()
        done = sum(pool.map(work, range(streams), [SECONDS] * streams))
        return done / (time.perf_counter() - began)


def joining():
    """Print what one pass for the calls that wait gains over a pass for each."""
    frames = film()
    print(f"\nstreams that call one detector, batches of {STREAM_FRAMES} frames of 1080p; frames a second")
    print(f"{'streams':>8} {'apart':>8} {'joined':>8} {'ratio':>6}")
    for streams in STREAMS:
        apart, joined = (desk_per_second(frames, streams, way) for way in (False, True))
        print(f"{streams:>8} {apart:>8.0f} {joined:>8.0f} {joined / apart:>6.2f}")


def speed():
    """Print a table: measured frames a second, the limit, and their ratio."""
    frames = film()
    frame_bytes = sum(plane.lines.nbytes for plane in frames[0].planes)
    print(f"\n1080p 4:2:0, 8 bit, {frame_bytes} bytes a frame, every picture metric; frames a second")
    print(f"{'batch':>6} {'threads':>8} {'measured':>10} {'copy limit':>11} {'ratio':>6}")
    for size in BATCHES:
        limit = copies_per_second(size, frame_bytes)
        for threads in THREADS:
            measured = measured_per_second(frames, size, threads)
            print(f"{size:>6} {threads:>8} {measured:>10.0f} {limit:>11.0f} {measured / limit:>6.2f}")


def main():
    nvdec.main()  # FFmpeg opens the GPU before torch does
    print(f"torch {torch.__version__}")
    if not torch.cuda.is_available():
        print("no GPU here: exactness is checked on the CPU, speed is not measured")
        exact("cpu")
        joined_exact("cpu")
        return
    print(f"GPU: {torch.cuda.get_device_name()}")
    exact("cuda")
    joined_exact("cuda")
    speed()
    joining()


if __name__ == "__main__":
    main()

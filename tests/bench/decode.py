"""`make bench`: what analysing costs against bare decoding, and against ffmpeg's own filters.

Everything is timed as whole processes, in turn, in one run; medians are printed. The start-up of ``analyze`` (Python,
imports, kernels from the cache, tables) is what it costs on a clip of two frames, and is taken off.
"""

import argparse
import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.machine import cost, machine, side_by_side

CLIPS = Path(".bench")
GROUPS = {
    "packets": "decode_errors",
    "+ sound": "decode_errors,timestamps,silence,channel_loss,clipping,loudness,phase,click",
    "+ luma": "decode_errors,timestamps,silence,channel_loss,clipping,loudness,phase,click,black",
    "all": None,
}
FILTERS = {"video": "blackdetect,freezedetect,scdet", "audio": "silencedetect,astats,ebur128=peak=true"}


def clip(seconds, megabits):
    """The bench clip, made once, in a process of its own: children inherit the peak memory of who starts them."""
    path = CLIPS / f"bbb_{seconds}s_{megabits}m.mp4"
    if not path.exists():
        CLIPS.mkdir(exist_ok=True)
        how = ["--seconds", str(seconds), "--megabits", str(megabits), str(path)]
        subprocess.run([sys.executable, "-m", "tests.bench.clip", *how], check=True, stdout=subprocess.DEVNULL)
    print(f"{path}: sha256 {hashlib.sha256(path.read_bytes()).hexdigest()}")
    return path


def analyze(path, results, detectors):
    command = [sys.executable, "-m", "serve", "analyze", str(path), "--results", results, "--fresh", "--json"]
    return command + (["--detectors", detectors] if detectors else [])


def report(seconds, megabits, runs):
    path = clip(seconds, megabits)
    short = clip(0.08, megabits)
    decode = ["ffmpeg", "-v", "error", "-threads", "1", "-i", str(path), "-f", "null", "-"]
    filtering = [*decode[:-3], "-vf", FILTERS["video"], "-af", FILTERS["audio"], "-f", "null", "-"]
    with tempfile.TemporaryDirectory() as folder:
        commands = {"bare decode": decode, "ffmpeg filters": filtering}
        for name, detectors in GROUPS.items():
            commands[name] = analyze(path, f"{folder}/{name}", detectors)
            commands[f"start-up {name}"] = analyze(short, f"{folder}/s{name}", detectors)
        costs = side_by_side(commands, runs)
    bare = costs["bare decode"].cpu_seconds
    print(f"\n{path.name}: {seconds} s of 1080p25 at {megabits} Mb/s, {runs} runs in turn, medians")
    print(f"  bare decode (ffmpeg, one thread)  {bare:7.2f} CPU s")
    filters = costs["ffmpeg filters"].cpu_seconds
    print(f"  ffmpeg's filters for the same     {filters:7.2f} CPU s   {filters / bare:5.2f} x bare decode")
    for name in GROUPS:
        startup = costs[f"start-up {name}"].cpu_seconds
        net = costs[name].cpu_seconds - startup
        print(
            f"  analyze, {name:<24} {net:7.2f} CPU s   {net / bare:5.2f} x bare decode   "
            f"(start-up {startup:.2f} s, peak {costs[name].peak_mib:.0f} MiB)"
        )


def first_output():
    """From the command to its output on a 5 s clip, with and without compiled kernels."""
    path = clip(5, 3)
    with tempfile.TemporaryDirectory() as folder:
        cached = [cost(analyze(path, f"{folder}/{n}", None)).wall_seconds for n in range(4)]
        empty = f"{folder}/kernels"
        cold = cost(["env", f"NUMBA_CACHE_DIR={empty}", *analyze(path, f"{folder}/cold", None)])
    print(f"\ncommand to output, 5 s clip: {sorted(cached[1:])[1]:.2f} s; the very first run {cold.wall_seconds:.2f} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--megabits", type=int, nargs="+", default=[3, 15])
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    if shutil.which("ffmpeg") is None:
        raise SystemExit("bench: the ffmpeg command, which is compared with, is not installed")
    print(machine())
    for megabits in given.megabits:
        report(given.seconds, megabits, given.runs)
    first_output()


if __name__ == "__main__":
    main()

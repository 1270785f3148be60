"""`make bench`: what analysing costs against bare decoding, and against ffmpeg's own filters.

    python -m tests.bench.decode [--clips h264-3 h264-15 2160p hevc10 mpeg2i] [--runs 3]

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

from tests.bench.clip import KINDS
from tests.bench.machine import cost, machine, side_by_side

FOLDER = Path(".bench")
CLIPS = {
    "h264-3": ("1080p H.264, 3 Mb/s", "h264", 60, 3),
    "h264-15": ("1080p H.264, 15 Mb/s", "h264", 20, 15),
    "2160p": ("2160p H.264, 25 Mb/s", "2160p", 10, 25),
    "hevc10": ("1080p HEVC, 10 bit, 6 Mb/s", "hevc10", 10, 6),
    "mpeg2i": ("1080i MPEG-2, 4:2:2, 30 Mb/s", "mpeg2i", 40, 30),
}
"""What each clip is, its kind, how many seconds, and how many Mb/s."""
DETECTORS = {"packets": "decode_errors", "+ luma": "decode_errors,timestamps,black", "every metric": None}
FILTERS = "blackdetect,freezedetect,scdet"
CHAIN = "blackdetect,freezedetect,blockdetect,blurdetect,signalstats=stat=tout+vrep+brng,idet,scdet"
"""ffmpeg's filters for the same defects."""
CHAINED = 40
"""Pictures that the chain is run on: it takes half a second for each."""


def clip(seconds, megabits, kind="h264"):
    """A bench clip, made once, in a process of its own: children inherit the peak memory of who starts them."""
    path = FOLDER / f"{'bbb' if kind == 'h264' else kind}_{seconds}s_{megabits}m{KINDS[kind].suffix}"
    if not path.exists():
        FOLDER.mkdir(exist_ok=True)
        how = ["--kind", kind, "--seconds", str(seconds), "--megabits", str(megabits), str(path)]
        subprocess.run([sys.executable, "-m", "tests.bench.clip", *how], check=True, stdout=subprocess.DEVNULL)
    print(f"{path}: sha256 {hashlib.sha256(path.read_bytes()).hexdigest()}")
    return path


def analyze(path, results, detectors):
    command = [sys.executable, "-m", "serve", "analyze", str(path), "--results", results, "--fresh", "--json"]
    return command + (["--detectors", detectors] if detectors else [])


def ffmpeg(path, *options):
    return ["ffmpeg", "-v", "error", "-threads", "1", "-i", str(path), *options, "-f", "null", "-"]


def measured(name, runs):
    """Milliseconds of CPU for a picture, by what was run; and the costs as they are."""
    _, kind, seconds, megabits = CLIPS[name]
    path, short = clip(seconds, megabits, kind), clip(0.08, megabits, kind)
    with tempfile.TemporaryDirectory() as folder:
        commands = {
            "bare": ffmpeg(path),
            "filters": ffmpeg(path, "-vf", FILTERS),
            "chain": ffmpeg(path, "-frames:v", str(CHAINED), "-filter_threads", "1", "-vf", CHAIN),
        }
        for number, (group, detectors) in enumerate(DETECTORS.items()):
            commands[group] = analyze(path, f"{folder}/{number}", detectors)
            commands[f"start-up, {group}"] = analyze(short, f"{folder}/s{number}", detectors)
        costs = side_by_side(commands, runs)
    pictures, started = 25 * seconds, {group: costs[f"start-up, {group}"].cpu_seconds for group in DETECTORS}
    each = {name: 1000 * (costs[name].cpu_seconds - started.get(name, 0)) / pictures for name in ("bare", *DETECTORS)}
    each["filters"] = 1000 * costs["filters"].cpu_seconds / pictures
    each["chain"] = 1000 * costs["chain"].cpu_seconds / CHAINED
    return each, costs


def report(names, runs):
    """Print a table, a line for each clip."""
    lines, notes = [], []
    for name in names:
        each, costs = measured(name, runs)
        times = [each[what] / each["bare"] for what in (*DETECTORS, "filters", "chain")]
        of_chain = each["chain"] / each["every metric"]
        lines.append(
            f"| {CLIPS[name][0]} | {each['bare']:.2f} | " + " | ".join(f"{x:.2f}" for x in times)
            + f" | {of_chain:.0f} |"
        )  # fmt: skip
        peak, start = costs["every metric"].peak_mib, costs["start-up, every metric"].cpu_seconds
        notes.append(f"{CLIPS[name][0]}: peak {peak:.0f} MiB, start-up {start:.2f} CPU s")
    print(f"\nCPU, one thread, {runs} runs in turn, medians")
    print("| clip | bare decode, ms a picture | " + " | ".join(f"`analyze`, {group}" for group in DETECTORS), end="")
    print(f" | ffmpeg: `{FILTERS}` | ffmpeg: all seven filters | seven filters / every metric |")
    print("|" + "---|" * (len(DETECTORS) + 5))
    print("\n".join([*lines, "", *notes]))


def first_output():
    """From the command to its output on a 5 s clip, with and without compiled kernels."""
    path = clip(5, 3)
    with tempfile.TemporaryDirectory() as folder:
        cached = [cost(analyze(path, f"{folder}/{n}", None)).wall_seconds for n in range(4)]
        empty = f"{folder}/kernels"
        cold = cost(["env", f"NUMBA_CACHE_DIR={empty}", *analyze(path, f"{folder}/cold", None)])
    print(f"\ncommand to output, 5 s clip: {sorted(cached[1:])[1]:.2f} s; the very first run {cold.wall_seconds:.2f} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", choices=CLIPS, nargs="+", default=list(CLIPS))
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    if shutil.which("ffmpeg") is None:
        raise SystemExit("bench: the ffmpeg command, which is compared with, is not installed")
    print(machine())
    report(given.clips, given.runs)
    first_output()


if __name__ == "__main__":
    main()

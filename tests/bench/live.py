"""Live 1080p25 streams: how many run without losing a frame, how soon an incident is on SSE, what memory each takes.

    python -m tests.bench.live [--seconds 40] [--streams 8 9 10 11 12 13]

Every stream comes at the pace of its media, over UDP. A number of streams is carried if none of them lost a byte or a
frame and what each has analysed at the end came at most 2 s before. What bare decode could feed is measured in the
same run, in two ways: how many `ffmpeg -re` of one thread each, at once, end at most 2 s after their media; and how
many streams the CPU seconds of one that runs as fast as it can would fill the processors with.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx

from actors.inject import inject, parse
from actors.inject.channel import Channel
from actors.tables import Table
from tests.bench.decode import clip
from tests.bench.machine import cost, machine
from tests.bench.sender import channel
from tests.equal import summaries, unexplained
from tests.senders import free_port

MEGABITS = 3
LAG_SECONDS = 2.0


SENT_SECONDS = 180


def sending(path, ports):
    """A sender in a process of its own, so that none of its work is done in ours."""
    command = [sys.executable, "-m", "tests.bench.sender", path, str(SENT_SECONDS), *map(str, ports)]
    return subprocess.Popen(command, stdin=subprocess.PIPE)


def paced(path, most, seconds):
    """The greatest number of streams, up to ``most``, that bare decode keeps up with at the pace of their media."""
    command = ["ffmpeg", "-v", "error", "-re", "-threads", "1", "-t", str(seconds), "-i", path, "-f", "null", "-"]
    for count in range(most, 0, -1):
        with ThreadPoolExecutor(count) as pool:
            costs = list(pool.map(lambda _: cost(command), range(count)))
        if max(one.wall_seconds for one in costs) <= seconds + LAG_SECONDS:
            return count
    return 0


class Up:
    """A cluster as `sightline up` starts it, with settings of the environment."""

    def __init__(self, folder, **settings):
        self.results, self.port = folder / "results", free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        own = {"XDG_STATE_HOME": str(folder / "state"), "SIGHTLINE_DECODER_CPUS": "0.01"}
        self._environment = {**os.environ, **own, **settings}

    def run(self, *arguments):
        done = subprocess.run(
            [sys.executable, "-m", "serve", *map(str, arguments)], env=self._environment, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise SystemExit(f"{arguments}: {done.stdout}{done.stderr}")
        return done.stdout

    def __enter__(self):
        self.run("up", "--results", self.results, "--port", self.port)
        return self

    def __exit__(self, *error):
        self.run("down")

    def get(self, path):
        return httpx.get(f"{self.url}{path}", timeout=30).json()

    def submit(self, sources):
        streams = [{"source": url, "name": name} for name, url in sources.items()]
        answer = httpx.post(f"{self.url}/v1/jobs", json={"streams": streams, "shape": "fused"}, timeout=30)
        return answer.json()["id"]


def memory(up):
    """Private MiB of each decoder's process."""
    mark = json.loads(next(up.results.parent.glob("state/sightline/up.json")).read_text())["mark"]
    found = []
    for entry in Path("/proc").iterdir():
        try:
            ours = entry.name.isdigit() and mark.encode() in (entry / "environ").read_bytes()
            if ours and (entry / "cmdline").read_bytes().startswith(b"ray::DecoderActor"):
                lines = (entry / "smaps_rollup").read_text().splitlines()
                found.append(sum(int(line.split()[1]) for line in lines if line.startswith("Private")) / 1024)
        except OSError:
            continue
    return found


def carried(path, count, seconds):
    """Run so many streams; gives what went wrong (nothing if they are carried), and MiB of a decoder."""
    with tempfile.TemporaryDirectory() as folder, Up(Path(folder)) as up, ExitStack() as senders:
        ports = {f"s{n}": free_port() for n in range(count)}
        job = up.submit({name: f"udp://127.0.0.1:{port}" for name, port in ports.items()})
        while {state["status"] for state in up.get("/v1/streams?limit=1000")["items"]} != {"stalled"}:
            time.sleep(0.5)
        process = sending(path, ports.values())
        senders.callback(process.wait)
        senders.callback(process.stdin.close)
        time.sleep(seconds)
        states = {state["stream"]: state for state in up.get("/v1/streams?limit=1000")["items"]}
        wrong = [f"{name} is {s['status']}" for name, s in states.items() if s["status"] != "running"]
        wrong += [f"{name} dropped {s['dropped']}" for name, s in states.items() if s["dropped"]]
        ages = [state["newest_frame_age_seconds"] or 0.0 for state in states.values()]
        if max(ages) > LAG_SECONDS:
            wrong.append(f"{max(ages):.1f} s behind")
        private = memory(up)
        httpx.patch(f"{up.url}/v1/jobs/{job}", json={"desired": "stopped"}, timeout=30)
        time.sleep(8)
        said = summaries(up.results)
        wrong += [f"{name} has not ended" for name in ports if said.get(name) is None]
        if unexplained(up.results):
            wrong.append("frames unexplained")
        wrong += holes(up.results)
        return wrong, statistics.median(private) if private else 0.0


def holes(results):
    """What was not analysed. The last second does not count: a stop parts pictures from those that they need."""
    rows = Table(str(results), "coverage").read().to_pylist()
    ends = {row["stream"]: max(r["end"] for r in rows if r["stream"] == row["stream"]) for row in rows}
    return [
        f"{row['stream']}: {row['reason']}" for row in rows
        if row["state"] != "analysed" and row["start"] < ends[row["stream"]] - row["base_den"] // row["base_num"]
    ]  # fmt: skip


def latency(seconds, folder):
    """Seconds from the sending of the frame that completes an incident to its arrival on SSE."""
    source, black = folder / "clean.mp4", folder / "black.ts"
    subprocess.run(["cp", str(clip(10, MEGABITS)), source], check=True)
    inject(source, black, [parse("black:start=1,length=2.4"), parse("black:start=5,length=2.4")], seed=1)
    found = []
    with Up(folder) as up:
        channels = [Channel(black, free_port()) for _ in range(3)]
        sent = {f"s{n}": [] for n in range(len(channels))}
        for name, channel in zip(sent, channels, strict=True):
            channel.on_sent = lambda at, into=sent[name]: into.append((float(at), time.time()))
        up.submit({f"s{n}": channel.url for n, channel in enumerate(channels)})
        time.sleep(5)
        arrived = []
        threading.Thread(target=listen, args=(up.url, arrived), daemon=True).start()
        with ExitStack() as on_air:
            for channel in channels:
                on_air.enter_context(channel)
            time.sleep(seconds)
        for at, event in arrived:
            if event["kind"] == "opened" and event["incident"]["detector"] == "black":
                done = event["incident"]["start_seconds"] + 2.0 - 0.041
                complete = next((when for shown, when in sorted(sent[event["stream"]]) if shown >= done), None)
                if complete is not None:
                    found.append(at - complete)
    return sorted(found)


def listen(url, arrived):
    try:
        with httpx.stream("GET", f"{url}/v1/events", timeout=None) as answer:
            for line in answer.iter_lines():
                if line.startswith("data: "):
                    arrived.append((time.time(), json.loads(line[6:])))
    except httpx.HTTPError:
        return


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=40)
    parser.add_argument("--streams", type=int, nargs="*", default=[8, 9, 10, 11, 12, 13])
    given = parser.parse_args()
    print(machine())
    path = clip(60, MEGABITS)
    bare = cost(["ffmpeg", "-v", "error", "-threads", "1", "-i", str(path), "-f", "null", "-"]).cpu_seconds / 60
    could = {"at the pace of its media": paced(str(path), int(os.cpu_count() / bare), given.seconds)}
    could["as fast as it can"] = os.cpu_count() / bare
    print(f"bare decode of 1 s of 1080p25 at {MEGABITS} Mb/s: {bare:.3f} CPU s; could feed {could}", flush=True)
    best, sent = 0, channel(str(path), str(path.with_suffix(".ts")), SENT_SECONDS, MEGABITS * 1.4)
    for count in given.streams:
        wrong, private = carried(sent, count, given.seconds)
        how = "carried" if not wrong else "; ".join(wrong[:3])
        print(f"{count} streams: {how}; {private:.0f} MiB each", flush=True)
        if wrong:
            break
        best = count
    for how, streams in could.items():
        print(f"carried: {best}, {best / streams:.2f} of the {streams:.1f} streams that bare decode could feed {how}")
    with tempfile.TemporaryDirectory() as folder:
        waits = latency(max(60, given.seconds), Path(folder))
    p99 = waits[min(len(waits) - 1, int(len(waits) * 0.99))]
    print(f"incident on SSE: {len(waits)} incidents, p50 {statistics.median(waits):.2f} s, p99 {p99:.2f} s")


if __name__ == "__main__":
    main()

"""What it takes to judge an hour again, on one core: a minute of pictures and sound, stored sixty times over.

First by every detector, as nothing is stored of what they remember; then with another threshold of one.

    python -m tests.bench.rejudge [--minutes 60]
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

import sightline
from actors import rejudge
from actors.checkpoint import Checkpoint
from actors.inject import Encode, inject, parse
from actors.journal import Journal
from actors.judging import Judges
from actors.measuring import schemas
from actors.reader import Reader
from actors.recorder import Recorder, Unit, application, pack
from cluster.upkeep import tidy
from tests.bench.machine import machine
from tests.clips import generated_clip

MINUTE = 60
DEFECTS = ("black:start=5,length=3", "freeze:start=20,length=4", "silence:start=40,length=3,track=a:0")


def minute(folder):
    """Results of one minute with defects, and its stream."""
    clip = folder / "minute.mp4"
    source = generated_clip(seconds=MINUTE, size=(160, 90))
    inject(source, clip, [parse(defect) for defect in DEFECTS], seed=1, encode=Encode(gop=25))
    sightline.analyze(clip, results=str(folder / "minute"))
    reader = Reader(str(folder / "minute"))
    ((name, stored),) = reader.streams().items()
    return reader, name, stored


def moved(rows, times):
    """The rows of the minute that comes so many later."""
    base = rows["base_den"][0].as_py() // rows["base_num"][0].as_py()
    ticks, count = MINUTE * base * times, len(rows) * times
    by = {"row": count, "window": times, **dict.fromkeys(("time", "pts", "pts_time", "dts_time"), ticks)}
    for name in by.keys() & set(rows.schema.names):
        at = rows.schema.get_field_index(name)
        added = pc.add(rows[name], pa.scalar(by[name], rows.schema.field(at).type))
        rows = rows.set_column(at, rows.schema.field(at), added)
    return rows


def repeated(reader, name, stored, uri, minutes):
    """Store the first window of each track so many times, one after the other, as one finished stream."""
    recorder = Recorder(uri, schemas(models=False))
    fence, run = recorder.claim([name])[name], stored.checkpoint.run
    windows = {pair: minutes - 1 for pair in stored.checkpoint.windows}
    for pair in windows:
        table, _, track = pair.partition("/")
        where = [("stream", "=", name), ("track", "=", track), ("window", "=", 0)]
        rows = reader.read(table, None, where).drop_columns(["day"])
        for times in range(minutes):
            unit = Unit(table, application(name, run, track), pack(0, times), name, fence, moved(rows, times))
            recorder.commit([unit])
    begun = Checkpoint(stored.checkpoint.work, run, windows=windows, summary=stored.checkpoint.summary)
    Journal(name, recorder, fence, Judges(name, ()), begun, recorded=lambda pair: -1, when="end").flush()
    tidy(recorder, {name: name})


def judged(uri, sets):
    """The stream judged again from what is in the tables, and wall and CPU seconds of it."""
    wall, cpu = time.perf_counter(), time.process_time()
    reader = Reader(uri)
    ((name, stored),) = reader.streams().items()
    again = rejudge.rejudge(name, stored, *rejudge.wanted(name, stored, None, sets), reader.read)
    return name, stored, again, time.perf_counter() - wall, time.process_time() - cpu


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=60)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        hour = str(folder / "hour")
        repeated(*minute(folder), hour, arguments.minutes)
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        print(machine())
        for sets, detectors in (({}, "every detector"), ({"freeze": {"minimum_seconds": "1"}}, "freeze")):
            for _ in range(5):
                name, stored, again, wall, cpu = judged(hour, sets)
                what = f"{arguments.minutes} min, {detectors}, {len(again.events)} events"
                print(f"{what}: {cpu:.2f} CPU s, {wall:.2f} s")
            if not sets:
                rejudge.write(Recorder(hour, schemas(models=False)), name, stored, again)


if __name__ == "__main__":
    main()

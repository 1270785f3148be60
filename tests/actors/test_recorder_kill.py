"""kill -9 at any moment: what was committed is whole, nothing is doubled, and the next writer goes on."""

import random
import subprocess
import sys
import time

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from actors.maintenance import compact, vacuum
from actors.recorder import application, unpack
from actors.schema import ORDER
from actors.tables import Table, exists
from actors.verify import verify
from tests.actors.recording import COMPACT_EVERY, PER_WINDOW, STREAMS, rows, write

SEED = 20260301
KILLS = 18
AT_MOST = 60
"""Kills, where the machine is so busy that hardly anything is written between two."""
ENOUGH = 100_000


def _killed(uri, chance):
    """Run a writer and kill it: either while it opens the tables, or a random time after it began to write."""
    command = [sys.executable, "-m", "tests.actors.recording", uri, str(ENOUGH)]
    writer = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        if chance.random() < 0.8:
            assert writer.stdout.readline() == b"ready\n", writer.stderr.read()
            time.sleep(chance.uniform(0, 0.25))
        else:
            time.sleep(chance.uniform(0.3, 0.9))
    finally:
        writer.kill()
        writer.communicate()
    assert writer.returncode == -9


def _windows(uri, table):
    """Committed windows of each stream by transactions, and by rows."""
    opened = Table(uri, table)
    track = "" if table == "events" else "v:0"
    marks = {name: opened.transactions.get(application(name, 0, track)) for name in STREAMS}
    said = {name: 0 if mark is None else unpack(mark)[1] + 1 for name, mark in marks.items()}
    found = opened.read(["stream"])["stream"].value_counts().to_pylist()
    per_window = PER_WINDOW if table == "video" else 1
    counted = {name: 0 for name in STREAMS} | {row["values"]: row["counts"] / per_window for row in found}
    return said, counted


@pytest.mark.slow
def test_kills_at_random_moments(tmp_path):
    chance, uri = random.Random(SEED), str(tmp_path)
    progress = []
    for kills in range(1, AT_MOST + 1):
        _killed(uri, chance)
        if not all(exists(uri, name) for name in ("video", "coverage", "events")):
            continue
        assert verify(uri) == []
        steps = [_windows(uri, name) for name in ("video", "coverage", "events")]
        for said, counted in steps:
            assert said == counted
        for name in STREAMS:
            video, coverage, events = (said[name] for said, _ in steps)
            assert video >= coverage >= events
        progress.append(steps[0][0]["one"])
        if kills >= KILLS and progress[-1] > 15:
            break
    assert progress == sorted(progress), "something that was committed is gone"
    assert progress[-1] > 15, "the writers never came to write"
    write(uri, progress[-1] + 3)
    table = Table(uri, "video")
    assert table.version > COMPACT_EVERY, "no compaction was due"
    names = rows("one", 0).schema.names
    for stream in STREAMS:
        expected = pa.concat_tables([rows(stream, window) for window in range(progress[-1] + 3)])
        found = table.read(names, [("stream", "=", stream)]).cast(expected.schema)
        assert found == expected
    assert verify(uri) == []


@pytest.mark.parametrize("seed", range(3))
def test_kills_inside_compaction(tmp_path, seed):
    """The process is ended inside compaction and clean-up; contents stay equal."""
    uri = str(tmp_path)
    write(uri, 14)
    before = {name: Table(uri, name).read() for name in ("video", *ORDER) if exists(uri, name)}
    script = (
        "import sys; from actors.tables import Table; from actors import maintenance as m\n"
        "m._FEWEST, m.VACUUM_HOURS = 2, 0\n"
        "print('ready', flush=True)\n"
        "for name in ('video', 'coverage', 'events'):\n"
        "    table = Table(sys.argv[1], name); m.compact(table); m.vacuum(table)\n"
    )
    writer = subprocess.Popen([sys.executable, "-c", script, uri], stdout=subprocess.PIPE)
    writer.stdout.readline()
    time.sleep(random.Random(seed).uniform(0, 0.08))
    writer.kill()
    writer.communicate()
    for name, rows_ in before.items():
        assert Table(uri, name).read() == rows_
    assert verify(uri) == []
    table = Table(uri, "video")
    compact(table)
    vacuum(table)
    assert table.read() == before["video"]
    assert pc.count_distinct(table.read(["row"])["row"]).as_py() == 14 * PER_WINDOW

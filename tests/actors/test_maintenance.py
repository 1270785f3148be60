"""Maintenance: contents stay what they are, whatever it is interrupted by."""

import shutil
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from actors import maintenance, recorder, schema
from actors.maintenance import compact, roll_up, supersede, vacuum
from actors.recorder import Recorder, application
from actors.tables import Table, create
from actors.verify import verify
from tests.actors.recording import PER_WINDOW, SCHEMAS, TICKS, checkpoint, covered, measured, whole

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY = NOW.date()


class Killed(BaseException):
    """Stands for kill -9 at a commit."""


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """Results of three streams, twelve windows each, every window in a commit of its own."""
    place = tmp_path_factory.mktemp("template")
    opened = Recorder(str(place), SCHEMAS, clock=lambda: NOW)
    fences = opened.claim(["one", "two", "three"])
    for window in range(12):
        for name in ("two", "one", "three"):
            opened.commit(whole(name, window, fences[name]))
    return place


@pytest.fixture
def root(template, tmp_path):
    """A copy of these results."""
    shutil.copytree(template, tmp_path / "results")
    return str(tmp_path / "results")


def _seconds(root):
    return create(root, "seconds", schema.plain(schema.SECONDS))


def test_compaction_keeps_contents_and_sorts(root):
    table = Table(root, "video")
    before = table.read()
    assert compact(table) == 36
    assert table.files().num_rows == 1
    assert table.read() == before
    assert Table(root, "video").read() == before
    body = table.read_file(table.files()["path"][0].as_py())
    keys = body.select(["stream", "row"])
    assert keys == keys.sort_by([("stream", "ascending"), ("row", "ascending")])
    assert compact(table) == 0
    assert verify(root) == []


def test_days_are_not_mixed(tmp_path):
    table = create(str(tmp_path), "video", SCHEMAS["video"])
    for window in range(24):
        body = table.conform(measured("one", window, 1).rows)
        table.commit([table.write(body, datetime(2026, 3, 1 + window % 2, tzinfo=UTC).date())])
    before = table.read()
    assert compact(table) == 24
    assert sorted(str(day) for day in table.files()["day"].to_pylist()) == ["2026-03-01", "2026-03-02"]
    assert table.read() == before


def test_files_stay_few_however_many_commits(tmp_path, monkeypatch):
    monkeypatch.setattr(recorder, "COMPACT_EVERY", 20)
    opened = Recorder(str(tmp_path), SCHEMAS)
    fence = opened.claim(["one"])["one"]
    most = 0
    for window in range(130):
        opened.commit([measured("one", window, fence)])
        most = max(most, opened._tables["video"].files().num_rows)
    assert most <= 30
    log = list((tmp_path / "video" / "_delta_log").glob("*.checkpoint.parquet"))
    assert log, "no checkpoint, so opening grows slower with every commit"
    assert opened.read("video", ["row"])["row"].to_pylist() == list(range(130 * PER_WINDOW))


def test_large_files_are_left_alone(root, monkeypatch):
    monkeypatch.setattr(maintenance, "_TARGET_BYTES", 1000)
    assert compact(Table(root, "video")) == 0


def test_two_compactors_do_not_double(root):
    """Delta itself lets both through: the second must see that its files are gone."""
    first, second = Table(root, "video"), Table(root, "video")
    before = first.read()
    assert compact(first) == 36
    assert compact(second) == 0
    assert Table(root, "video").read() == before


def test_a_commit_during_compaction_survives(root, monkeypatch):
    table, rival = Table(root, "video"), Table(root, "video")
    before = len(table.read())
    write = Table.write

    def race(self, *args, **kwargs):
        monkeypatch.setattr(Table, "write", write)
        body = rival.conform(measured("four", 0, 1).rows)
        rival.commit([rival.write(body, DAY)])
        return write(self, *args, **kwargs)

    monkeypatch.setattr(Table, "write", race)
    assert compact(table) == 36
    assert len(Table(root, "video").read()) == before + PER_WINDOW


def test_superseded_runs_go_and_the_rest_stays(tmp_path):
    opened = Recorder(str(tmp_path), SCHEMAS)
    fences = opened.claim(["one", "two"])
    for run in (0, 1, 2):
        opened.commit([unit for name in fences for unit in whole(name, 0, fences[name], run=run)])
    kept = opened.read("video", where=[("stream", "=", "one"), ("run", "=", 2)])
    for name in ("video", "coverage", "events"):
        rows = 2 * (PER_WINDOW if name == "video" else 1)
        assert supersede(Table(opened.uri, name), {"one": 2, "absent": 7}) == rows
        assert supersede(Table(opened.uri, name), {"one": 2, "absent": 7}) == 0
    assert opened.read("video", where=[("stream", "=", "one")]) == kept
    assert len(opened.read("video", where=[("stream", "=", "two")])) == 3 * PER_WINDOW
    assert verify(opened.uri) == []


def test_a_run_that_was_all_there_was_leaves_no_file(tmp_path):
    opened = Recorder(str(tmp_path), SCHEMAS)
    opened.commit(whole("one", 0, opened.claim(["one"])["one"]))
    table = Table(opened.uri, "video")
    assert supersede(table, {"one": 1}) == PER_WINDOW
    assert table.files().num_rows == 0


def _expected(rows, keep):
    """Seconds by plain numpy, from rows of one track in order."""
    reached = np.floor(np.maximum.accumulate(rows["start_seconds"].to_numpy()))
    old = reached < reached[-1] - keep
    found = {}
    for metric in ("level", "count", "flag"):
        values = np.array([np.nan if value is None else float(value) for value in rows[metric].to_pylist()])
        for second in np.unique(reached[old]):
            part = values[(reached == second) & ~np.isnan(values)]
            if len(part):
                found[metric, int(second)] = (len(part), part.min(), part.mean(), part.max())
    return found


def test_old_rows_become_seconds(root):
    table, seconds = Table(root, "video"), _seconds(root)
    rows = table.read(where=[("stream", "=", "one")])
    others = table.read(where=[("stream", "!=", "one")])
    expected = _expected(rows, 4)
    deleted = roll_up(table, seconds, ["one"], NOW, keep_seconds=4)
    last = rows["start_seconds"][-1].as_py()
    assert deleted == pc.sum(pc.less(pc.floor(rows["start_seconds"]), np.floor(last) - 4)).as_py() > 0
    found = {
        (row["metric"], row["second"]): (row["rows"], row["min"], row["mean"], row["max"])
        for row in seconds.read().to_pylist()
    }
    assert found.keys() == expected.keys()
    for key, values in expected.items():
        assert found[key] == pytest.approx(values, rel=1e-12)
    assert table.read(where=[("stream", "=", "one")]) == rows.slice(deleted)
    assert table.read(where=[("stream", "!=", "one")]) == others
    assert set(seconds.read()["table"].to_pylist()) == {"video"}
    assert roll_up(table, seconds, ["one"], NOW, keep_seconds=4) == 0
    assert verify(root) == []


def test_rolling_up_in_steps_gives_the_same_seconds(root):
    table, seconds = Table(root, "video"), _seconds(root)
    rows = table.read(where=[("stream", "=", "two")])
    for keep in (10, 7, 3):
        roll_up(table, seconds, ["two"], NOW, keep_seconds=keep)
    found = {(row["metric"], row["second"]): row["mean"] for row in seconds.read().to_pylist()}
    expected = {key: mean for key, (_, _, mean, _) in _expected(rows, 3).items()}
    assert len(seconds.read()) == len(found)
    assert found == pytest.approx(expected)


def test_a_second_belongs_to_the_furthest_time_reached(tmp_path):
    """A damaged source steps back: no second is there twice."""
    table, seconds = create(str(tmp_path), "video", SCHEMAS["video"]), _seconds(str(tmp_path))
    body = measured("one", 0, 1).rows
    times = pa.array([0.0, 0.5, 1.1, 0.9, 1.5, 2.0, 1.99, 2.5, 3.0, 9.0] + [9.5] * 10)
    body = body.set_column(body.schema.names.index("start_seconds"), "start_seconds", times)
    table.commit([table.write(table.conform(body), DAY)])
    for keep in (7, 6, 1):
        roll_up(table, seconds, ["one"], NOW, keep_seconds=keep)
    found = seconds.read(["second", "rows"], [("metric", "=", "count")])
    assert found.to_pydict() == {"second": [0, 1, 2, 3], "rows": [2, 3, 3, 1]}


@pytest.mark.parametrize("after", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize("step", range(4))
def test_roll_up_killed_at_any_step(root, monkeypatch, step, after):
    """Before or after any of its commits: the next run ends as if nothing had been."""
    live = ["one", "two"]
    whole_seconds = {}
    for name in live:
        rows = Table(root, "video").read(where=[("stream", "=", name)])
        whole_seconds |= {(name, *key): values[0] for key, values in _expected(rows, 4).items()}
    seconds = _seconds(root)
    commit, calls = Table.commit, []

    def mortal(table, *args, **kwargs):
        calls.append(table.name)
        if len(calls) == step + 1 and not after:
            raise Killed
        commit(table, *args, **kwargs)
        if len(calls) == step + 1:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Table, "commit", mortal)
        with pytest.raises(Killed):
            roll_up(Table(root, "video"), seconds, live, NOW, keep_seconds=4)
    roll_up(Table(root, "video"), _seconds(root), live, NOW, keep_seconds=4)
    found = _seconds(root).read(["stream", "metric", "second", "rows"]).to_pylist()
    assert len(found) == len(whole_seconds)
    assert {(row["stream"], row["metric"], row["second"]): row["rows"] for row in found} == whole_seconds
    for name in live:
        row = Table(root, "video").read(["row"], [("stream", "=", name)])["row"].to_pylist()
        assert row == list(range(12 * PER_WINDOW - len(row), 12 * PER_WINDOW))
    assert verify(root) == []


def test_vacuum_deletes_only_what_nothing_refers_to(root, monkeypatch):
    table = Table(root, "video")
    before = table.read()
    compact(table)
    orphan = table.write(table.conform(measured("four", 0, 1).rows), DAY)
    assert vacuum(table) == []
    assert table.read() == before
    monkeypatch.setattr(maintenance, "VACUUM_HOURS", 0)
    gone = vacuum(table)
    assert orphan.path in gone
    assert len(gone) == 37
    assert Table(root, "video").read() == before
    opened = Recorder(root, SCHEMAS)
    assert opened.committed("video", application("one", 0, "v:0")) == 11


def test_what_was_rolled_up_may_still_be_checkpointed(root):
    """A checkpoint counts rows since the start, also those that are seconds by now."""
    roll_up(Table(root, "video"), _seconds(root), ["one"], NOW, keep_seconds=1)
    opened = Recorder(root, SCHEMAS)
    fence = opened.claim(["one"])["one"]
    opened.commit([measured("one", 12, fence), covered("one", 12, fence), checkpoint("one", 12, fence)])
    assert verify(root) == []
    assert opened.read("video", ["time"], [("stream", "=", "one")])["time"][-1].as_py() == (13 * PER_WINDOW - 1) * TICKS

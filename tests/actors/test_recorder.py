"""The recorder's promises: exactly once, in order, fenced, whatever rivals do."""

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from actors import recorder, tables
from actors.errors import Fenced, StorageError
from actors.recorder import Recorder, application, pack, unpack
from actors.tables import Conflict, Table
from tests.actors.recording import PER_WINDOW, SCHEMAS, checkpoint, covered, measured, rows, whole
from tests.actors.recording import write as write_windows

VIDEO = application("one", 0, "v:0")


@pytest.fixture
def opened(tmp_path):
    return Recorder(str(tmp_path), SCHEMAS)


def test_pack_orders_by_epoch_then_window():
    pairs = [(0, 0), (0, 1), (0, 2**32 - 1), (1, 0), (7, 3)]
    assert [unpack(pack(*pair)) for pair in pairs] == pairs
    assert sorted(pack(*pair) for pair in pairs) == [pack(*pair) for pair in pairs]
    with pytest.raises(ValueError, match="do not fit"):
        pack(0, 2**32)


def test_rows_come_back_as_they_went_in(opened):
    fence = opened.claim(["one"])["one"]
    opened.commit([measured("one", 1, fence)])
    opened.commit([measured("one", 2, fence)])
    stored = opened.read("video")
    assert stored.drop_columns(["day"]).select(rows("one", 1).schema.names).cast(
        rows("one", 1).schema
    ) == pa.concat_tables([rows("one", 1), rows("one", 2)])
    assert opened.committed("video", VIDEO) == pack(0, 2)
    assert opened.committed("audio", VIDEO) is None


def test_day_is_the_utc_day_of_the_clock(tmp_path):
    clock = iter([datetime(2026, 3, 1, 23, 59, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)])
    opened = Recorder(str(tmp_path), SCHEMAS, clock=lambda: next(clock))
    fence = opened.claim(["one"])["one"]
    for window in range(2):
        opened.commit([measured("one", window, fence)])
    days = opened.read("video", ["day"])["day"].unique().to_pylist()
    assert [str(day) for day in days] == ["2026-03-01", "2026-03-02"]


def test_a_unit_twice_is_one(opened, tmp_path):
    fence = opened.claim(["one"])["one"]
    unit = measured("one", 0, fence)
    opened.commit([unit, unit])
    opened.commit([unit])
    Recorder(str(tmp_path), SCHEMAS).commit([unit])
    assert opened.read("video", ["row"])["row"].to_pylist() == list(range(PER_WINDOW))


def test_windows_of_one_commit_are_taken_in_order(opened):
    fence = opened.claim(["one"])["one"]
    opened.commit([measured("one", window, fence) for window in (2, 0, 1)])
    assert opened.read("video", ["row"])["row"].to_pylist() == list(range(3 * PER_WINDOW))


def test_reading_selects_and_sorts(opened):
    fences = opened.claim(["one", "two"])
    opened.commit([measured(name, 0, fences[name], track=track) for name in ("two", "one") for track in ("v:1", "v:0")])
    found = opened.read("video", ["row"], [("stream", "=", "one"), ("track", "=", "v:1"), ("row", ">=", 15)])
    assert found.schema.names == ["row"]
    assert found["row"].to_pylist() == list(range(15, PER_WINDOW))
    both = opened.read("video", ["stream", "row"], [("stream", "in", ["one", "two"]), ("track", "=", "v:0")])
    assert both["stream"].to_pylist() == ["one"] * PER_WINDOW + ["two"] * PER_WINDOW


def test_reading_one_stream_opens_only_its_files(opened, monkeypatch):
    fences = opened.claim([f"s{number}" for number in range(20)])
    for name, fence in fences.items():
        opened.commit([measured(name, 0, fence)])
    table = Table(opened.uri, "video")
    others = [file["path"] for file in table.files().to_pylist()]
    mine = [path for path in others if table.read_file(path, ["stream"])["stream"][0].as_py() == "s7"]
    for path in set(others) - set(mine):
        table._files.delete_file(path)
    assert len(table.read(["row"], [("stream", "=", "s7")])) == PER_WINDOW


def test_the_order_of_tables_holds_at_every_failure(tmp_path, monkeypatch):
    """Whichever commit fails, no checkpoint is there without its coverage, and no coverage without its rows."""
    seen = []
    commit = Table.commit
    for failing in range(5):
        opened = Recorder(str(tmp_path / str(failing)), SCHEMAS)
        fence = opened.claim(["one"])["one"]
        done = []

        def fragile(table, *args, failing=failing, done=done, **kwargs):
            if len(done) == failing:
                raise OSError(28, "No space left on device")
            done.append(table.name)
            commit(table, *args, **kwargs)

        monkeypatch.setattr(Table, "commit", fragile)
        units = [*whole("one", 0, fence), measured("one", 0, fence, table="audio", track="a:0")]
        if failing < len(units):
            with pytest.raises(StorageError, match="the disk is full"):
                opened.commit(units)
        else:
            opened.commit(units)
        seen.append(done)
        monkeypatch.setattr(Table, "commit", commit)
    assert seen == [["video", "audio", "coverage", "events"][:count] for count in range(5)]


def test_rivals_on_stale_snapshots_commit_each_unit_once(tmp_path):
    """Both claim other streams, both hand in windows of the third; each is on a stale snapshot at every turn."""
    first, second = (Recorder(str(tmp_path), SCHEMAS) for _ in range(2))
    ours, theirs = first.claim(["one", "shared"]), second.claim(["two"])
    theirs["shared"] = ours["shared"]
    for window in range(6):
        for writer, fences, name in ((first, ours, "one"), (second, theirs, "two")):
            writer.commit([*whole(name, window, fences[name]), *whole("shared", window, fences["shared"])])
    found = first.read("video", ["stream", "row"])
    for name in ("one", "two", "shared"):
        mine = found.filter(pc.field("stream") == name)
        assert mine["row"].to_pylist() == list(range(6 * PER_WINDOW))


def test_a_rival_between_check_and_commit_is_noticed(tmp_path, monkeypatch):
    """The snapshot on which transactions were checked is the one that is committed on."""
    first, second = (Recorder(str(tmp_path), SCHEMAS) for _ in range(2))
    fence = first.claim(["one"])["one"]
    unit = measured("one", 0, fence)
    write, raced = Table.write, []

    def race(table, *args, **kwargs):
        if not raced:
            raced.append(True)
            second.commit([unit])
        return write(table, *args, **kwargs)

    monkeypatch.setattr(Table, "write", race)
    first.commit([unit])
    assert raced
    assert len(first.read("video")) == PER_WINDOW


def test_a_stale_snapshot_is_refused(tmp_path, opened):
    stale, fresh = Table(opened.uri, "usage"), Table(opened.uri, "usage")
    fresh.commit([], transactions={"a": 1})
    with pytest.raises(Conflict):
        stale.commit([], transactions={"b": 1})
    assert stale.transactions.get("b") is None
    stale.refresh()
    stale.commit([], transactions={"b": 1})
    assert stale.transactions == {"a": 1, "b": 1} == Table(opened.uri, "usage").transactions


def test_a_zombie_is_fenced_and_the_others_are_committed(tmp_path):
    zombie, heir = (Recorder(str(tmp_path), SCHEMAS) for _ in range(2))
    old = zombie.claim(["one", "two"])
    zombie.commit([unit for name in old for unit in whole(name, 0, old[name])])
    new = heir.claim(["one"])
    assert new["one"] > old["one"]
    with pytest.raises(Fenced) as caught:
        zombie.commit([unit for name in old for unit in whole(name, 1, old[name])])
    assert caught.value.streams == ("one",)
    heir.commit(whole("one", 1, new["one"]))
    for table in ("video", "coverage", "events"):
        counts = heir.read(table, ["stream"])["stream"].value_counts().to_pylist()
        assert len({count["counts"] for count in counts}) == 1, table
    assert heir.committed("video", application("two", 0, "v:0")) == pack(0, 1)


def test_a_stream_fenced_in_one_table_reaches_no_later_one(tmp_path, monkeypatch):
    """The heir's claim lands between the zombie's commits of two tables."""
    zombie, heir = (Recorder(str(tmp_path), SCHEMAS) for _ in range(2))
    old = zombie.claim(["one"])["one"]
    commit = Table.commit

    def late(table, *args, **kwargs):
        if table.name == "coverage":
            monkeypatch.setattr(Table, "commit", commit)
            heir.claim(["one"])
        commit(table, *args, **kwargs)

    monkeypatch.setattr(Table, "commit", late)
    with pytest.raises(Fenced):
        zombie.commit(whole("one", 0, old))
    assert [len(heir.read(table)) for table in ("video", "coverage", "events")] == [PER_WINDOW, 0, 0]


def test_rival_claims_give_different_fences(tmp_path, monkeypatch):
    first, second = (Recorder(str(tmp_path), SCHEMAS) for _ in range(2))
    commit, given = Table.commit, {}

    def race(table, *args, **kwargs):
        monkeypatch.setattr(Table, "commit", commit)
        given.update(second.claim(["one"]))
        commit(table, *args, **kwargs)

    monkeypatch.setattr(Table, "commit", race)
    mine = first.claim(["one"])["one"]
    assert mine > given["one"]
    with pytest.raises(Fenced):
        second.commit(whole("one", 0, given["one"]))
    first.commit(whole("one", 0, mine))


def test_thousands_of_streams_are_claimed_with_one_commit_per_table(opened):
    names = [f"stream-{number}" for number in range(3000)]
    before = [table.version for table in opened._tables.values()]
    assert set(opened.claim(names).values()) == {1}
    assert [table.version for table in opened._tables.values()] == [version + 1 for version in before]
    assert set(opened.claim(names).values()) == {2}
    assert Recorder(opened.uri, SCHEMAS).committed("usage", "fence:stream-2999") == 2


def test_what_may_pass_is_tried_again(opened, monkeypatch):
    fence = opened.claim(["one"])["one"]
    write, failures = Table.write, iter([OSError("connection reset"), OSError("timed out")])

    def flaky(table, *args, **kwargs):
        if (error := next(failures, None)) is not None:
            raise error
        return write(table, *args, **kwargs)

    monkeypatch.setattr(Table, "write", flaky)
    opened.commit([measured("one", 0, fence)])
    assert len(opened.read("video")) == PER_WINDOW
    monkeypatch.setattr(recorder, "PATIENCE_SECONDS", 0.05)
    failures = iter([OSError("timed out")] * 1000)
    with pytest.raises(StorageError, match=r"gave up after 0.05 s \(timed out\)"):
        opened.commit([measured("one", 1, fence)])
    failures = iter([])
    opened.commit([measured("one", 1, fence)])
    assert len(opened.read("video")) == 2 * PER_WINDOW


def test_a_commit_whose_answer_is_lost_counts_once(opened, monkeypatch):
    fence = opened.claim(["one"])["one"]
    commit = Table.commit

    def mute(table, *args, **kwargs):
        monkeypatch.setattr(Table, "commit", commit)
        table._delta.create_write_transaction(
            list(args[0]), "append", table._delta.schema(), ["day"],
            commit_properties=tables.CommitProperties(
                app_transactions=[tables.Transaction(app, version) for app, version in kwargs["transactions"].items()]
            ),
        )  # fmt: skip
        raise OSError("connection reset")

    monkeypatch.setattr(Table, "commit", mute)
    opened.commit([measured("one", 0, fence)])
    assert len(opened.read("video")) == PER_WINDOW


def test_unknown_tables_and_columns_are_refused(opened):
    fence = opened.claim(["one"])["one"]
    with pytest.raises(ValueError, match="no table sound"):
        opened.commit([measured("one", 0, fence, table="sound")])
    unit = measured("one", 0, fence)
    odd = replace(unit, rows=unit.rows.append_column("odd", pa.nulls(PER_WINDOW)))
    with pytest.raises(ValueError, match="no column odd"):
        opened.commit([odd])


def test_two_processes_write_at_once(tmp_path):
    """Both write every window of the same streams, claiming from each other: one is fenced, nothing is doubled."""
    command = [sys.executable, "-m", "tests.actors.recording", str(tmp_path), "12"]
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    writers = [subprocess.Popen(command, **pipes) for _ in range(2)]
    said = [writer.communicate(timeout=120)[1] for writer in writers]
    assert all(writer.returncode == 0 or "Fenced" in text for writer, text in zip(writers, said, strict=True)), said
    write_windows(str(tmp_path), 12)
    found = Recorder(str(tmp_path), SCHEMAS).read("video", ["stream", "row"])
    for name in ("one", "two", "three"):
        assert found.filter(pc.field("stream") == name)["row"].to_pylist() == list(range(12 * PER_WINDOW))


def test_coverage_and_checkpoint_alone_may_be_committed(opened):
    fence = opened.claim(["one"])["one"]
    opened.commit([covered("one", 0, fence)])
    opened.commit([checkpoint("one", 0, fence)])
    assert (len(opened.read("coverage")), len(opened.read("events"))) == (1, 1)

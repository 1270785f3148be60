"""Tables: opened with care, refused in clear words."""

import os
import subprocess
from datetime import date

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from actors import schema, tables
from actors.document import NO_USAGE
from actors.ending import usage_unit
from actors.errors import StorageError
from actors.measure import Metric
from actors.recorder import Recorder, application
from actors.storage import failed, located, permanent
from actors.tables import SchemaError, Table, create, exists
from actors.task import Task
from actors.verify import verify
from tests.actors.recording import METRICS, PER_WINDOW, SCHEMAS, measured, rows, whole


def _set_version(root, name, version):
    DeltaTable(f"{root}/{name}").alter.set_table_properties(
        {"sightline.schema": version}, raise_if_not_exists=False
    )


def test_transactions_outlive_the_log_that_named_them(tmp_path):
    """Checkpoints replace old commits; a handle from before them, and a new one, still know every transaction."""
    table = create(str(tmp_path), "usage", schema.plain(schema.USAGE))
    stale = Table(str(tmp_path), "usage")
    for number in range(45):
        table.commit([], transactions={f"app-{number}": number})
    for number in range(40):
        table._files.delete_file(f"_delta_log/{number:020}.json")
    stale.refresh()
    expected = {f"app-{number}": number for number in range(45)}
    assert stale.transactions == table.transactions == Table(str(tmp_path), "usage").transactions == expected
    assert stale.version == table.version


@pytest.mark.parametrize(("version", "words"), [("99", "newer than .* upgrade Sightline"), ("0", "older than")])
def test_another_schema_version_is_refused(tmp_path, version, words):
    Recorder(str(tmp_path), SCHEMAS)
    _set_version(tmp_path, "events", version)
    with pytest.raises(SchemaError, match=words) as caught:
        Recorder(str(tmp_path), SCHEMAS)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_foreign_table_is_refused(tmp_path):
    write_deltalake(str(tmp_path / "video"), pa.table({"a": [1]}))
    with pytest.raises(SchemaError, match="not one of Sightline's"):
        Recorder(str(tmp_path), SCHEMAS)
    assert DeltaTable(str(tmp_path / "video")).version() == 0


def test_new_metrics_become_columns_and_old_rows_hold_nulls(tmp_path):
    opened = Recorder(str(tmp_path), SCHEMAS)
    opened.commit([measured("one", 0, opened.claim(["one"])["one"])])
    more = {"video": schema.measured([*METRICS, Metric("sharpness", "", "float64", "new")])}
    wider = Recorder(str(tmp_path), {**SCHEMAS, **more})
    wider.commit([measured("one", 1, wider.claim(["one"])["one"])])
    assert wider.read("video")["sharpness"].null_count == 2 * PER_WINDOW
    narrow = Recorder(str(tmp_path), SCHEMAS)
    narrow.commit([measured("one", 2, narrow.claim(["one"])["one"])])
    assert narrow.read("video", ["row"])["row"].to_pylist() == list(range(3 * PER_WINDOW))


@pytest.mark.parametrize("windows", [(2, 0, 3, 1), (0, 1, 2, 3), (3, 2, 1, 0)])
def test_rows_are_read_in_order_however_their_files_came(tmp_path, windows):
    table = create(str(tmp_path), "video", SCHEMAS["video"])
    parts = [rows("one", window) for window in windows]
    table.commit([table.write(table.conform(part), date(2026, 1, 1)) for part in parts])
    found = table.read(["row", "level"], [("stream", "=", "one"), ("run", "=", 0), ("track", "=", "v:0")])
    assert found["row"].to_pylist() == list(range(4 * PER_WINDOW))
    expected = {row["row"]: row["level"] for part in parts for row in part.select(["row", "level"]).to_pylist()}
    assert found["level"].to_pylist() == [expected[row] for row in range(4 * PER_WINDOW)]


def test_rows_of_files_that_overlap_are_sorted(tmp_path):
    table = create(str(tmp_path), "video", SCHEMAS["video"])
    window = rows("one", 0)
    parts = [window.take(list(range(odd, PER_WINDOW, 2))) for odd in (1, 0)]
    table.commit([table.write(table.conform(part), date(2026, 1, 1)) for part in parts])
    found = table.read(["row"], [("stream", "=", "one"), ("run", "=", 0), ("track", "=", "v:0")])
    assert found["row"].to_pylist() == list(range(PER_WINDOW))


def test_a_column_of_another_type_is_refused(tmp_path):
    Recorder(str(tmp_path), SCHEMAS)
    other = schema.measured([Metric("level", "", "string", "a text")])
    with pytest.raises(SchemaError, match="column level is double, not string"):
        Recorder(str(tmp_path), {**SCHEMAS, "video": other})


def test_another_engine_reads_the_tables(tmp_path):
    opened = Recorder(str(tmp_path), SCHEMAS)
    opened.commit([measured("one", 0, opened.claim(["one"])["one"])])
    found = pa.table(DeltaTable(f"{tmp_path}/video").scan(["row", "level"], "row >= 18 and stream = 'one'").read_all())
    assert found["row"].to_pylist() == [18, 19]
    assert DeltaTable(f"{tmp_path}/video").to_pyarrow_table().num_rows == PER_WINDOW


def test_a_table_half_made_is_made(tmp_path):
    """A writer that was killed before the first commit leaves folders, and files with other names."""
    log = tmp_path / "video" / "_delta_log"
    log.mkdir(parents=True)
    (log / "00000000000000000000.json#1").write_text("{")
    assert not exists(str(tmp_path), "video")
    Recorder(str(tmp_path), SCHEMAS)
    assert Table(str(tmp_path), "video").version == 0


def test_rivals_may_make_a_table_at_once(tmp_path, monkeypatch):
    real = tables.DeltaTable.create

    def late(uri, *args, **kwargs):
        real(uri, *args, **kwargs)
        return real(uri, *args, **kwargs)

    monkeypatch.setattr(tables.DeltaTable, "create", late)
    assert create(str(tmp_path), "video", SCHEMAS["video"]).version == 0


def test_a_missing_commit_is_no_endless_search(tmp_path):
    table = create(str(tmp_path), "usage", schema.plain(schema.USAGE))
    stale = Table(str(tmp_path), "usage")
    for number in range(3):
        table.commit([], transactions={"a": number})
    stale._delta.update_incremental()
    (tmp_path / "usage" / "_delta_log" / f"{2:020}.json").unlink()
    with pytest.raises(StorageError, match="its log lacks commit 2"):
        stale._read_log()


def test_a_file_in_the_way_is_named(tmp_path):
    (tmp_path / "results").write_text("not a folder")
    with pytest.raises(StorageError, match="a file is in the way") as caught:
        Recorder(str(tmp_path / "results"), SCHEMAS)
    assert str(tmp_path / "results") in str(caught.value)
    assert (tmp_path / "results").read_text() == "not a folder"


def test_an_unknown_kind_of_place_is_named():
    with pytest.raises(StorageError, match="name a folder or an s3:// URI"):
        Recorder("nowhere://place/results", SCHEMAS)


def test_places_have_one_form(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert located("results") == located("./results/") == located(f"file://{tmp_path}/results") == f"{tmp_path}/results"
    assert located("s3://bucket/a/") == "s3://bucket/a"


def test_errors_are_one_line_with_a_remedy():
    ugly = OSError("Generic S3 error\n   \x1b[31m↳\x1b[0m Error\n   code: NoSuchBucket")
    assert str(permanent("s3://b/video", ugly)) == (
        "s3://b/video: there is no such bucket: make it, or name another (Generic S3 error Error code: NoSuchBucket)"
    )
    assert permanent("s3://b", OSError("connection reset by peer (os error 104)")) is None
    assert str(failed("/r", "cannot be opened", OSError("odd"))) == "/r: cannot be opened (odd)"


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 4 MB."""
    place = tmp_path / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)], check=True)
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def _fill(opened, fence):
    for window in range(1, 10_000):
        opened.commit(whole("one", window, fence))


@pytest.mark.root
def test_a_full_disk_leaves_what_was_committed_whole(small_disk):
    opened = Recorder(str(small_disk), SCHEMAS)
    fence = opened.claim(["one"])["one"]
    opened.commit(whole("one", 0, fence))
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * (os.statvfs(small_disk).f_bavail * 4096 - 150_000))
    with pytest.raises(StorageError, match="the disk is full: free some space") as caught:
        _fill(opened, fence)
    window = opened.committed("events", application("one", 0))
    assert str(small_disk) in str(caught.value)
    assert window > 0
    assert verify(str(small_disk)) == []
    ballast.unlink()
    heir = Recorder(str(small_disk), SCHEMAS)
    fence = heir.claim(["one"])["one"]
    for number in range(window, window + 3):
        heir.commit(whole("one", number, fence))
    assert heir.read("video", ["row"])["row"].to_pylist() == list(range((window + 3) * PER_WINDOW))
    assert verify(str(small_disk)) == []


@pytest.mark.root
def test_a_disk_too_full_for_a_table_says_so(small_disk):
    (small_disk / "ballast").write_bytes(b"x" * (os.statvfs(small_disk).f_bavail * 4096))
    with pytest.raises(StorageError, match="the disk is full"):
        Recorder(str(small_disk / "results"), SCHEMAS)


@pytest.mark.root
def test_an_unwritable_place_is_named_and_stays_readable(small_disk):
    opened = Recorder(str(small_disk), SCHEMAS)
    fence = opened.claim(["one"])["one"]
    opened.commit(whole("one", 0, fence))
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(StorageError, match="it cannot be written: mend its permissions"):
        opened.commit(whole("one", 1, fence))
    with pytest.raises(StorageError, match="it cannot be written"):
        Recorder(str(small_disk / "other"), SCHEMAS)
    assert len(opened.read("video")) == PER_WINDOW
    assert verify(str(small_disk)) == []
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    opened.commit(whole("one", 1, fence))
    assert len(opened.read("video")) == 2 * PER_WINDOW


def test_a_table_of_usage_of_an_earlier_version_gets_the_columns_that_are_new(tmp_path):
    new = ("cpu_decode_seconds", "cpu_picture_seconds", "cpu_other_seconds", "peak_memory_bytes", "functions")
    first = [column for column in schema.USAGE if column[0] in ("stream", "run", "shape", "cpu_seconds")]
    old = create(str(tmp_path), "usage", schema.plain(first))
    before = pa.table({"stream": ["a"], "run": [0], "shape": ["fused"], "cpu_seconds": [1.5]}, pa.schema(first))
    old.commit([old.write(before, date(2026, 1, 1))], transactions={"a/0/": 1})
    task = Task("a", "/a.ts", ("black",), {}, 0, None)
    opened = Recorder(str(tmp_path), SCHEMAS)
    opened.commit([usage_unit(task, 1, 2, {**NO_USAGE, "functions": 7})])
    rows = opened.read("usage").to_pylist()
    assert [row["cpu_seconds"] for row in rows] == [1.5, 0.0]
    assert [[row[name] for name in new] for row in rows] == [[None] * 5, [0.0, 0.0, 0.0, 0, 7]]
    assert verify(str(tmp_path)) == []

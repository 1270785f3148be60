"""What Sightline did not write stays as it is, wherever results are kept."""

import os
import time
import uuid
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors import maintenance
from actors.errors import StorageError
from actors.foreign import deletable
from actors.maintenance import vacuum
from actors.recorder import Recorder
from actors.tables import Table
from tests.actors.recording import SCHEMAS, whole

OLD = time.time() - 2 * 3600


def files(folder):
    """Every file under a folder with its bytes, links as what they lead to."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def aged(folder):
    for path in [folder, *folder.rglob("*")]:
        os.utime(path, (OLD, OLD), follow_symlinks=False)
    return folder


@pytest.mark.parametrize("name", ["video", "audio", "packets", "coverage", "events", "usage", "seconds"])
@pytest.mark.parametrize("inside", ["master.mp4", "day=2026-01-01/a.parquet", ".hidden"])
def test_a_folder_that_is_no_table_is_refused_before_anything_is_written(tmp_path, name, inside):
    (tmp_path / name / inside).parent.mkdir(parents=True)
    (tmp_path / name / inside).write_bytes(b"mine")
    before = files(tmp_path)
    with pytest.raises(StorageError, match="name another results folder") as caught:
        Recorder(str(tmp_path), SCHEMAS)
    assert f"{tmp_path}/{name}: " in str(caught.value)
    assert "\n" not in str(caught.value)
    assert files(tmp_path) == before
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_an_empty_folder_may_become_a_table(tmp_path):
    (tmp_path / "video").mkdir()
    Recorder(str(tmp_path), SCHEMAS)
    assert Table(str(tmp_path), "video").version == 0


@pytest.fixture
def table(tmp_path, monkeypatch):
    """A table with one orphan of a killed writer."""
    monkeypatch.setattr(maintenance, "VACUUM_HOURS", 0)
    opened = Recorder(str(tmp_path / "results"), SCHEMAS)
    opened.commit(whole("one", 0, opened.claim(["one"])["one"]))
    made = Table(opened.uri, "video")
    orphan = made.write(made.conform(made.read().drop_columns(["day"])), time_of(made))
    return made, orphan.path


def time_of(table):
    return table.files()["day"][0].as_py()


NAMES = st.one_of(
    st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/"), min_size=1, max_size=12),
    st.sampled_from([f"{uuid.UUID(int=7)}.parquet", f"part-00000-{uuid.UUID(int=7)}-c000.parquet", "a.parquet"]),
).filter(lambda name: name not in (".", "..") and len(name.encode()) < 200)
FOLDERS = st.sampled_from(["", "sub", "day=2026-01-01/sub", "day=2026-13", "_delta_log", "day=", "Day=2026-01-01"])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(FOLDERS, NAMES), min_size=1, max_size=6))
def test_vacuum_leaves_every_file_that_is_not_ours(tmp_path_factory, placed):
    folder = tmp_path_factory.mktemp("vacuum")
    opened = Recorder(str(folder), SCHEMAS)
    opened.commit(whole("one", 0, opened.claim(["one"])["one"]))
    for parent, name in placed:
        place = folder / "video" / parent
        if not place.is_file():
            place.mkdir(parents=True, exist_ok=True)
            target = place / name
            if not target.is_dir():
                target.write_bytes(b"mine")
    aged(folder / "video")
    before = files(folder / "video")
    vacuum(Table(str(folder), "video"))
    after = files(folder / "video")
    assert {name for name in before if not name.startswith("_delta_log/0")} <= after.keys()
    assert all(after[name] == data for name, data in before.items() if name in after)


def test_vacuum_deletes_what_a_killed_writer_left(table):
    made, orphan = table
    assert vacuum(made) == [orphan]


def test_vacuum_follows_no_link(table, tmp_path):
    made, orphan = table
    mine, name = tmp_path / "mine", f"{uuid.uuid4()}.parquet"
    mine.mkdir()
    (mine / name).write_bytes(b"mine")
    root = Path(made.uri)
    (root / "day=2020-01-01").symlink_to(mine)
    (root / orphan).with_name(f"{uuid.uuid4()}.parquet").symlink_to(mine / name)
    before = files(tmp_path)
    assert vacuum(made) == [orphan]
    assert files(tmp_path) == {path: data for path, data in before.items() if not path.endswith(orphan)}


def test_only_the_names_that_tables_have_are_deleted():
    known = str(uuid.UUID(int=0))
    good = [f"day=2026-01-31/{known}.parquet", f"day=2026-01-31/part-00001-{known}-c000.zstd.parquet"]
    assert all(deletable("s3://bucket/video", path) for path in good)
    bad = [
        f"{known}.parquet", f"day=2026-01-31/x/{known}.parquet", f"../day=2026-01-31/{known}.parquet",
        f"day=2026-01-31/{known}.parquet.bak", f"day=2026-1-31/{known}.parquet", "day=2026-01-31/master.parquet",
        f"day=2026-01-31/{known}.parquet\n", f"day=2026-01-31/part-{known}.parquet",
    ]  # fmt: skip
    assert not [path for path in bad if deletable("s3://bucket/video", path)]

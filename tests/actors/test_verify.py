"""`verify` finds what a crash or a fault of ours could do to the tables, and nothing else."""

from dataclasses import replace

import pyarrow as pa
import pytest

from actors import schema
from actors.errors import StorageError
from actors.recorder import Recorder, Unit, application
from actors.tables import Table
from actors.verify import verify
from tests.actors.recording import PER_WINDOW, SCHEMAS, TICKS, checkpoint, covered, measured, whole


@pytest.fixture
def opened(tmp_path):
    recorder = Recorder(str(tmp_path), SCHEMAS)
    recorder.claim(["one"])
    for window in range(3):
        recorder.commit(whole("one", window, 1))
    return recorder


def _texts(opened, table):
    return [finding.text for finding in verify(opened.uri) if finding.table == table]


def _with(unit, **columns):
    """A unit with other values in some columns."""
    rows = unit.rows
    for name, values in columns.items():
        rows = rows.set_column(rows.schema.names.index(name), name, pa.array(values))
    return replace(unit, rows=rows)


def _append(opened, unit):
    """Put rows into a table past every check."""
    table = Table(opened.uri, unit.table)
    table.commit([table.write(table.conform(unit.rows), opened._clock().date())])


def test_a_sound_folder_gives_nothing(opened):
    assert verify(opened.uri) == []


def test_no_results_are_an_error(tmp_path):
    with pytest.raises(StorageError, match="holds no results"):
        verify(str(tmp_path / "none"))


def test_a_run_cut_short_is_no_fault(opened):
    opened.commit([measured("one", 3, 1)])
    assert verify(opened.uri) == []
    opened.commit([covered("one", 3, 1)])
    assert verify(opened.uri) == []


def test_rows_twice(opened):
    _append(opened, measured("one", 2, 1))
    assert _texts(opened, "video") == [
        "run 0, v:0: row 41 is not there, or twice", "run 0, v:0: window 2 was measured twice",
    ]  # fmt: skip


def test_rows_measured_again_under_new_numbers(opened):
    again = _with(measured("one", 2, 1), row=range(3 * PER_WINDOW, 4 * PER_WINDOW))
    _append(opened, again)
    assert _texts(opened, "video") == ["run 0, v:0: window 2 was measured twice"]


@pytest.mark.parametrize("pts", [[8] * 6 + list(range(9, 23)), pa.nulls(PER_WINDOW, pa.int64())])
def test_repeated_and_missing_timestamps_are_the_sources_own(opened, pts):
    opened.commit([_with(measured("one", 3, 1), pts=pts)])
    assert verify(opened.uri) == []


def test_rows_missing(opened):
    opened.commit([measured("one", 4, 1), measured("one", 5, 1)])
    assert _texts(opened, "video") == ["run 0, v:0: row 60 is not there, or twice"]


def test_rows_that_no_transaction_names(opened):
    _append(opened, measured("one", 3, 1))
    assert _texts(opened, "video") == ["run 0, v:0: rows end in window 3, transactions at 2"]


def test_a_transaction_without_rows(opened):
    Table(opened.uri, "video").commit([], transactions={application("one", 0, "v:0"): 7})
    assert _texts(opened, "video") == ["run 0, v:0: rows end in window 2, transactions at 7"]


def test_coverage_with_an_overlap_and_a_hole(opened):
    opened.commit([_with(covered("one", 3, 1), start=[2000], end=[2500]), _with(covered("one", 4, 1), start=[2600])])
    assert _texts(opened, "coverage") == [
        "run 0, v:0: stretches overlap at 2000", "run 0, v:0: nothing is said of 2500 to 2600",
    ]  # fmt: skip


def test_rows_outside_of_coverage(opened):
    opened.commit([measured("one", 3, 1), _with(covered("one", 3, 1), end=[3 * PER_WINDOW * TICKS + 1])])
    assert _texts(opened, "coverage") == ["run 0, v:0: rows reach from 0 to 3200, coverage from 0 to 2401"]


def test_a_checkpoint_ahead_of_its_rows(opened):
    opened.commit([checkpoint("one", 3, 1, judged={"video/v:0": 61, "audio/a:0": 0})])
    assert _texts(opened, "events") == ["run 0: judged 61 rows of video/v:0, but there are 60"]


def test_a_checkpoint_that_is_no_json(opened):
    opened.commit([_with(checkpoint("one", 3, 1), state=["{"])])
    assert _texts(opened, "events") == ["run 0: the newest checkpoint cannot be read"]


def test_a_missing_event(opened):
    opened.commit([checkpoint("one", 5, 1, judged={})])
    assert _texts(opened, "events") == ["run 0: event 3 is not there, or twice"]


def _incident(opened, *changes):
    """Commit events of one incident: (kind, start, end)."""
    count = len(changes)
    columns = {
        "stream": ["one"] * count, "run": [0] * count, "judgement": [0] * count, "sequence": range(3, 3 + count),
        "kind": [kind for kind, _, _ in changes], "id": ["x"] * count, "detector": ["black"] * count,
        "start": [start for _, start, _ in changes], "end": pa.array([end for _, _, end in changes], pa.int64()),
    }  # fmt: skip
    opened.commit([Unit("events", application("one", 0), 2 + count, "one", 1, pa.table(columns))])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ([("opened", 5, None), ("updated", 5, None), ("closed", 5, 9)], []),
        ([("opened", 5, None)], []),
        ([("marker", 5, 5)], []),
        ([("closed", 5, 9), ("opened", 5, None)], ["run 0, black x: does not open once and first, but closed, opened"]),
        ([("opened", 5, None)] * 2, ["run 0, black x: does not open once and first, but opened, opened"]),
        ([("opened", 5, None), ("closed", 5, 4)], ["run 0, black x: ends before it starts"]),
        ([("opened", 5, None), ("closed", 5, None)], ["run 0, black x: closes without an end"]),
        ([("opened", 5, None), ("closed", 5, 6), ("closed", 5, 6)], ["run 0, black x: closes more than once"]),
    ],
)
def test_incidents(opened, changes, words):
    _incident(opened, *changes)
    assert _texts(opened, "events") == words


def test_damaged_and_missing_data_files(opened):
    table = Table(opened.uri, "video")
    first, second, _ = (file["path"] for file in table.files().to_pylist())
    with table._files.open_output_stream(first) as out:
        out.write(b"PAR1 but not much more")
    table._files.delete_file(second)
    texts = _texts(opened, "video")
    assert len(texts) == 2
    assert all("cannot be read" in text for text in texts)


def test_a_log_that_does_not_open(opened, tmp_path):
    (tmp_path / "events" / "_delta_log" / f"{0:020}.json").write_text("{")
    findings = verify(opened.uri)
    assert [finding.table for finding in findings] == ["events"]
    assert "\n" not in findings[0].text


def test_another_schema_version(opened):
    Table(opened.uri, "usage")._delta.alter.set_table_properties({"sightline.schema": "2"}, raise_if_not_exists=False)
    assert [(finding.table, "newer than" in finding.text) for finding in verify(opened.uri)] == [("usage", True)]
    assert schema.SCHEMA_VERSION == 1

"""Documents for people and for programs, piece by piece."""

import csv
import io

import pytest

from actors.document import failed
from serve.terminal.exits import SEVERITIES
from serve.terminal.output import Tally, clock, console, is_marker, print_stream, problem, write_csv

INCIDENT = {
    "id": "i", "detector": "black", "track": "v:0", "start_seconds": 1.0, "end_seconds": 2.0, "severity": "critical",
    "peak": 1.0, "unit": "share", "cause": "", "explained_by": None, "message": "black picture",
}  # fmt: skip


def stream(*incidents, **changed):
    return {**failed("s", "s.mp4", ""), "status": "completed", "error": None, "incidents": list(incidents), **changed}


@pytest.mark.parametrize(("seconds", "shown"), [
    (0, "00:00.000"), (59.9996, "01:00.000"), (3599.5, "59:59.500"), (3600, "1:00:00.000"), (90061.25, "25:01:01.250"),
    (-0.5, "-00:00.500"), (-0.0001, "00:00.000"), (None, "open"),
])  # fmt: skip
def test_clock(seconds, shown):
    assert clock(seconds) == shown


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_a_spreadsheet_sees_no_formula(text):
    target = io.StringIO()
    write_csv(target, [stream({**INCIDENT, "message": text}, source=text)])
    (row,) = csv.DictReader(io.StringIO(target.getvalue(), newline=""))
    assert row["message"] == row["source"] == f"'{text}"
    assert row["start_seconds"] == "1.0"


def test_a_csv_gives_back_any_text():
    target = io.StringIO()
    write_csv(target, [stream({**INCIDENT, "end_seconds": None}, source='two\nlines, "quoted"')])
    (row,) = csv.DictReader(io.StringIO(target.getvalue(), newline=""))
    assert row["source"] == 'two\nlines, "quoted"'
    assert row["end_seconds"] == ""


def test_a_marker_is_no_incident():
    cut = {**INCIDENT, "severity": "info", "end_seconds": 1.0}
    assert is_marker(cut)
    assert not is_marker(INCIDENT)
    assert not is_marker({**INCIDENT, "severity": "warning", "end_seconds": 1.0})


def freeze(by, **changed):
    return {**INCIDENT, "id": "f", "detector": "freeze", "explained_by": by, **changed}


def lost(severity="warning", **changed):
    return {**INCIDENT, "id": "l", "detector": "decode_errors", "severity": severity, **changed}


MARKER = {**INCIDENT, "id": "m", "detector": "scene", "severity": "info", "end_seconds": 1.0}


@pytest.mark.parametrize(("incidents", "found"), [
    ([INCIDENT, freeze("i")], {"critical": 1}),
    ([lost(), freeze("l")], {"warning": 1, "critical": 1}),
    ([lost("info"), freeze("l", severity="warning")], {"info": 1, "warning": 1}),
    ([INCIDENT, lost("critical", explained_by="i"), freeze("l")], {"critical": 1}),
    ([freeze("gone")], {"critical": 1}),
    ([MARKER, {**INCIDENT, "severity": "info"}], {"info": 1}),
])  # fmt: skip
def test_one_fault_counts_once_and_a_mild_cause_hides_nothing(incidents, found):
    tally = Tally()
    tally.add(stream(*incidents))
    assert dict(tally.incidents) == found
    for severity in ("info", "warning", "critical"):
        worse = SEVERITIES[SEVERITIES.index(severity) :]
        there = any(incident["severity"] in worse for incident in incidents if not is_marker(incident))
        assert tally.exit_status(severity) == (3 if there else 0)


@pytest.mark.parametrize(("streams", "fail_on", "status"), [
    ([], "info", 0),
    ([stream(INCIDENT)], None, 0),
    ([stream(INCIDENT)], "critical", 3),
    ([stream({**INCIDENT, "severity": "warning"})], "critical", 0),
    ([stream({**INCIDENT, "severity": "warning"})], "warning", 3),
    ([stream(lost(), freeze("l"))], "critical", 3),
    ([stream(MARKER)], "info", 0),
    ([stream(INCIDENT), stream(status="partial")], "critical", 1),
    ([failed("s", "s.mp4", "gone"), stream()], None, 1),
])  # fmt: skip
def test_exit_status(streams, fail_on, status):
    tally = Tally()
    for each in streams:
        tally.add(each)
    assert tally.exit_status(fail_on) == status


def test_an_explained_incident_names_what_explains_it(capsys):
    freeze = {**INCIDENT, "id": "f", "detector": "freeze", "message": "held", "explained_by": "i"}
    print_stream(console(), stream(INCIDENT, freeze))
    assert "held (explained by black)" in capsys.readouterr().out


def test_nothing_in_a_name_or_message_reaches_the_terminal_as_a_command(capsys):
    bad = "\x1b]0;owned\x07\x9b2J\u202e"
    print_stream(console(), stream({**INCIDENT, "message": bad}, source=bad, status="failed", error=bad))
    out = capsys.readouterr().out
    assert r"\x1b]0;owned\x07" in out
    assert not set(bad) & set("\x1b\x07\x9b\u202e") & set(out)


def test_what_could_not_be_judged_is_said(capsys):
    verdict = {"detector": "black", "track": "v:0", "state": "unknown", "reason": "HLG"}
    print_stream(console(), stream(verdicts=[verdict, {**verdict, "detector": "av_sync"}]))
    out = capsys.readouterr().out
    assert "black on v:0: unknown, HLG" in out
    assert "av_sync" not in out


def test_a_problem_is_said_without_its_name():
    assert problem(failed("s", "s.mp4", "s.mp4: is empty")) == "failed: is empty"

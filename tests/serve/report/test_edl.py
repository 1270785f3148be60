"""Markers of an edit decision list."""

import re
from fractions import Fraction

import pytest

from serve.report.edl import MOST, edl
from serve.report.timecode import frame, timecode
from tests.serve.report.reported import made, streams
from tests.serve.terminal.test_output import INCIDENT

EVENT = re.compile(
    r"(\d{3})  001      V     C        (\S{11}) (\S{11}) (\S{11}) (\S{11})\n"
    r"([^|\n]*) \|C:ResolveColor(\w+) \|M:([^|\n]*) \|D:(\d+)\n\* LOC: (\S{11}) (\w+) +(.*)\n"
)


def events(text):
    head, _, rest = text.partition("\n\n")
    assert re.fullmatch(r"TITLE: .+\nFCM: NON-DROP FRAME", head)
    return [EVENT.fullmatch(f"{block}\n").groups() for block in rest.rstrip("\n").split("\n\n")]


def test_every_incident_is_a_marker_at_its_frame():
    stream = streams()[0]
    found, incidents = events("".join(edl(stream))), stream.document["incidents"]
    assert stream.rate() == 25
    assert len(found) == len(incidents) >= 3
    for number, (event, incident) in enumerate(zip(found, incidents, strict=True), 1):
        assert int(event[0]) == number
        assert event[1] == event[3] == event[9] == timecode(round(incident["start_seconds"] * 25), Fraction(25))
        assert event[7] == f"{incident['detector']} {incident['track']}"
        assert int(event[8]) == max(1, round((incident["end_seconds"] - incident["start_seconds"]) * 25))
        assert (event[6], event[10]) == {
            "critical": ("Red", "RED"), "warning": ("Yellow", "YELLOW"), "info": ("Blue", "BLUE"),
        }[incident["severity"]]  # fmt: skip


def test_what_parts_fields_is_not_in_a_note():
    ((*_, note, _, _, _, _, _, _),) = events("".join(edl(made({**INCIDENT, "message": "a |C:x\n\nb"}))))
    assert note == "a /C:x b"


def test_more_than_can_be_numbered_is_said():
    text = "".join(edl(made(*[INCIDENT] * (MOST + 2))))
    assert text.count("|C:") == MOST
    assert text.endswith("* 2 MORE INCIDENTS DO NOT FIT INTO AN EDL\n")


@pytest.mark.parametrize(
    ("number", "rate", "written"),
    [
        (0, Fraction(25), "00:00:00:00"), (25, Fraction(25), "00:00:01:00"), (90000 - 1, Fraction(25), "00:59:59:24"),
        (1800, Fraction(30000, 1001), "00:01:00:00"), (-1, Fraction(25), "00:00:00:00"),
        (24 * 3600 * 30 + 29, Fraction(24000, 1001), "30:00:01:05"),
    ],
)  # fmt: skip
def test_timecodes_count_whole_frames(number, rate, written):
    assert timecode(number, rate) == written


def test_frames_are_exact_at_any_rate():
    rate = Fraction(30000, 1001)
    for number in (0, 1, 1799, 1800, 107892, 2589407):
        assert frame(round(float(number / rate), 6), rate) == number

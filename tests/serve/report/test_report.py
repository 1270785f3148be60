"""The HTML page: self-contained, whole, and inert whatever names and messages hold."""

from html.parser import HTMLParser

import pytest

from actors.document import failed
from serve.report.page import page
from serve.report.timeline import timeline
from tests.serve.terminal.test_output import INCIDENT, stream

SPAN = {"track": "v:0", "start_seconds": 0.0, "end_seconds": 10.0, "state": "analysed", "reason": ""}
TRACK = {
    "track": "v:0", "kind": "video", "codec": "h264", "width": 320, "height": 180, "frames": 250,
    "duration_seconds": 10.0,
}  # fmt: skip
EVIL = "<script>alert(1)</script>\"'><img src=http://h/x onerror=x>&"
OPEN = {"meta", "td", "th", "li", "img"}
"""Elements whose end may be left out, or that have none."""


class Page(HTMLParser):
    """Elements and texts of a page; fails when an element is closed that is not open."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.texts, self.stack = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in OPEN:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        if tag not in OPEN:
            assert self.stack.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def report():
    first = {"tracks": [TRACK], "coverage": [SPAN]}
    streams = [
        stream({**INCIDENT, "message": EVIL}, **first, source=EVIL), failed("f", "f.mp4", f"f.mp4: {EVIL}"),
        stream(**first, source="quiet.mp4"),
    ]  # fmt: skip
    return Page(page(streams, EVIL))


def test_it_is_whole(report):
    assert report.stack == []
    assert [tag for tag, _ in report.elements[:2]] == ["html", "head"]


def test_it_runs_and_fetches_nothing(report):
    assert not [tag for tag, _ in report.elements if tag in {"script", "img", "link", "iframe", "object", "base", "a"}]
    assert not [name for _, found in report.elements for name in found if name in {"src", "href"} or name[:2] == "on"]
    (policy,) = [meta["content"] for meta in report.all("meta") if "http-equiv" in meta]
    assert policy.startswith("default-src 'none'")


def test_names_and_messages_are_text(report):
    assert report.texts.count(EVIL) == 2  # the heading and the incident
    assert any(text.startswith(f"{EVIL}, 00:01.000 to 00:02.000") for text in report.texts)
    assert f"failed: {EVIL}" in report.texts


def test_a_stream_without_incidents_is_listed_by_name(report):
    assert "Without incidents: 1" in report.texts
    assert "quiet.mp4 " in report.texts


def test_bars_stand_where_incidents_are():
    bars = Page(timeline(stream(INCIDENT, coverage=[SPAN]))).all("rect")
    found = {bar["class"]: (float(bar["x"]), float(bar["width"])) for bar in bars}
    assert found == {"critical": (230.0, 100.0), "analysed": (130.0, 1000.0)}


@pytest.mark.parametrize("end", [0.04, 1, 59, 3600, 86400 * 3, 86400 * 400])
def test_an_axis_has_few_marks_at_any_length(end):
    found = timeline(stream(coverage=[{**SPAN, "end_seconds": end}]))
    assert 1 <= found.count("<line") <= 401


def test_an_open_incident_goes_on_to_the_end():
    found = timeline(stream({**INCIDENT, "end_seconds": None}, coverage=[SPAN]))
    assert 'x="230.0" y="3" width="900.0"' in found

"""What a server says is text: neither a terminal nor rich obeys it."""

import json
import re

import pytest

from tests.senders import HttpServer
from tests.serve.served import answering, printed, refused

EVIL = "\x1b[2J\x1b]0;t\x07[red]a[/red] :smile: \u202eb\r\nsightline: all is well\x9b31m\ud800ä"
"""Clears a screen, sets a title, is markup, an emoji, turns the direction, forges a line; and half a character."""


def pages(*items):
    return json.dumps({"items": items, "next": None}).encode()


STREAM = {
    "stream": EVIL, "job": EVIL, "source": EVIL, "status": EVIL, "live": True, "shape": EVIL, "cell": EVIL,
    "position_seconds": 1e11, "newest_frame_age_seconds": 1e11, "frames": 1, "dropped": 0, "restarts": 0,
    "open_incidents": 1, "error": EVIL, "tags": {EVIL: EVIL}, "unknown": [EVIL],
}  # fmt: skip
JOB = {
    "id": EVIL, "status": EVIL, "created_at": EVIL, "shape": EVIL, "tags": {EVIL: EVIL},
    "streams": [{"stream": EVIL, "source": EVIL, "status": EVIL, "error": EVIL}],
}  # fmt: skip
INCIDENT = {
    "id": EVIL, "job": EVIL, "stream": EVIL, "detector": EVIL, "track": EVIL, "status": EVIL, "start_seconds": 0,
    "end_seconds": None, "severity": EVIL, "explained_by": EVIL, "message": EVIL,
}  # fmt: skip
MEASUREMENT = {"track": EVIL, "row": 1, "start_seconds": 0, "metrics": {EVIL: EVIL, "list": [EVIL, 1.5, None]}}
COVERAGE = {"track": EVIL, "start_seconds": 0, "end_seconds": 1, "state": EVIL, "reason": EVIL}
EVENT = {"id": "0.1.1", "kind": EVIL, "job": EVIL, "stream": EVIL, "incident": INCIDENT}
HOSTILE = {
    "/v1/jobs": pages(JOB), "/v1/jobs/x": json.dumps(JOB).encode(), "/v1/streams": pages(STREAM),
    "/v1/streams/y": json.dumps(STREAM).encode(), "/v1/incidents": pages(INCIDENT),
    "/v1/measurements": pages(MEASUREMENT), "/v1/coverage": pages(COVERAGE),
    "/v1/events": b"id: 0.1.1\ndata: " + json.dumps(EVENT).encode() + b"\n\n",
}  # fmt: skip


@pytest.mark.parametrize(
    ("command", "document"),
    [
        (("ls",), [JOB]), (("ls", "--streams"), [STREAM]), (("show", "x"), JOB),
        (("show", "y"), {**STREAM, "coverage": [COVERAGE]}),
        (("measurements", "y"), [MEASUREMENT]), (("events",), [EVENT]),
    ],
)  # fmt: skip
def test_no_text_of_the_server_s_is_obeyed(command, document):
    """Neither by the terminal (escapes, line breaks, direction) nor by rich (markup, emoji)."""
    with answering(HOSTILE) as url:
        shown, as_json = printed(url, *command), printed(url, *command, "--json")
    for text in (shown, as_json):
        assert not re.search(r"[^\n\x20-\x7e\u2026ä]", text)
        assert "\nsightline" not in text
    assert "[red]" in shown
    assert ":smile:" in shown
    known = json.loads(as_json)
    assert (known["items"] if isinstance(document, list) else known) == document


@pytest.mark.parametrize("detail", [EVIL, "x" * 100_000, 5, None, {"a": EVIL}])
def test_no_text_of_a_problem_is_obeyed(detail):
    def answer(request):
        body = json.dumps({"detail": detail, "title": "No"}).encode()
        request.send_response(409)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    with HttpServer() as server:
        server.routes["/v1/jobs"] = answer
        said = refused(server.url(""), "ls")
    assert said.isprintable()
    assert len(said) < 1500
    assert said.endswith("(409)")

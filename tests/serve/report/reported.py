"""Stored results for the tests of reports: a clip with defects and one without, and made-up streams."""

from fractions import Fraction
from functools import cache
from types import SimpleNamespace

import sightline
from actors.reader import Reader
from serve.report.told import told
from tests.clips import folder
from tests.serve.running import broken, good
from tests.serve.terminal.test_output import stream

SPAN = {"track": "v:0", "start_seconds": 0.0, "end_seconds": 10.0, "state": "analysed", "reason": ""}
TRACKS = [{"track": "v:0", "kind": "video"}, {"track": "a:0", "kind": "audio"}]


@cache
def results():
    """The URI of tables with both clips."""
    uri = str(folder() / "reported")
    sightline.analyze([broken(), good()], results=uri)
    return uri


def streams():
    """Both streams, that with the defects first."""
    reader = Reader(results())
    return [told(reader, name, stored) for name, stored in reader.streams().items()]


def made(*incidents, rate=25):
    """A stream of 10 s with incidents, and no tables."""
    document = stream(*incidents, coverage=[SPAN], tracks=TRACKS)
    return SimpleNamespace(name=document["stream"], document=document, end_seconds=10.0, rate=lambda: Fraction(rate))

"""Owners that keep evidence, and what they have written."""

import io
import time
from pathlib import Path

import av

from actors.measuring import METRICS
from actors.owner import Owner
from actors.recorder import Recorder
from actors.schema import measured
from actors.source import stream_name
from actors.task import Task
from tests.actors.ringed import decoded, plane_of

DEADLINE = 90.0
"""Seconds after which a test that waits gives up."""


class Witnessed:
    """An owner of one source that keeps evidence, unless told otherwise; what it says is in ``notes``."""

    def __init__(self, source, folder, detectors, settings=None, *, stop=None, **task):
        self.folder, self.notes, self.events = Path(folder), [], []
        recorder = self.recorder = Recorder(
            str(folder), {table: measured(metrics) for table, metrics in METRICS.items()}
        )
        self.stream = stream_name(str(source))
        fence = recorder.claim([self.stream])[self.stream]
        given = {"evidence": True, "results": str(folder), **task}
        self.owner = Owner(
            Task(self.stream, str(source), tuple(detectors), settings or {}, fence, **given), recorder,
            lambda table, where: recorder.read(table, where=where), stop,
        )  # fmt: skip
        self.owner.on_note, self.owner.on_event = self.notes.append, self.events.append

    def run(self):
        self.document = self.owner.run()
        return self

    def ids(self, detector):
        return [one["id"] for one in self.document["incidents"] if one["detector"] == detector]

    @property
    def files(self):
        return {path.name: path.stat().st_mtime_ns for path in sorted((self.folder / "evidence").iterdir())}

    def clip(self, id_):
        """Frames per kind of track, lumas and times of an incident's file."""
        return decoded(io.BytesIO((self.folder / "evidence" / f"{id_}.mkv").read_bytes()))

    def picture(self, id_):
        """The luma of an incident's picture."""
        with av.open(str(self.folder / "evidence" / f"{id_}.jpg")) as container:
            return plane_of(next(container.decode(video=0)))


def is_black(luma, level=20):
    return luma.mean() < level


def until(found):
    """Wait for something that is true, and give it."""
    began = time.monotonic()
    while not (result := found()):
        assert time.monotonic() - began < DEADLINE, "it did not come"
        time.sleep(0.02)
    return result

"""A stream as the tables tell it: its document, and its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from actors import document
from actors.media import AudioFormat, VideoFormat

if TYPE_CHECKING:
    import pyarrow as pa

    from actors.document import Document
    from actors.reader import Reader
    from actors.stored import Stored

PLAIN_RATE = Fraction(25)
"""Frames per second by which sound without pictures is told."""

_UNFINISHED = "it is not finished: its incidents may go on"


@dataclass(frozen=True, slots=True)
class Told:
    """One stream of a results folder."""

    document: Document
    stored: Stored
    reader: Reader

    @property
    def name(self) -> str:
        """The stream's name."""
        return str(self.document["stream"])

    @property
    def end_seconds(self) -> float:
        """Where what was analysed ends."""
        return max((span["end_seconds"] for span in self.document["coverage"]), default=0.0)

    def tracks(self, kind: str) -> list[str]:
        """The names of its tracks of a kind, ``v`` or ``a``, of which there are rows."""
        table = {"v": "video", "a": "audio"}[kind]
        found = (name.partition("/") for name in self.stored.checkpoint.windows)
        return sorted(track for of, _, track in found if of == table)

    def rows(self, table: str, track: str, columns: Sequence[str]) -> pa.Table:
        """Columns of a track's rows, in their order.

        Raises:
            actors.storage.StorageError: They cannot be read.
        """
        run = self.stored.checkpoint.run
        where: list[tuple[str, str, Any]] = [("stream", "=", self.name), ("run", "=", run), ("track", "=", track)]
        return self.reader.read(table, columns, where)

    def rate(self) -> Fraction:
        """Frames per second of its first pictures, by the most frequent duration; of sound alone 25."""
        for track in self.tracks("v"):
            rows = self.rows("video", track, ["duration", "base_num", "base_den"])
            lengths = rows["duration"].to_numpy()
            if (lengths > 0).any():
                values, counts = np.unique(lengths[lengths > 0], return_counts=True)
                ticks = int(values[counts.argmax()])
                base = Fraction(rows["base_num"][0].as_py(), rows["base_den"][0].as_py())
                return (1 / (ticks * base)).limit_denominator(1001)
        return PLAIN_RATE


def told(reader: Reader, name: str, stored: Stored) -> Told:
    """A stream as ``analyze --json`` tells it. The tables know no source: its name stands for that."""
    summary = stored.checkpoint.summary or _unfinished(stored)
    covered = sorted(stored.coverage.items())
    entry = {
        "stream": name, "source": name, "status": summary["status"], "error": summary["error"],
        "epochs": summary["epochs"], "tracks": summary["entries"],
        "coverage": [one for track, (base, of) in covered for one in document.coverage(track, base, of)],
        "verdicts": summary["verdicts"], "incidents": document.incidents(stored.events, name),
        "usage": {**document.NO_USAGE, **summary["usage"]},
    }  # fmt: skip
    return Told(entry, stored, reader)


def _unfinished(stored: Stored) -> Document:
    """What the newest checkpoint tells of a stream that is under way, or was cut off."""
    entries = []
    for name, head in sorted(stored.checkpoint.heads.items(), key=lambda item: item[0].startswith("audio")):
        table, _, track = name.partition("/")
        base, of = stored.coverage.get(track, (None, []))
        seconds = base.seconds(of[-1].end - of[0].start) if base and of else 0.0
        if table == "video":
            rows = stored.checkpoint.judged[name]
            entries.append(document.video_track(track, VideoFormat.parse(head.format), rows, seconds))
        elif table == "audio":
            entries.append(document.audio_track(track, AudioFormat.parse(head.format), seconds, None, None))
    newest = max((head.epoch for head in stored.checkpoint.heads.values()), default=-1)
    return {
        "status": "partial", "error": _UNFINISHED, "epochs": newest + 1, "entries": entries, "verdicts": [],
        "usage": {},
    }  # fmt: skip

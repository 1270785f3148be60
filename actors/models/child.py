"""What a process of :mod:`actors.models.process` runs: one model, until the pipe closes."""

from __future__ import annotations

import signal
import sys
from multiprocessing.connection import Connection
from pathlib import Path

from actors.dying import die_with
from actors.models.frames import Mapped
from actors.models.mark import Mark
from actors.models.scoring import Scorer


def main(pipe: Connection, frames: int, parent: int, mark: Path) -> None:
    """Load the model that the pipe names, and answer batches."""
    die_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    at = Mark(mark)
    at.unlink()
    memory = Mapped(frames)
    try:
        spec, trust = pipe.recv()
        scorer = Scorer(spec, trust, at)
        pipe.send(scorer.hello)
        while True:
            parcel = pipe.recv()
            if parcel is None:
                pipe.send(scorer.hello)
            else:
                pipe.send(scorer.score(memory.pictures(parcel), parcel.format, parcel.first_row))
    except (EOFError, OSError):
        return


if __name__ == "__main__":
    main(Connection(int(sys.argv[1])), int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))

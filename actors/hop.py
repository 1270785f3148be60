"""What carries batches to the meters and rows back to the judges, and counts what it carried."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Protocol

from actors.batches import FILE, Bounds
from actors.measure import Rows
from actors.measure.picture import PictureMeter
from actors.measure.picture.device import Device
from actors.measuring import Ear, measure_video
from actors.media import AudioBatch, Batch


@dataclass
class Traffic:
    """What a hop has carried. Bytes are of frames; ``copies`` counts how often they were written anew.

    ``cpu_seconds``, ``peak_memory_bytes``: what processes other than the owner's have burnt and held for it.
    ``requests_bucket`` are all of the ``requests_``. ``transitions`` are those of a state machine, ``functions`` runs
    of a function; each was given its memory for its time (``function_gb_seconds``, a GB being 2^30 bytes).
    """

    batches: int = 0
    cpu_seconds: float = 0.0
    peak_memory_bytes: int = 0
    bytes_direct: int = 0
    bytes_object_store: int = 0
    bytes_network: int = 0
    bytes_bucket: int = 0
    requests_put: int = 0
    requests_get: int = 0
    requests_list: int = 0
    requests_delete: int = 0
    transitions: int = 0
    functions: int = 0
    function_gb_seconds: float = 0.0
    copies: int = 0

    @property
    def requests_bucket(self) -> int:
        """Requests made of the bucket."""
        return self.requests_put + self.requests_get + self.requests_list + self.requests_delete

    def counted(self) -> dict[str, int | float]:
        """What usage reports of it."""
        counts = {**asdict(self), "requests_bucket": self.requests_bucket}
        return {name: count for name, count in counts.items() if name not in ("cpu_seconds", "peak_memory_bytes")}


class HopBroken(Exception):
    """What carries frames has failed for too long. The stream can go on from its checkpoint.

    The message is one line that says what to do.
    """


class Hop(Protocol):
    """The boundaries between decoder, meters and judges, whatever they are physically.

    ``shape`` names what it makes of them; ``bounds`` are those of a file's batches. Rows come back in the order in
    which their batches were sent, those of a track's pictures, sound and packets each; a call may give those of others.
    """

    shape: str
    bounds: Bounds

    @property
    def traffic(self) -> Traffic:
        """What it has carried so far."""
        ...

    def begin(self, *, live: bool, recorded: Mapping[str, int]) -> None:
        """Ready what the source needs, before anything of it is sent.

        Args:
            live: Whether it is live.
            recorded: The last window of each sequence of rows that will not be sent again.
        """
        ...

    def send(self, batch: Batch) -> Iterator[Rows]:
        """Ship pictures; give what is measured by now."""
        ...

    def hear(self, batch: AudioBatch, ear: Ear) -> Iterator[Rows]:
        """Ship sound to where it is measured in sequence, by its track's ear; give what is measured by now."""
        ...

    def tell(self, facts: Rows) -> Iterator[Rows]:
        """Ship what the decoder's side has measured itself, of packets; give what has arrived by now."""
        ...

    def drain(self) -> Iterator[Rows]:
        """Give the rows of everything still under way."""
        ...

    def settle(self) -> Iterator[Rows]:
        """As :meth:`drain`, for a source that goes on: models of a live one are not waited for."""
        ...

    def close(self) -> None:
        """Give back all that it holds, whether or not all is drained. ``traffic`` is whole then."""
        ...


class Beside:
    """What hops share where decoder and judges are one process: sound and facts stay there."""

    bounds = FILE

    def begin(self, *, live: bool, recorded: Mapping[str, int]) -> None:
        """All is ready."""

    def hear(self, batch: AudioBatch, ear: Ear) -> Iterator[Rows]:
        """Measure sound here and now."""
        yield ear.measure(batch)

    def tell(self, facts: Rows) -> Iterator[Rows]:
        """Hand facts over."""
        yield facts

    def drain(self) -> Iterator[Rows]:
        """Nothing is ever under way."""
        yield from ()

    def settle(self) -> Iterator[Rows]:
        """Drain."""
        yield from self.drain()

    def close(self) -> None:
        """Nothing is held."""


class Direct(Beside):
    """The meters run here; a batch is handed over by reference, and no byte moves."""

    shape = "fused"

    def __init__(self, wanted: frozenset[str], device: Device = "cpu") -> None:
        """Ready the meters.

        Args:
            wanted: Names of metrics.
            device: Where pictures are measured.
        """
        self.traffic = Traffic()
        self._meter = PictureMeter("numba" if device == "cpu" else "torch", device)
        self._wanted = wanted

    def send(self, batch: Batch) -> Iterator[Rows]:
        """Measure the batch at once."""
        self.traffic.batches += 1
        yield measure_video(self._meter, batch, self._wanted)

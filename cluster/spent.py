"""What streams have moved and burnt, as jobs keep it and the API gives it. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict, Field

from cluster.shape import Placed


class Usage(BaseModel):
    """What the work on streams moved and burnt, in a shape. The three parts of the CPU seconds sum to the whole.

    CPU seconds are the operating system's. They do not have those of processes that work for all streams at once: the
    recorder, the supervisor, Ray's own.
    """

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    shape: Placed = Field(description="where the stages ran")
    cpu_seconds: float = Field(description="of the streams' owners and of the meters that worked for them")
    cpu_decode_seconds: float = Field(description="of them: reading the source and decoding")
    cpu_picture_seconds: float = Field(description="of them: measuring pictures, and carrying them there")
    cpu_other_seconds: float = Field(description="of them: the rest: sound, judging, handing rows over")
    wall_seconds: float = Field(description="from the beginning to the end of the work; of several streams the sum")
    media_seconds: float = Field(description="that were analysed")
    peak_memory_bytes: int = Field(description="resident at most, of all processes that worked for the streams")
    batches: int = Field(description="of pictures, that were handed to meters")
    copies: int = Field(description="of batches, that were made to carry them")
    bytes_direct: int = Field(description="of pictures, copied within a process")
    bytes_object_store: int = Field(description="of pictures, written into a machine's shared memory")
    bytes_network: int = Field(description="of pictures, sent from one node to another")
    bytes_bucket: int = Field(description="written into a bucket: packed pictures, sound, rows")
    requests_bucket: int = Field(description="made of the bucket, all four kinds")
    requests_put: int
    requests_get: int
    requests_list: int
    requests_delete: int
    transitions: int = Field(description="of the state machine")
    functions: int = Field(description="runs of a function")
    function_gb_seconds: float = Field(description="memory of each run, in units of 2^30 bytes, times its seconds")
    frames_decoded_again: int = Field(description="whose rows were committed by an earlier run already")


def after(earlier: Usage, later: Usage) -> Usage:
    """Of work on one stream that was stopped and gone on with: memory is not held twice."""
    both = _sum((earlier, later))
    return both.model_copy(update={"peak_memory_bytes": max(earlier.peak_memory_bytes, later.peak_memory_bytes)})


def together(streams: Iterable[Usage]) -> Usage | None:
    """Of several streams, in the shape of the last; None: there are none."""
    given = list(streams)
    return _sum(given) if given else None


def _sum(given: Iterable[Usage]) -> Usage:
    rows = [usage.model_dump() for usage in given]
    names = [name for name in rows[0] if name != "shape"]
    total = {name: sum(row[name] for row in rows) for name in names}
    rounded = {name: round(value, 6) if isinstance(value, float) else value for name, value in total.items()}
    return Usage(shape=rows[-1]["shape"], **rounded)

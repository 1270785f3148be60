"""What the API answers, as the commands read it: keys that they do not know are ignored, and no text is trusted."""

from __future__ import annotations

import json
import math
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError

from actors.document import Document
from serve.terminal.exits import CommandFailedError

ENDED = frozenset({"completed", "partial", "failed", "stopped", "quarantined"})
"""Statuses of streams with which nothing more is done."""

Seconds = Annotated[float, Field(ge=-1e12, le=1e12, allow_inf_nan=False)]


def parsed(data: bytes | str) -> Document | None:
    """The JSON object that a text is; None where it is none, or has numbers that no double holds."""
    try:
        value = json.loads(data, parse_constant=_finite, parse_float=_finite)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


class Answer(BaseModel):
    """What is common to them."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    _document: Document = PrivateAttr(default_factory=dict)

    @classmethod
    def of(cls, document: Any) -> Self:
        """Read an answer.

        Raises:
            CommandFailedError: It is another than this command knows.
        """
        try:
            answer = cls.model_validate(document)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(step) for step in first["loc"])
            told = f"the server's answer is not understood ({cls.__name__} {where}: {first['msg']})"
            raise CommandFailedError(f"{told}; is it of another version than this command?") from error
        answer._document = document
        return answer

    @property
    def document(self) -> Document:
        """The answer as it was given."""
        return self._document


class JobStream(Answer):
    """How far a stream of a job is."""

    stream: str
    source: str
    status: str
    error: str | None


class Job(Answer):
    """What was submitted, and how far it is."""

    id: str
    status: str
    created_at: str
    shape: str
    tags: dict[str, str]
    streams: tuple[JobStream, ...]


class StreamState(Answer):
    """One source under watch, as it is now."""

    stream: str
    job: str
    source: str
    status: str
    live: bool
    shape: str
    cell: str | None
    position_seconds: Seconds | None
    newest_frame_age_seconds: Seconds | None
    frames: int
    dropped: int
    restarts: int
    open_incidents: int
    error: str | None
    tags: dict[str, str]


class Incident(Answer):
    """The newest revision of an incident."""

    id: str
    job: str
    stream: str
    detector: str
    track: str
    status: str
    start_seconds: Seconds
    end_seconds: Seconds | None
    severity: str
    explained_by: str | None
    message: str


class Event(Answer):
    """A committed event."""

    id: str = Field(pattern=r"^[0-9]{1,10}\.[0-9]{1,19}\.[0-9]{1,10}$")
    kind: str
    job: str
    stream: str
    incident: Incident


class Coverage(Answer):
    """A stretch of a track of one state and reason."""

    track: str
    start_seconds: Seconds
    end_seconds: Seconds
    state: str
    reason: str


class Measurement(Answer):
    """The metrics of one frame, one stretch of sound or one packet."""

    track: str
    row: int
    start_seconds: Seconds
    metrics: dict[str, Any]

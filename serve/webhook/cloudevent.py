"""What a webhook is told: one event of an incident as a CloudEvent 1.0 in structured JSON."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from actors import document, stored

Row = Mapping[str, Any]
"""A committed event: the columns of ``actors.schema.EVENTS``, ``commit``, ``place`` and ``recorded_at``."""

MEDIA_TYPE = "application/cloudevents+json"


def is_told(row: Row, severities: Collection[str]) -> bool:
    """Whether an event is one to tell of: an incident opened, closed, or explained after its close."""
    explains = row["kind"] == "updated" and row["explained_by"] is not None
    return (explains or row["kind"] in ("opened", "closed")) and row["severity"] in severities


def event_id(row: Row) -> str:
    """The event's id: its incident's, and its position. The same at every attempt and after every restart."""
    return f"{row['id']}-{row['commit']}-{row['place']}"


def recorded_at(row: Row) -> datetime:
    """When the event was committed, UTC."""
    moment: datetime = row["recorded_at"]
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def encode(row: Row, job: str) -> str:
    """The body of the notification: the incident as it then was, with its job, stream and status."""
    stream = row["stream"]
    incident = document.incident(stored.event(dict(row)), stream)
    status = "open" if incident["end_seconds"] is None else "closed"
    event = {
        "specversion": "1.0",
        "id": event_id(row),
        "type": f"io.sightline.incident.{row['kind']}",
        "source": f"/streams/{stream}",
        "subject": row["detector"],
        "time": recorded_at(row).isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "data": {**incident, "job": job, "stream": stream, "status": status},
    }
    return json.dumps(event, allow_nan=False)

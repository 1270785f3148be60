"""How the HTTP API is set up."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class ApiSettings(BaseModel):
    """Settings of one process that serves the API."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    open_on_loopback: bool = Field(
        False, title="no key is asked for; only where the server is bound to loopback and there are no keys"
    )
    heartbeat_seconds: float = Field(15, gt=0, le=60, title="a comment is sent to readers of events this often")
    most_readers: int = Field(1000, ge=1, title="readers of events at a time; one more is told 429")

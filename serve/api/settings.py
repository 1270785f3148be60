"""How the HTTP API is set up."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Limits(BaseSettings):
    """How much may be asked of the API; set by ``SIGHTLINE_API_REQUESTS_PER_SECOND`` and ``..._BURST``."""

    model_config = SettingsConfigDict(env_prefix="SIGHTLINE_API_REQUESTS_", frozen=True)

    per_second: float = Field(50.0, ge=0.001, le=1e6, title="requests with one key, or without one from one address")
    burst: int = Field(100, ge=1, le=1_000_000, title="such requests that may come at once")


class ApiSettings(BaseModel):
    """Settings of one process that serves the API."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    open_on_loopback: bool = Field(
        False, title="no key is asked for; only where the server is bound to loopback and there are no keys"
    )
    limits: Limits = Field(default_factory=Limits, title="not of an API that is open on loopback")
    heartbeat_seconds: float = Field(15, gt=0, le=60, title="a comment is sent to readers of events this often")
    most_readers: int = Field(1000, ge=1, title="readers of events at a time; one more is told 429")

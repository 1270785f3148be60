"""What a user may ask for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

Shape = Literal["auto", "fused"]
Severity = Literal["info", "warning", "critical"]


class Analysis(BaseModel):
    """How sources are analysed and where the results go. Unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    detectors: tuple[str, ...] | None = Field(None, title="names of detectors; all of them if null")
    settings: Mapping[str, Mapping[str, Any]] = Field(default_factory=dict, title="detector -> field -> value")
    shape: Shape = Field("auto", title="where the stages run")
    results: str = Field("./sightline-results", title="folder or s3:// URI of the tables")
    jobs: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1, le=1024, title="streams at a time")
    fresh: bool = Field(False, title="start over instead of going on")

    @field_validator("detectors")
    @classmethod
    def _some(cls, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if names == ():
            raise ValueError("name at least one, or leave it out for all")
        return names

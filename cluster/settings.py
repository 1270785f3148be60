"""What the environment may set: names begin with ``SIGHTLINE_``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Placement(BaseSettings):
    """How large cells are. The defaults fit two of them on a machine with two processors."""

    model_config = SettingsConfigDict(env_prefix="SIGHTLINE_", frozen=True)

    streams_per_cell: int = Field(4, ge=1, le=256, title="streams of one cell")
    streams_per_actor: int = Field(1, ge=1, le=64, title="streams of one decoder's process, which die together")
    decoder_cpus: float = Field(0.2, gt=0, le=64, title="processors of one decoder; 1080p25 takes 0.15")
    detector_cpus: float = Field(0.2, gt=0, le=64, title="processors of the detector of a cell")
    detector_gpus: float = Field(0.25, ge=0, le=8, title="share of a GPU of the detector of a cell")
    node_detector_cpus: float = Field(
        64, gt=0, le=64, title="processors of each node for a detector; with more in detector_cpus meters are parted"
    )
    clones: Literal["auto", "frames", "decode"] = Field(
        "auto", title="parted meters of files: sent frames, decode again, or what costs less by list prices"
    )


class Chunks(BaseSettings):
    """What the shape ``staged`` needs: a bucket that chunks are carried through, and processors for its tasks."""

    model_config = SettingsConfigDict(env_prefix="SIGHTLINE_", frozen=True)

    bucket: SecretStr | None = Field(None, title="s3:// URL of the bucket; may hold credentials")
    bucket_patience_seconds: float = Field(60.0, gt=0, le=3600, title="how long a request to it is tried again")
    task_cpus: float = Field(0.5, gt=0, le=64, title="processors that are reserved for each task while it runs")


class Supervision(BaseSettings):
    """How the supervisor watches."""

    model_config = SettingsConfigDict(env_prefix="SIGHTLINE_", frozen=True)

    look_seconds: float = Field(0.5, gt=0, le=60, title="between two looks at what runs")
    answer_seconds: float = Field(30.0, gt=0, le=600, title="in which a decoder must answer how it stands")
    start_seconds: float = Field(120.0, gt=0, le=3600, title="in which a process must be up and give its first answer")
    backoff_seconds: float = Field(0.5, ge=0, le=60, title="wait before a second restart at one place; doubles")
    tidy_seconds: float = Field(300.0, gt=0, le=86400, title="between two looks at what can be tidied up")
    place_seconds: float = Field(60.0, gt=0, le=86400, title="after which a cell without a place is asked for anew")
    lease_seconds: float = Field(
        300.0, gt=0, le=86400, title="for which a decoder goes on without an answer of the cluster's head"
    )
    idle_seconds: float = Field(30.0, ge=0, le=86400, title="after which an empty cell is given back")

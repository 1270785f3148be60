"""What a user may ask for: one analysis on this machine, or a job for a cluster."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationInfo,
    field_validator,
)

from actors.models.spec import MOST_MODELS, LocalModel, ModelSpec, differently_named
from cluster.settings import Chunks
from cluster.shape import Shape
from cluster.sources import results_uri

Severity = Literal["info", "warning", "critical"]

StreamName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
Settings = Mapping[str, Mapping[str, Any]]
TagName = Annotated[str, StringConstraints(min_length=1, max_length=64)]
TagValue = Annotated[str, StringConstraints(max_length=256)]
Tags = Annotated[dict[TagName, TagValue], Field(max_length=32)]
DetectorNames = Annotated[tuple[Annotated[str, StringConstraints(max_length=64)], ...], Field(max_length=64)]

Models = Annotated[tuple[ModelSpec, ...], Field(max_length=MOST_MODELS), AfterValidator(differently_named)]

MOST_STREAMS = 1000
"""Streams of one job."""

NO_MODELS = (
    "the shape staged runs no models: they read frames in memory, and there nothing goes but through a bucket; take "
    "fused, colocated or spread, or leave the models out"
)
"""Said to who asks for both."""


def _some(names: tuple[str, ...] | None) -> tuple[str, ...] | None:
    if names == ():
        raise ValueError("name at least one, or leave it out for all")
    return names


class Analysis(BaseModel):
    """How sources are analysed and where the results go. Unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    detectors: tuple[str, ...] | None = Field(None, title="names of detectors; all of them if null")
    settings: Settings = Field(default_factory=dict, title="detector -> field -> value")
    shape: Shape = Field("auto", title="where the stages run")
    results: str = Field("./sightline-results", title="folder or s3:// URI of the tables")
    device: Literal["auto", "cpu", "cuda"] = Field("cpu", title="what decodes and measures pictures, in one process")
    jobs: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1, le=1024, title="streams at a time")
    fresh: bool = Field(False, title="start over instead of going on")
    models: Annotated[tuple[LocalModel, ...], AfterValidator(differently_named)] = Field(
        (), max_length=MOST_MODELS, title="models of the user, beside the detectors"
    )
    bucket: SecretStr | None = Field(None, title="s3:// URL for the shape staged; SIGHTLINE_BUCKET if null")

    _detectors_named = field_validator("detectors")(_some)
    _results_named = field_validator("results")(results_uri)

    @field_validator("device")
    @classmethod
    def _fused(cls, device: str, info: ValidationInfo) -> str:
        if device != "cpu" and info.data.get("shape") not in ("auto", "fused"):
            raise ValueError("a GPU is chosen for the shape fused; the others take the cluster's where it has one")
        return device

    @field_validator("models")
    @classmethod
    def _run(cls, models: tuple[LocalModel, ...], info: ValidationInfo) -> tuple[LocalModel, ...]:
        if models and info.data.get("shape") == "staged":
            raise ValueError(NO_MODELS)
        return models

    def chunks(self) -> Chunks:
        """What the environment sets for the shape ``staged``, with the bucket that is named here, if one is."""
        return Chunks() if self.bucket is None else Chunks(bucket=self.bucket)


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Defaults(_Asked):
    """What holds for every stream of a job that says nothing else."""

    detectors: DetectorNames | None = Field(None, title="names of detectors; all of them if null")
    settings: Settings = Field(default_factory=dict, title="thresholds: detector -> field -> value")
    tags: Tags = Field(default_factory=dict, title="names and values of your own")
    models: Models | None = Field(None, title="models of your own, beside the detectors; none if null")
    max_lag_seconds: float | None = Field(
        None, gt=0, le=600, title="behind, after which pictures of a live stream are passed over; 10 if null"
    )

    _detectors_named = field_validator("detectors")(_some)


class StreamSpec(Defaults):
    """One source under watch. Its ``settings`` and ``tags`` are added to the job's defaults, and win over them."""

    source: str = Field(min_length=1, max_length=4096, title="a path or URL")
    name: StreamName | None = Field(None, title="name of the stream; made from the source if null")


class Webhook(_Asked):
    """Where incidents are told to, signed as Standard Webhooks has it."""

    url: str = Field(pattern=r"^https?://", max_length=2048, title="receives a POST for each event")
    secret: SecretStr = Field(min_length=8, max_length=256, title="whsec_ and base64; signs the body")
    severities: tuple[Severity, ...] = Field(("critical", "warning"), min_length=1, title="what is told")


class JobSpec(_Asked):
    """What is submitted: streams, how they are watched, and who is told."""

    version: Literal[1] = Field(1, title="version of this format")
    shape: Shape = Field("auto", title="where the stages run")
    defaults: Defaults = Field(default_factory=Defaults, title="for streams that say nothing else")
    streams: tuple[StreamSpec, ...] = Field(min_length=1, max_length=MOST_STREAMS, title="what is watched")
    webhook: Webhook | None = Field(None, title="who is told of incidents")


def misplaced(spec: JobSpec) -> Iterator[tuple[str | int, ...]]:
    """Where a job names models that its shape does not run (see ``NO_MODELS``)."""
    if spec.shape != "staged":
        return
    if spec.defaults.models:
        yield "defaults", "models"
    for index, stream in enumerate(spec.streams):
        if stream.models:
            yield "streams", index, "models"

"""``/v1/detectors`` and ``/v1/schemas/job``: what can be asked for."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import Field

from actors.detectors import describe
from cluster.job import Severity
from serve.api import examples
from serve.api.openapi import gives, tells
from serve.api.values import Page, Table, Value
from serve.job.jobschema import job_schema

router = APIRouter(prefix="/v1", tags=["reference"])


class SettingShown(Value):
    """A field of a detector's settings."""

    name: str
    default: bool | int | float | str | None
    title: str = Field(description="unit and meaning")
    origin: str = Field(description="why the default is what it is")


class DetectorShown(Value):
    """What there is to know of a detector before it is used."""

    name: str
    severity: Severity
    tables: tuple[Table, ...] = Field(description="what it judges")
    meaning: str
    settings: tuple[SettingShown, ...]


@router.get(
    "/detectors",
    summary="List detectors",
    responses={**tells(), 200: gives(examples.page(examples.DETECTOR, None), "Every detector, on one page.")},
)
async def detectors() -> Page[DetectorShown]:
    """Every detector with its settings, their defaults and units."""
    shown = (DetectorShown.model_validate(detector, from_attributes=True) for detector in describe())
    return Page[DetectorShown](items=tuple(shown), next=None)


@router.get(
    "/schemas/job",
    summary="Get the JSON Schema of a job",
    responses={**tells(), 200: gives({"$id": "urn:sightline:schema:job:1", "type": "object"}, "JSON Schema 2020-12.")},
)
async def schema_of_a_job() -> dict[str, Any]:
    """The JSON Schema of what `POST /v1/jobs` takes, for editors and checkers."""
    return job_schema()

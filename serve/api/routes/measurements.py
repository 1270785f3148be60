"""``/v1/measurements``: the metrics of a stream."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from serve.api import examples
from serve.api.openapi import gives, tells
from serve.api.problems import missing
from serve.api.routes.held import Held
from serve.api.values import Measurement, MeasurementQuery, Page

router = APIRouter(prefix="/v1/measurements", tags=["results"])


@router.get(
    "",
    summary="List measurements of a stream",
    responses={
        **tells(404),
        200: gives(examples.page(examples.MEASUREMENT, "WyJtZWFzdXJlbWVudHMiXQ"), "Measurements, by track and row."),
    },
)
async def measurements(query: Annotated[MeasurementQuery, Query()], backend: Held) -> Page[Measurement]:
    """The metrics of frames, sound or packets in a stretch of stream time; 404 where there is no such stream."""
    if (found := await backend.measurements(query)) is None:
        raise missing("stream", query.stream)
    return found

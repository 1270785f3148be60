"""``/v1/coverage``: which seconds of a stream were analysed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from serve.api import examples
from serve.api.covered import Coverage, CoverageQuery
from serve.api.openapi import gives, tells
from serve.api.problems import missing
from serve.api.routes.held import Held
from serve.api.values import Page

router = APIRouter(prefix="/v1/coverage", tags=["results"])


@router.get(
    "",
    summary="List what was analysed of a stream",
    responses={
        **tells(404),
        200: gives(examples.page(examples.COVERAGE, "WyJjb3ZlcmFnZSJd"), "Stretches, by track and start."),
    },
)
async def coverage(query: Annotated[CoverageQuery, Query()], backend: Held) -> Page[Coverage]:
    """Which seconds of each track were analysed, dropped or unreachable, and why, without a hole between them.

    Neighbours of one state and reason are one stretch. 404 where there is no such stream, and nothing is kept of one.
    """
    if (found := await backend.coverage(query)) is None:
        raise missing("stream", query.stream)
    return found

"""``/v1/jobs``: what users submit."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Header, Path, Query, Response

from cluster.job import JobSpec
from serve.api import examples
from serve.api.checking import StrictRoute, check
from serve.api.openapi import gives, shows, tells
from serve.api.problems import missing
from serve.api.routes.held import Held
from serve.api.values import Change, Job, JobId, JobQuery, Page

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], route_class=StrictRoute)

Id = Annotated[JobId, Path(description="of the job", examples=[examples.JOB["id"]])]
IdempotencyKey = Annotated[
    str | None,
    Header(
        pattern="^[!-~]{1,255}$",
        description="your own text, new for each job; sent again with the same job, it gives the job that is there",
    ),
]
_LOCATION = {"Location": {"description": "the path of the job", "schema": {"type": "string"}}}


@router.post(
    "",
    status_code=201,
    summary="Submit a job",
    responses={
        **tells(409),
        200: {
            **gives(examples.JOB, "The job that this idempotency key led to before.", _LOCATION),
            "model": Job,
        },
        201: gives(examples.JOB, "The job, stored; it runs without the caller.", _LOCATION),
    },
)
async def submit(
    spec: Annotated[JobSpec, Body(openapi_examples=shows(examples.JOB_SPEC))],
    response: Response,
    backend: Held,
    idempotency_key: IdempotencyKey = None,
) -> Job:
    """Store a job and let it run. 409 if the key was used for another job, or a stream of a name is watched already."""
    check(spec)
    submitted = await backend.submit(spec, idempotency_key)
    response.status_code = 201 if submitted.created else 200
    response.headers["Location"] = f"/v1/jobs/{submitted.job.id}"
    return submitted.job


@router.get(
    "",
    summary="List jobs",
    responses={**tells(), 200: gives(examples.page(examples.JOB, "WyJqb2JzIl0"), "Jobs, newest first.")},
)
async def jobs(query: Annotated[JobQuery, Query()], backend: Held) -> Page[Job]:
    """Jobs as they are now, the newest first."""
    return await backend.jobs(query)


@router.get("/{id}", summary="Show a job", responses={**tells(404), 200: gives(examples.JOB, "The job.")})
async def job(id: Id, backend: Held) -> Job:
    """One job: its streams and how far they are, and what was submitted, without secrets."""
    if (found := await backend.job(id)) is None:
        raise missing("job", id)
    return found


@router.patch(
    "/{id}",
    summary="Stop a job, start it again, or change its tags",
    responses={**tells(404, 409), 200: gives(examples.JOB, "The job as it is now.")},
)
async def change(
    id: Id,
    change: Annotated[Change, Body(openapi_examples=shows(examples.CHANGE))],
    backend: Held,
) -> Job:
    """Say what is desired; the cluster brings it about. A tag that is null is taken away."""
    if (found := await backend.change(id, change)) is None:
        raise missing("job", id)
    return found


@router.delete(
    "/{id}",
    status_code=204,
    summary="Delete a job",
    responses={**tells(404), 204: {"description": "It is stopped and forgotten; its results stay."}},
)
async def delete(id: Id, backend: Held) -> None:
    """Stop a job and forget it. Its results stay."""
    if not await backend.delete(id):
        raise missing("job", id)

"""Desired state: one JSON object per job under the results URI, written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import posixpath
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Literal

import pyarrow.fs as pafs
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_serializer

from actors.detectors import DETECTORS, build
from actors.errors import StorageError
from actors.storage import FAILURES, failed, filesystem, located
from actors.url import stream_name
from cluster.job import JobSpec, StreamSpec, Tags, Webhook
from cluster.spent import Usage

FOLDER = "jobs"

Ending = Literal["completed", "partial", "failed", "stopped", "quarantined"]
"""How a stream's work ended."""


Wish = Literal["running", "stopped"]
"""What is desired of a job."""


class Outcome(BaseModel):
    """How the work on a stream ended, and why, in one line."""

    model_config = ConfigDict(frozen=True)

    status: Ending
    error: str | None = None


class Job(BaseModel):
    """A job as it is stored. ``outcomes`` by stream: one without is to be run. ``usage`` by stream: of work that ended.

    ``told_from``: where the log of events ended when it was submitted; its webhook is told of what comes after.
    """

    model_config = ConfigDict(frozen=True)

    schema_version: Literal[1] = 1
    id: str
    created_at: datetime
    spec: JobSpec
    streams: dict[str, StreamSpec]
    desired: Wish = "running"
    tags: Tags = Field(default_factory=dict)
    key: str | None = None
    digest: str = ""
    told_from: tuple[int, int] = (-1, -1)
    outcomes: dict[str, Outcome] = Field(default_factory=dict)
    usage: dict[str, Usage] = Field(default_factory=dict)

    @property
    def open(self) -> list[str]:
        """Streams that are to be run."""
        return [] if self.desired == "stopped" else self.unfinished

    @property
    def unfinished(self) -> list[str]:
        """Streams whose work has not ended."""
        return [name for name in self.streams if name not in self.outcomes]


class _Stored(Job):
    """A job with its secret, as it goes to the store and nowhere else."""

    secret: str | None = None

    @field_serializer("spec")
    def _without_secret(self, spec: JobSpec) -> dict[str, object]:
        return spec.model_dump(mode="json")


def named(spec: JobSpec) -> dict[str, StreamSpec]:
    """Streams of a job by name, with the job's defaults in them.

    Raises:
        ValueError: Two have one name; the message says which.
        actors.detectors.SettingError: A detector, a field or a value that there is not.
        actors.url.SourceError: A source that is no URL.
    """
    found: dict[str, StreamSpec] = {}
    for number, stream in enumerate(spec.streams):
        name = stream.name or stream_name(stream.source)
        if name in found:
            raise ValueError(f"streams.{number}: the name {name} is given twice; give the stream another name")
        whole = stream.model_copy(update={
            "max_lag_seconds": stream.max_lag_seconds or spec.defaults.max_lag_seconds,
            "models": spec.defaults.models if stream.models is None else stream.models,
            "name": name, "detectors": stream.detectors or spec.defaults.detectors,
            "settings": merged(spec.defaults.settings, stream.settings), "tags": {**spec.defaults.tags, **stream.tags},
        })  # fmt: skip
        build(whole.detectors or tuple(DETECTORS), whole.settings)
        found[name] = whole
    return found


def merged(
    first: Mapping[str, Mapping[str, object]], second: Mapping[str, Mapping[str, object]]
) -> dict[str, dict[str, object]]:
    """Settings by detector and field; the second win."""
    return {name: {**first.get(name, {}), **second.get(name, {})} for name in (*first, *second)}


def new(spec: JobSpec, key: str | None = None, told_from: tuple[int, int] = (-1, -1)) -> Job:
    """A job of a specification; raises what :func:`named` raises. ``key`` makes it the only one of that key."""
    secret = spec.webhook.secret.get_secret_value() if spec.webhook else ""
    digest = hashlib.sha256(f"{spec.model_dump_json()}\0{secret}".encode("utf-8", "surrogatepass")).hexdigest()
    return Job(
        id=uuid.uuid4().hex, created_at=datetime.now(UTC), spec=spec, streams=named(spec), tags=spec.defaults.tags,
        key=key, digest=digest, told_from=told_from,
    )  # fmt: skip


class Unfit(Exception):
    """A job that cannot be taken, or changed so, as things are. The text says why."""


def fit(job: Job, others: Iterable[Job]) -> None:
    """See that no stream of a job is under another's watch.

    Raises:
        Unfit: One is.
    """
    taken = {name: other.id for other in others if other.id != job.id for name in other.open}
    for name in job.open:
        if name in taken:
            raise Unfit(f"the stream {name!r} is watched by the job {taken[name]} already")


def changed(job: Job, desired: Wish | None, tags: Mapping[str, str | None] | None) -> Job:
    """A job with another desired state or other tags; a tag of None goes.

    What failed or was cut short is tried again where it is to run again.

    Raises:
        Unfit: It has completed, and there is nothing to run again.
    """
    if desired == "running" and not job.unfinished and all(o.status == "completed" for o in job.outcomes.values()):
        raise Unfit("this job has completed; submit it anew")
    if desired == "running" and (job.desired == "stopped" or not job.unfinished):
        kept = {name: outcome for name, outcome in job.outcomes.items() if outcome.status == "completed"}
        job = job.model_copy(update={"outcomes": kept})
    if desired is not None and job.unfinished:
        job = job.model_copy(update={"desired": desired})
    if tags is not None:
        merged_tags = {**job.tags, **tags}
        job = job.model_copy(update={"tags": {n: value for n, value in merged_tags.items() if value is not None}})
    return job


class JobStore:
    """The jobs under a results URI."""

    def __init__(self, uri: str) -> None:
        self._uri = located(uri)
        self._files = filesystem(self._uri)

    def all(self) -> dict[str, Job]:
        """Every job, by id, oldest first.

        Raises:
            StorageError: They cannot be read.
        """
        try:
            listed = self._files.get_file_info(pafs.FileSelector(FOLDER, allow_not_found=True))
            jobs = [self._read(info.path) for info in listed if info.path.endswith(".json")]
        except (*FAILURES, ValueError) as error:
            raise failed(self._uri, "its jobs cannot be read", error) from error
        return {job.id: job for job in sorted(jobs, key=lambda job: (job.created_at, job.id))}

    def put(self, job: Job) -> None:
        """Store a job, new or changed.

        Raises:
            StorageError: It cannot be written.
        """
        secret = job.spec.webhook.secret.get_secret_value() if job.spec.webhook else None
        data = _Stored(**dict(job), secret=secret).model_dump_json().encode()
        path, draft = posixpath.join(FOLDER, f"{job.id}.json"), posixpath.join(FOLDER, f".{job.id}.{uuid.uuid4().hex}")
        try:
            self._files.create_dir(FOLDER, recursive=True)
            # deltalake's file takes bytes, and pyarrow gives it some only from a buffer that is not full.
            with self._files.open_output_stream(draft, buffer_size=len(data) + 1) as out:
                out.write(data)
            self._files.move(draft, path)
        except FAILURES as error:
            raise failed(self._uri, f"job {job.id} cannot be written", error) from error

    def delete(self, id_: str) -> None:
        """Forget a job; what it has found stays.

        Raises:
            StorageError: It cannot be deleted.
        """
        try:
            self._files.delete_file(posixpath.join(FOLDER, f"{id_}.json"))
        except FileNotFoundError:
            return
        except FAILURES as error:
            raise failed(self._uri, f"job {id_} cannot be deleted", error) from error

    def _read(self, path: str) -> Job:
        with self._files.open_input_stream(path) as file:
            text = json.loads(file.read())
        try:
            stored = _Stored.model_validate(text)
        except ValidationError as error:
            why = f"{self._uri}/{path}: is no job of this version ({error.error_count()} errors)"
            raise StorageError(why) from error
        return _with_secret(stored)


def _with_secret(stored: _Stored) -> Job:
    job = Job(**{name: getattr(stored, name) for name in Job.model_fields})
    if stored.secret is None or job.spec.webhook is None:
        return job
    hook = Webhook(**{**dict(job.spec.webhook), "secret": SecretStr(stored.secret)})
    return job.model_copy(update={"spec": job.spec.model_copy(update={"webhook": hook})})

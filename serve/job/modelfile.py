"""``--model FILE``: a list of users' models. What is wrong with it is told as of a job's file: line, column, path."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from actors.models.spec import LocalModel
from cluster.job import Models
from cluster.sources import UsageError, UsageErrors
from serve.job.jobcheck import Flaw, flaw_of
from serve.job.jobfile import MOST_TOLD, absolute, line, place
from serve.job.yamltext import MOST_BYTES, Place, Read, YamlError, read

_EMPTY = "is empty; it is a list of models (a line with - for each), as docs/models.md shows"


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    models: Models


def load(path: Path) -> tuple[LocalModel, ...]:
    """The models that a file declares, ready to be loaded: paths absolute, modules found in the file's folder too.

    Args:
        path: YAML or JSON.

    Raises:
        UsageErrors: A line for each thing that is wrong.
        UsageError: The file cannot be read.
    """
    try:
        with path.open("rb") as source:
            data = source.read(MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"--model {path}: cannot be read ({error.strerror})") from error
    name, folder = str(path), path.parent.absolute()
    try:
        found = read(data)
    except YamlError as error:
        raise UsageErrors([line(name, error.place, Flaw(error.path, str(error)))]) from error
    if not found.value:
        raise UsageErrors([line(name, Place(1, 1), Flaw((), _EMPTY))])
    return tuple(
        LocalModel.model_validate(
            {**model.model_dump(), "weights": absolute(model.weights, folder), "folder": str(folder)}
        )
        for model in _checked(name, found).models
    )


def _checked(name: str, found: Read) -> _File:
    """What was read, if nothing is wrong with it."""
    try:
        return _File.model_validate({"models": found.value})
    except ValidationError as error:
        flaws = [flaw_of(one) for one in error.errors(include_url=False)]
    flaws = [Flaw(flaw.path[1:], flaw.message, flaw.at_key) for flaw in flaws]
    told = sorted(((place(found, flaw), flaw) for flaw in flaws), key=lambda one: (one[0].line, one[0].column))
    raise UsageErrors([line(name, where, flaw) for where, flaw in told[:MOST_TOLD]])

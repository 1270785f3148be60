"""How a user declares a model: its class, its weights, its bounds, and what is to be judged from what it measures."""

from __future__ import annotations

import json
from typing import Annotated, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from actors.incident import Severity, Thresholds

MOST_MODELS = 8
"""Models of one stream."""

SomeModel = TypeVar("SomeModel", bound="ModelSpec")
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]


class Judge(Thresholds):
    """When what a model measures is an incident. Nothing is converted: a truth value is no number."""

    model_config = ConfigDict(strict=True)

    metric: Name = Field(title="one of the metrics of the class")
    above: float | None = Field(None, title="it is an incident while the metric is greater")
    below: float | None = Field(None, title="it is an incident while the metric is less")
    minimum_seconds: float = Field(2.0, ge=0, le=86400, title="seconds that it must last")
    severity: Severity = Field("warning", title="of its incidents")

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        if (self.above is None) == (self.below is None):
            raise ValueError("give one of 'above' and 'below', and not both")
        return self


class ModelSpec(BaseModel):
    """A model. Unknown names are refused, and nothing is converted."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, strict=True, serialize_by_alias=True
    )

    name: Name = Field(title="of its detector; not one that there is")
    class_: str = Field(
        alias="class", max_length=256, pattern=r"^[A-Za-z_][A-Za-z0-9_.]*:[A-Za-z_][A-Za-z0-9_]*$",
        title="module:Class, a torch.nn.Module",
    )  # fmt: skip
    weights: str = Field(min_length=1, max_length=4096, title="a file in the format safetensors")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", title="SHA-256 of that file, in hexadecimal")
    device: Literal["auto", "cpu", "cuda"] = Field("cpu", title="where it computes; auto: on a GPU if there is one")
    pictures: int = Field(1, ge=1, le=256, title="pictures that it is given at once")
    timeout_seconds: float = Field(10.0, gt=0, le=600, title="that one call may take")
    memory_bytes: int = Field(2 << 30, ge=64 << 20, title="that its process may hold for itself")
    judge: Judge = Field(title="when what it measures is an incident")

    @field_validator("name")
    @classmethod
    def _its_own(cls, name: str) -> str:
        from actors.detectors import DETECTORS  # a second of imports, which most commands do not need

        if name in (*DETECTORS, "decoder_crashed", "detector_failed"):
            raise ValueError(f"{name!r} is a detector of Sightline's; give the model another name")
        return name

    @property
    def measures(self) -> str:
        """All that what it measures depends on, as one line."""
        return json.dumps([self.class_, self.sha256, self.device, self.pictures])


def differently_named(models: tuple[SomeModel, ...]) -> tuple[SomeModel, ...]:
    """The same models.

    Raises:
        ValueError: Two have one name.
    """
    names = [model.name for model in models]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"the name {twice[0]!r} is given twice; give one of the models another name")
    return models


class LocalModel(ModelSpec):
    """A model that a person at the keyboard named in a file; its module may lie in ``folder``, beside that file."""

    folder: str = ""

"""What may be watched for those who come over the network: the folders and networks that the operator names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from actors.models.spec import ModelSpec
from actors.networks import Networks
from actors.trust import NotTrusted, Trust
from actors.url import SourceError, local_path, server, split


class Forbidden(Exception):
    """A source that may not be watched from here. The text says why, and who can allow it."""


class Sources(BaseSettings):
    """Allowed sources. Lists are written with commas: ``SIGHTLINE_ALLOWED_ROOTS=/media,/archive``."""

    model_config = SettingsConfigDict(env_prefix="SIGHTLINE_", frozen=True)

    allowed_roots: Annotated[tuple[Path, ...], NoDecode] = Field((), title="folders whose files may be read")
    allowed_networks: Annotated[tuple[Literal["public", "private", "loopback"], ...], NoDecode] = Field(
        ("public",), title="networks whose servers may be asked; link-local addresses never"
    )

    models: Annotated[tuple[str, ...], NoDecode] = Field((), title="classes that may be loaded, as module:Class")

    @field_validator("allowed_roots", "allowed_networks", "models", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    def trust(self) -> Trust:
        """The same, as it goes to decoders."""
        return Trust(tuple(map(str, self.allowed_roots)), Networks.of(self.allowed_networks), self.models)


def check_model(model: ModelSpec, allowed: Sources) -> None:
    """See that a model may be loaded, as things are: its process judges again what it opens.

    Raises:
        Forbidden: It may not.
    """
    trust, path = allowed.trust(), Path(model.weights)
    try:
        trust.judge_model(model.class_)
        if not path.is_absolute():
            raise Forbidden(f"the weights {model.weights}: a file is named by its absolute path")
        trust.judge_file(os.path.realpath(path))
    except NotTrusted as error:
        raise Forbidden(f"model {model.name}: {error}") from error


def check(source: str, allowed: Sources) -> None:
    """See that a source may be watched, as things are: decoders judge again what they open.

    Raises:
        Forbidden: It may not.
    """
    trust = allowed.trust()
    try:
        path = local_path(source)
        if path is None:
            if split(source).scheme.lower() != "udp":
                trust.judge_server(server(source))
        elif path.is_absolute():
            trust.judge_file(os.path.realpath(path))
        else:
            raise Forbidden("a file is named by its absolute path")
    except (SourceError, NotTrusted) as error:
        raise Forbidden(str(error)) from error

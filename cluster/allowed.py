"""What may be watched for those who come over the network: the folders and networks that the operator names."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from actors.url import SourceError, local_path, network, split


class Forbidden(Exception):
    """A source that may not be watched from here. The text says why, and who can allow it."""


class Sources(BaseSettings):
    """Allowed sources. Lists are written with commas: ``SIGHTLINE_ALLOWED_ROOTS=/media,/archive``."""

    model_config = SettingsConfigDict(env_prefix="SIGHTLINE_", frozen=True)

    allowed_roots: Annotated[tuple[Path, ...], NoDecode] = Field((), title="folders whose files may be read")
    allowed_networks: Annotated[tuple[Literal["public", "private", "loopback"], ...], NoDecode] = Field(
        ("public",), title="networks whose servers may be asked; link-local addresses never"
    )

    @field_validator("allowed_roots", "allowed_networks", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def check(source: str, allowed: Sources) -> None:
    """See that a source may be watched.

    Raises:
        Forbidden: It may not.
    """
    try:
        path = local_path(source)
        if path is not None:
            _check_file(path, allowed)
        elif split(source).scheme.lower() != "udp":
            _check_network(source, allowed)
    except SourceError as error:
        raise Forbidden(str(error)) from error


def _check_file(path: Path, allowed: Sources) -> None:
    """A file is judged by where it really is, links followed."""
    if not path.is_absolute():
        raise Forbidden("a file is named by its absolute path")
    real = path.resolve()
    if not any(real.is_relative_to(root.resolve()) for root in allowed.allowed_roots):
        raise Forbidden("this file is outside the allowed folders; the operator sets SIGHTLINE_ALLOWED_ROOTS")


def _check_network(source: str, allowed: Sources) -> None:
    where = network(source)
    if where == "link-local" or where not in allowed.allowed_networks:
        raise Forbidden(f"its server is on a {where} network; the operator sets SIGHTLINE_ALLOWED_NETWORKS")

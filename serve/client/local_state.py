"""Where this user's own cluster is: what ``sightline up`` leaves for the other commands, in one file."""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path

import platformdirs
from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from serve.terminal.exits import CommandFailedError


class LocalState(BaseModel):
    """A cluster on this machine. Keys that a reader does not know stay."""

    model_config = ConfigDict(extra="allow", frozen=True)

    url: str
    """Of the API."""
    results: str
    """The URI of the tables."""
    pid: int
    """Of the process that holds the cluster."""
    key: SecretStr | None = None
    """For the API, if it asks for one."""


def path() -> Path:
    """The file."""
    return platformdirs.user_state_path("sightline") / "up.json"


def read() -> LocalState | None:
    """What was written last; None where nothing is up.

    Raises:
        CommandFailedError: The file cannot be read, belongs to another user or may be changed by others, or is none.
    """
    try:
        with path().open("rb") as source:
            found = os.fstat(source.fileno())
            if found.st_uid != os.geteuid() or found.st_mode & 0o022:
                raise CommandFailedError(f"{path()}: others may change it, so it is not trusted; delete it")
            return LocalState.model_validate_json(source.read())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CommandFailedError(f"{path()}: cannot be read ({error.strerror})") from error
    except ValidationError as error:
        raise CommandFailedError(f"{path()}: was not written by `sightline up`; delete it") from error


def write(state: LocalState) -> None:
    """Write it whole or not at all, for this user's eyes only.

    Raises:
        CommandFailedError: It cannot be written.
    """
    key = state.key and state.key.get_secret_value()
    text = json.dumps({**state.model_dump(mode="json"), "key": key}, indent=1)
    new = None
    try:
        path().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, new = tempfile.mkstemp(dir=path().parent, prefix=".up.")  # with mode 0600
        with open(descriptor, "w", encoding="utf-8") as target:  # noqa: PTH123 - it is open already
            target.write(text)
            target.flush()
            os.fsync(target.fileno())
        Path(new).replace(path())
    except OSError as error:
        if new is not None:
            with suppress(OSError):
                Path(new).unlink(missing_ok=True)
        raise CommandFailedError(f"{path()}: cannot be written ({error.strerror})") from error


def remove() -> None:
    """Forget it, if it is there."""
    path().unlink(missing_ok=True)

"""The key of who has started the API: where keys are asked for, other commands of this user need none of their own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from serve.terminal.exits import CommandFailedError

if TYPE_CHECKING:
    from serve.client.local_state import LocalState

_NAME = "sightline up"


def make(keys: Path) -> str | None:
    """Issue it; whoever has it may do everything. None: the keys cannot be written, as where a secret is mounted."""
    from serve.api.auth import FileKeys, KeyStoreError, issue

    try:
        return issue(FileKeys(keys), "admin", _NAME)
    except KeyStoreError:
        return None


def forget(keys: Path, known: LocalState) -> None:
    """Revoke the one that an earlier start has issued, if it did.

    Raises:
        CommandFailedError: The keys cannot be written.
    """
    from serve.api.auth import FileKeys, KeyStoreError

    if known.key is None:
        return
    prefix = known.key.get_secret_value().removeprefix("slk_").partition(".")[0]
    try:
        FileKeys(keys).revoke(prefix)
    except KeyStoreError as error:
        raise CommandFailedError(str(error)) from error

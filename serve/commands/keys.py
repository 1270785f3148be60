"""``sightline keys``: who may use the API over a network."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from serve.terminal.exits import CommandFailedError, told_apart

Name = Annotated[str, typer.Argument(help="Whose key it is.")]
Scope = Annotated[str, typer.Option(help="read, submit (may also submit and stop jobs) or admin (may also delete).")]
Prefix = Annotated[str, typer.Argument(help="The twelve characters between slk_ and the dot.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]

keys = typer.Typer(no_args_is_help=True, help="API keys of this machine's cluster: add, list, revoke.")


@keys.command()
def add(name: Name, scope: Scope = "read") -> None:
    """Make a key and print it: it is shown this once, and only its hash is stored."""
    with told_apart():
        from cluster.sources import UsageError
        from serve.api.auth import SCOPES, KeyStoreError, issue

        if scope not in SCOPES:
            raise UsageError(f"--scope {scope}: allowed are {', '.join(SCOPES)}")
        try:
            print(issue(_store(), scope, name))
        except KeyStoreError as error:
            raise CommandFailedError(str(error)) from error


@keys.command(name="list")
def list_(as_json: Json = False) -> None:
    """List the keys that there are, without their secrets."""
    with told_apart():
        from serve.api.auth import KeyStoreError
        from serve.terminal.exits import plain

        try:
            known = _store().all()
        except KeyStoreError as error:
            raise CommandFailedError(str(error)) from error
        if as_json:
            listed = [key.model_dump(mode="json", exclude={"sha256"}) for key in known]
            print(json.dumps({"items": listed}, indent=1))
            return
        for key in known:
            print(f"{key.prefix}  {key.scope:6}  {key.created_at:%Y-%m-%d %H:%M}  {plain(key.name)}")


@keys.command()
def revoke(prefix: Prefix) -> None:
    """Forget a key; it is refused from the next request on."""
    with told_apart():
        from serve.api.auth import KeyStoreError

        try:
            known = _store().revoke(prefix)
        except KeyStoreError as error:
            raise CommandFailedError(str(error)) from error
        if not known:
            raise CommandFailedError(f"there is no key {prefix}; `sightline keys list` shows those that there are")


def _store() -> Any:
    from serve.api.auth import FileKeys
    from serve.client import local_state

    folder = local_state.path().parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return FileKeys(folder / "keys.json")

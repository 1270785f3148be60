"""``sightline up`` and ``down``: a cluster on this machine, with the API in front of it."""

from __future__ import annotations

import ipaddress
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from serve.commands import ownkey
from serve.terminal.exits import CommandFailedError, told_apart

if TYPE_CHECKING:
    from cluster.allowed import Sources
    from cluster.head import Head
    from serve.api.settings import ApiSettings
    from serve.client.local_state import LocalState

Results = Annotated[str, typer.Option(metavar="URI", help="Folder or s3:// URI of the result tables.")]
Host = Annotated[str, typer.Option(help="Address that the API listens on; others than loopback need API keys.")]
Port = Annotated[int, typer.Option(min=1, max=65535, help="Port of the API.")]
Cpus = Annotated[int | None, typer.Option(min=1, max=4096, help="Processors to plan with; all of them by default.")]
Address = Annotated[str | None, typer.Option(help="Join the Ray that runs there instead of starting one.")]
Machines = Annotated[int, typer.Option(min=1, max=1000, help="Machines that serve the API; several with --address.")]
Block = Annotated[bool, typer.Option("--block", help="Stay as long as it is up; SIGTERM or Ctrl-C ends it.")]

STORE_BYTES = 1 << 30
"""Of the object store: frames under way of sixteen streams."""
_LOOK_SECONDS = 1.0
"""Between two looks at whether it is still there."""


def up(
    results: Results = "./sightline-results", host: Host = "127.0.0.1", port: Port = 8080, cpus: Cpus = None,
    address: Address = None, api_machines: Machines = 1, block: Block = False,
) -> None:  # fmt: skip
    """Start the cluster on this machine: Ray, the supervisor and the API. Only this machine can reach it."""
    with told_apart():
        from cluster.sources import UsageError, results_uri
        from serve.client import local_state

        if block and address is not None:
            raise UsageError("--block: a Ray that is joined is not ended by this command; leave one of the two out")
        if api_machines > 1 and address is None:
            raise UsageError("--api-machines: a Ray that is started here has one machine; name yours with --address")
        if api_machines > 1 and host not in {"0.0.0.0", "::"}:
            raise UsageError(f"--api-machines: no other machine has --host {host}; give --host 0.0.0.0 (or ::)")
        known = local_state.read()
        if known is not None and _holds(known):
            raise CommandFailedError(f"it is up already at {known.url}; `sightline down` ends it")
        state = _start(results_uri(results), host, port, cpus, address, api_machines)
        if known is not None:
            ownkey.forget(_keys(), known)
        local_state.write(state)
        print(f"up: {state.url}  results: {state.results}")
        how = "`sightline submit SOURCE...` watches a source, `sightline watch` shows, `sightline down` ends it"
        print(how, flush=True)
        if block:
            _stay(state)


def down() -> None:
    """End what `sightline up` started, and nothing else. Jobs and results stay: `sightline up` goes on with them."""
    with told_apart():
        from serve.client import local_state

        known = local_state.read()
        if known is None:
            raise CommandFailedError("nothing is up: no `sightline up` of this user is known here")
        ended = _end(known)
        _forget(known)
        print(f"down: {known.url}" if ended else f"{known.url} was gone already")


def _forget(known: LocalState) -> None:
    from serve.client import local_state

    ownkey.forget(_keys(), known)
    local_state.remove()


def _keys() -> Path:
    from serve.client import local_state

    return local_state.path().with_name("keys.json")


def _stay(state: LocalState) -> None:
    """Wait until SIGTERM or Ctrl-C comes, and end what was started.

    Raises:
        CommandFailedError: It has ended by itself.
    """
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        while _holds(state):
            time.sleep(_LOOK_SECONDS)
    except KeyboardInterrupt:
        _end(state)
        _forget(state)
        print(f"down: {state.url}")
        return
    finally:
        signal.signal(signal.SIGTERM, before)
    raise CommandFailedError(f"Ray has ended; see {_keys().with_name('ray.log')}")


def _start(
    results: str, host: str, port: int, cpus: int | None, address: str | None, machines: int
) -> LocalState:  # fmt: skip
    from actors.storage import located
    from cluster import loopback
    from cluster.head import Head, HeadError, start, stop
    from serve.client import local_state

    folder = local_state.path().parent
    token = folder / "token"
    sources, settings = _settings(open_=_is_open(host, _keys()))
    head = Head(0, "", address or "", "", "")
    if address is None:
        loopback.write_token(token)
        loopback.prepare(token)
        try:
            head = start(folder / "ray.log", loopback.environment(token), cpus, STORE_BYTES)
        except HeadError as error:
            raise CommandFailedError(str(error)) from error
    try:
        from serve.app import deploy

        url = deploy(head.address, located(results), sources, settings, _keys(), host, port, machines)
        key = None if settings.open_on_loopback else ownkey.make(_keys())
    except BaseException:
        stop(head)
        raise
    return local_state.LocalState.model_validate({
        "url": url, "results": located(results), "pid": head.pid, "mark": head.mark, "address": head.address,
        "dashboard": head.dashboard, "folder": head.folder, "token": str(token), "key": key,
    })  # fmt: skip


def _is_open(host: str, keys: Path) -> bool:
    """Whether the API asks for no key: on loopback, as long as there are none.

    Raises:
        CommandFailedError: It would be open to others.
    """
    from serve.api.auth import FileKeys

    known = bool(FileKeys(keys).all())
    try:
        local = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = False
    if not local and not known:
        why = f"--host {host}: others could reach it without a key; make one: `sightline keys add NAME`"
        raise CommandFailedError(why)
    return local and not known


def _settings(*, open_: bool) -> tuple[Sources, ApiSettings]:
    """What may be watched, and how the API is set up.

    Raises:
        CommandFailedError: The environment says something that makes no sense.
    """
    from pydantic import ValidationError

    from cluster import bucketurl
    from cluster.allowed import Sources
    from cluster.settings import Chunks
    from serve.api.settings import ApiSettings

    trusted = Sources(allowed_roots=(Path("/"),), allowed_networks=("public", "private", "loopback"))
    try:
        if (chunks := Chunks()).bucket is not None:
            bucketurl.of(chunks)
        return trusted if open_ else Sources(), ApiSettings(open_on_loopback=open_)
    except ValidationError as error:
        told = "; ".join(f"{flaw['loc'][0]}: {flaw['msg']}" for flaw in error.errors(include_url=False))
        raise CommandFailedError(f"a setting of the environment, SIGHTLINE_..., is not valid: {told}") from error


def _holds(known: LocalState) -> bool:
    """Whether what was started is still there; of a Ray that was joined that is not known, and it is joined again."""
    from cluster.head import alive

    return alive(_head(known))


def _end(known: LocalState) -> bool:
    from cluster.head import stop

    head = _head(known)
    if not head.pid:
        return _withdrawn(head.address)
    return stop(head)


def _withdrawn(address: str) -> bool:
    """End what runs on a Ray that was joined, and leave that as it is; False: it is gone."""
    from serve.app import withdraw

    try:
        withdraw(address)
    except ConnectionError:
        return False
    return True


def _head(known: LocalState) -> Head:
    from cluster.head import Head

    kept = {name: str(value) for name, value in (known.model_extra or {}).items()}
    return Head(known.pid, *(kept.get(name, "") for name in ("mark", "address", "dashboard", "folder")))

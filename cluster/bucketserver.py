"""An S3 server on the loopback for as long as it is needed: moto's, in a process of its own.

It keeps objects in memory, and ends with the process that began it, however that ends.
"""

from __future__ import annotations

import logging
import os
import re
import secrets
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

BUCKET = "sightline"
_START_SECONDS = 60.0
_REQUEST = re.compile(r"(HEAD|GET|PUT|POST|DELETE) \S+(?= HTTP)")


class ServerMissing(Exception):
    """The server is not installed, or does not start; the message says what to do."""


@dataclass(frozen=True, slots=True)
class BucketServer:
    """One that runs. ``url`` names an empty bucket on it, credentials included."""

    port: int
    pid: int
    url: str = field(repr=False)


@contextmanager
def bucket_server(log: Path | None = None, port: int = 0) -> Iterator[BucketServer]:
    """Start a server on 127.0.0.1, give its bucket, and end it.

    Args:
        log: Where each request's method and path are written, a line each, if anywhere.
        port: Of the server; any free one if 0.

    Raises:
        ServerMissing: It cannot be started.
    """
    if find_spec("moto") is None or find_spec("flask") is None:
        raise ServerMissing("no S3 server is installed: pip install 'sightline[bucket]', or name a bucket by --bucket")
    command = [sys.executable, "-P", __file__, str(port), *([str(log)] if log else [])]
    pipe = subprocess.PIPE
    child = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True)
    try:
        assert child.stdout is not None
        killer = threading.Timer(_START_SECONDS, child.kill)
        killer.start()
        answer = child.stdout.readline().strip()
        killer.cancel()
        if not answer:
            raise ServerMissing(f"the S3 server does not start; see what `{sys.executable} {__file__}` says")
        key, secret = f"key{secrets.token_hex(10)}", secrets.token_hex(20)
        where = f"?scheme=http&endpoint_override=127.0.0.1:{answer}&region=us-east-1"
        yield BucketServer(int(answer), child.pid, f"s3://{key}:{secret}@{BUCKET}{where}")
    finally:
        child.kill()
        child.communicate()


def _serve(port: int, log: Path | None) -> None:
    """Serve until standard input ends. The port goes to standard output once requests are answered."""
    from moto.server import ThreadedMotoServer

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found = _REQUEST.search(record.getMessage())
            if log is not None and found:
                with log.open("a") as target:
                    target.write(found[0] + "\n")

    requests = logging.getLogger("werkzeug")
    requests.handlers, requests.propagate = [Lines()], False
    requests.setLevel(logging.INFO)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    made = urllib.request.Request(f"http://127.0.0.1:{port}/{BUCKET}", method="PUT")
    urllib.request.urlopen(made, timeout=_START_SECONDS).close()
    print(port, flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    _serve(int(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)

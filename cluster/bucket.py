"""A bucket over the S3 protocol: objects put, got and removed. Every request is counted, bounded and tried again.

Counted is what pyarrow's client really sends, by the classes in which S3 sells requests
(https://aws.amazon.com/s3/pricing/): PUT, COPY, POST and LIST; GET and all others; deleting is free. An object of more
than 10 MiB is sent in parts of that, each a PUT, between two POSTs. Reading is a HEAD and a GET.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import pyarrow as pa
import pyarrow.fs as pafs
import stamina

from actors.hop import HopBroken
from actors.storage import one_line
from actors.url import redact
from cluster.bucketurl import BucketUrl

T = TypeVar("T")

CONNECT_SECONDS = 5.0
STALL_SECONDS = 10.0
"""A request through which nothing has come for so long has failed."""
PATIENCE_SECONDS = 60.0
"""How long a request is tried again."""
PART_BYTES = 10 << 20
"""Of an object that is sent in parts (of the last one: at most)."""

_PERMANENT = (
    (r"NO_SUCH_BUCKET|NoSuchBucket|bucket does not exist", "there is no such bucket: make it, or name another"),
    (
        r"INVALID_ACCESS_KEY_ID|InvalidAccessKeyId|SIGNATURE_DOES_NOT_MATCH|SignatureDoesNotMatch|ExpiredToken"
        r"|INVALID_SIGNATURE|credentials",
        "its credentials are missing or wrong: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    ),
    (r"ACCESS_DENIED|AccessDenied|HTTP status 40[13]", "it may not be used by these credentials"),
    (r"HTTP status 411", "it takes no objects as they are sent: set AWS_REQUEST_CHECKSUM_CALCULATION=when_required"),
)  # fmt: skip
_FULL = re.compile(r"HTTP status 507|full|quota|InsufficientStorage|no space", re.IGNORECASE)

log = logging.getLogger(__name__)


class BucketError(HopBroken):
    """The bucket does not do what it must. The message is one line with its URL, without secrets, and a remedy."""


@dataclass(slots=True)
class Requests:
    """Requests made of a bucket, by the class they are sold in, and bytes of the objects that they carried."""

    put: int = 0
    get: int = 0
    list: int = 0
    delete: int = 0
    bytes_put: int = 0
    bytes_got: int = 0


class Bucket:
    """A bucket, and the requests that were made of it through this value."""

    def __init__(self, url: BucketUrl, patience_seconds: float = PATIENCE_SECONDS) -> None:
        """Nothing is asked yet.

        Args:
            url: Where it is.
            patience_seconds: How long a request is tried again, with growing waits, before it has failed.
        """
        self.url, self.requests = url, Requests()
        self._patience = patience_seconds

    def put(self, name: str, data: pa.Buffer) -> None:
        """Write an object, whole or not at all.

        Raises:
            BucketError: It cannot be written.
        """
        path = f"{self.url.base}/{name}"
        parts = -(-data.size // PART_BYTES)

        def write() -> None:
            self.requests.put += 1 if data.size < PART_BYTES else parts + 2
            with _files(self.url).open_output_stream(path) as target:
                target.write(data)

        self._tried("written", write)
        self.requests.bytes_put += data.size

    def get(self, name: str, size: int | None = None) -> pa.Buffer:
        """Read an object.

        Args:
            name: As it was put.
            size: Bytes that it must have. Some servers store the frames of a checksum among the bytes.

        Raises:
            BucketError: It cannot be read, is not there, or is not what was put.
        """
        path = f"{self.url.base}/{name}"

        def read() -> pa.Buffer:
            self.requests.get += 1
            with _files(self.url).open_input_file(path) as source:
                self.requests.get += 1
                return source.read_buffer()

        data = self._tried("read", read)
        self.requests.bytes_got += data.size
        if size is not None and data.size != size:
            raise BucketError(
                f"{self.url.text}: gives back {data.size} bytes of {size} that were put: set "
                "AWS_REQUEST_CHECKSUM_CALCULATION=when_required, or name a bucket of another server"
            )
        return data

    def remove(self, folder: str) -> None:
        """Remove a folder and all (at most a thousand) objects right in it, if it is there.

        Raises:
            BucketError: It cannot be removed.
        """

        def delete() -> None:
            self.requests.get += 1
            self.requests.list += 1
            try:
                _files(self.url).delete_dir(f"{self.url.base}/{folder}")
            except FileNotFoundError:
                return
            self.requests.delete += 2
            self.requests.put += bool(self.url.prefix)  # the client then makes the prefix a folder, if an empty one

        self._tried("cleared", delete)

    def folders(self) -> list[str]:
        """Folders right under the prefix.

        Raises:
            BucketError: They cannot be listed.
        """
        selector = pafs.FileSelector(self.url.base, allow_not_found=True)

        def look() -> list[pafs.FileInfo]:
            self.requests.list += 1
            found: list[pafs.FileInfo] = _files(self.url).get_file_info(selector)
            self.requests.list += len(found) // 1000
            return found

        return [info.base_name for info in self._tried("listed", look) if info.type == pafs.FileType.Directory]

    def _tried(self, done: str, action: Callable[[], T]) -> T:
        """Do it until it is done, or patience is at its end, or trying again cannot help."""
        stamina.instrumentation.set_on_retry_hooks(())  # what goes wrong is said here, in one line
        try:
            for attempt in stamina.retry_context(
                on=_passing, attempts=None, timeout=self._patience, wait_initial=0.2, wait_max=5.0, wait_jitter=0.5
            ):
                with attempt:
                    if attempt.num > 1:
                        log.warning("%s: trying again (attempt %d)", self.url.text, attempt.num)
                    return action()
        except (OSError, pa.ArrowException) as error:
            raise BucketError(self._worded(done, error)) from error
        raise AssertionError("unreachable")

    def _worded(self, done: str, error: Exception) -> str:
        text = redact(one_line(error))
        if isinstance(error, FileNotFoundError):
            return f"{self.url.text}: an object is gone: its server, or a rival run of the stream, lost it ({text})"
        if remedy := _permanent(text):
            return f"{self.url.text}: {remedy} ({text})"
        why = "it is full: make room" if _FULL.search(text) else "see that its server is up"
        return (
            f"{self.url.text}: cannot be {done}, tried for {self._patience:g} s: {why}, then run the same command "
            f"again: what was committed is whole ({text})"
        )


def _permanent(text: str) -> str | None:
    return next((remedy for pattern, remedy in _PERMANENT if re.search(pattern, text)), None)


def _passing(error: Exception) -> bool:
    """Whether waiting may mend it."""
    if isinstance(error, FileNotFoundError):
        return False
    return isinstance(error, OSError) and _permanent(one_line(error)) is None


@lru_cache(maxsize=8)
def _files(url: BucketUrl) -> pafs.S3FileSystem:
    """A client. Its own retries are off, as they could not be counted.

    Servers other than AWS's get no checksums behind an object's bytes: some refuse them, others store them in it.
    """
    if url.foreign:
        os.environ.setdefault("AWS_REQUEST_CHECKSUM_CALCULATION", "when_required")
        os.environ.setdefault("AWS_RESPONSE_CHECKSUM_VALIDATION", "when_required")
    return pafs.S3FileSystem(
        access_key=url.key, secret_key=url.secret, endpoint_override=url.endpoint, scheme=url.scheme,
        region=url.region, connect_timeout=CONNECT_SECONDS, request_timeout=STALL_SECONDS,
        allow_delayed_open=True, background_writes=False, retry_strategy=pafs.AwsStandardS3RetryStrategy(1),
    )  # fmt: skip

"""A bucket as a user names it: ``s3://bucket/prefix``, where it is served, and by whose credentials."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from actors.url import shown
from cluster.settings import Chunks
from cluster.sources import UsageError

OPTIONS = ("endpoint_override", "region", "scheme")
"""What may stand behind the question mark."""

NEEDED = (
    "the shape staged carries frames through a bucket: name one by --bucket s3://BUCKET/PREFIX or SIGHTLINE_BUCKET. "
    "Anyone can start one: pip install 'moto[server]', moto_server, curl -X PUT http://127.0.0.1:5000/chunks; then set "
    "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to anything, and name "
    "'s3://chunks?scheme=http&endpoint_override=127.0.0.1:5000'"
)
"""Said to who asks for the shape ``staged`` and names no bucket."""

NEEDED_THERE = (
    "the shape staged carries frames through a bucket, and this cluster has none: set SIGHTLINE_BUCKET to "
    "s3://BUCKET/PREFIX where `sightline up` or `ray up` is run, on every node, or submit another shape"
)
"""Said to who submits a job of the shape ``staged`` to a cluster without a bucket."""

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,62}")
_FORM = "write it as s3://BUCKET/PREFIX, with ?scheme=http&endpoint_override=HOST:PORT for another server than AWS"


@dataclass(frozen=True, slots=True)
class BucketUrl:
    """Where chunks lie. Credentials that are None come from the environment, as AWS's own tools find them.

    ``prefix`` is '' or a path without slashes at its ends. ``text`` is the URL without its secrets.
    """

    bucket: str
    prefix: str
    text: str
    endpoint: str | None = None
    scheme: str = "https"
    region: str | None = None
    key: str | None = field(default=None, repr=False)
    secret: str | None = field(default=None, repr=False)

    @property
    def base(self) -> str:
        """Bucket and prefix, as paths begin."""
        return f"{self.bucket}/{self.prefix}" if self.prefix else self.bucket

    @property
    def foreign(self) -> bool:
        """Whether another server than AWS's may be meant."""
        return bool(self.endpoint or os.environ.get("AWS_ENDPOINT_URL") or os.environ.get("AWS_ENDPOINT_URL_S3"))


def of(chunks: Chunks) -> BucketUrl:
    """The bucket that is set.

    Raises:
        UsageError: None is, or what is set is no bucket's URL.
    """
    if chunks.bucket is None:
        raise UsageError(NEEDED)
    return parse(chunks.bucket.get_secret_value())


def parse(text: str) -> BucketUrl:
    """Read a bucket's URL.

    Raises:
        UsageError: It is none; the message says how to write it, and tells no secret.
    """
    try:
        parts = urlsplit(text)
        key, secret = parts.username, parts.password
    except ValueError as error:
        raise UsageError(f"{shown(text)}: is not a valid URL; {_FORM}") from error
    bucket = parts.netloc.rpartition("@")[2]
    if parts.scheme != "s3" or not _BUCKET.fullmatch(bucket):
        raise UsageError(f"{shown(text)}: is no bucket; {_FORM}")
    if (key is None) != (secret is None):
        raise UsageError(f"{shown(text)}: gives half of the credentials; write s3://KEY:SECRET@BUCKET, or neither")
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    if unknown := sorted(given.keys() - set(OPTIONS)):
        raise UsageError(f"{shown(text)}: has the unknown option {unknown[0]}; allowed are {', '.join(OPTIONS)}")
    scheme, _, endpoint = given.get("endpoint_override", "").rpartition("://")
    scheme = scheme or given.get("scheme", "https")
    if scheme not in ("http", "https"):
        raise UsageError(f"{shown(text)}: has the unknown scheme {scheme}; allowed are http, https")
    return BucketUrl(
        bucket, parts.path.strip("/"), shown(text), endpoint or None, scheme,
        given.get("region") or ("us-east-1" if endpoint else None),
        None if key is None else unquote(key), None if secret is None else unquote(secret),
    )  # fmt: skip

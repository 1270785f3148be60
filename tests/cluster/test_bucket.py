"""A bucket: what is counted is what the server was asked; what goes wrong is tried again, then said in one line."""

import socket
import time
from contextlib import contextmanager

import pyarrow as pa
import pytest

from cluster import bucketurl
from cluster.bucket import PART_BYTES, Bucket, BucketError
from cluster.bucketserver import bucket_server
from cluster.sources import UsageError
from tests.cluster.outages import Between

CLASSES = {"PUT": "put", "POST": "put", "HEAD": "get", "GET": "get", "DELETE": "delete"}


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    return tmp_path_factory.mktemp("log") / "requests"


@pytest.fixture(scope="module")
def server(log):
    with bucket_server(log) as running:
        yield running


def asked(log):
    """What the server was asked since this was called last, by class."""
    counts = dict.fromkeys(("put", "get", "list", "delete"), 0)
    for line in log.read_text().splitlines():
        method, path = line.split(" ", 1)
        kind = "list" if "list-type" in path else "delete" if path.endswith("?delete") else CLASSES[method]
        counts[kind] += 1
    log.write_text("")
    return counts


def counted(bucket):
    made = bucket.requests
    return {"put": made.put, "get": made.get, "list": made.list, "delete": made.delete}


@pytest.mark.parametrize("prefix", ["", "/some/prefix"])
@pytest.mark.parametrize("size", [1, 300, PART_BYTES - 1, PART_BYTES, 2 * PART_BYTES + 5])
def test_every_request_is_counted(server, log, prefix, size):
    asked(log)
    bucket = Bucket(bucketurl.parse(server.url.replace("@sightline", f"@sightline{prefix}")))
    data = bytes(range(256)) * (size // 256) + bytes(size % 256)
    bucket.put("run.0/1-chunk", pa.py_buffer(data))
    bucket.put("run.0/2-chunk", pa.py_buffer(b"other"))
    assert counted(bucket) == asked(log)
    assert bucket.get("run.0/1-chunk", size).to_pybytes() == data
    assert counted(bucket)["get"] == asked(log)["get"] == 2
    assert "run.0" in bucket.folders()
    bucket.remove("run.0")
    bucket.remove("run.0")
    assert "run.0" not in bucket.folders()
    now = counted(bucket)
    seen = asked(log)
    assert (now["list"], now["delete"]) == (seen["list"], seen["delete"])
    assert now["get"] - 2 == seen["get"]
    assert (bucket.requests.bytes_put, bucket.requests.bytes_got) == (size + 5, size)


def test_what_is_not_what_was_put_is_refused(server):
    bucket = Bucket(bucketurl.parse(server.url))
    bucket.put("x", pa.py_buffer(b"12345"))
    with pytest.raises(BucketError, match=r"gives back 5 bytes of 4 .*CHECKSUM"):
        bucket.get("x", 4)


def test_an_outage_is_waited_for(server):
    with Between(server.port) as between:
        bucket = Bucket(bucketurl.parse(between.url(server.url)), patience_seconds=20)
        between.refuse("503 Slow Down", times=1)
        bucket.put("y", pa.py_buffer(b"1"))
        between.refuse(None, times=2)
        assert bucket.get("y", 1).to_pybytes() == b"1"
        assert bucket.requests.put >= 2
        assert bucket.requests.get >= 3


@pytest.mark.parametrize(
    ("answer", "said"),
    [("503 Slow Down", "see that its server is up"), ("507 Insufficient Storage", "is full: make room"),
     (None, "see that its server is up")],
)  # fmt: skip
def test_what_is_not_mended_in_time_is_said(server, answer, said):
    with Between(server.port) as between:
        bucket = Bucket(bucketurl.parse(between.url(server.url)), patience_seconds=1)
        between.refuse(answer)
        began = time.monotonic()
        with pytest.raises(BucketError, match=said) as raised:
            bucket.put("z", pa.py_buffer(b"1"))
        assert 0.5 < time.monotonic() - began < 40
        assert_no_secret(str(raised.value), server.url)


@pytest.mark.parametrize(
    ("answer", "said"), [("403 Forbidden", "may not be used"), ("411 Length Required", "CHECKSUM")]
)  # fmt: skip
def test_what_waiting_does_not_mend_is_said_at_once(server, answer, said):
    with Between(server.port) as between:
        bucket = Bucket(bucketurl.parse(between.url(server.url)), patience_seconds=60)
        between.refuse(answer)
        with pytest.raises(BucketError, match=said):
            bucket.put("z", pa.py_buffer(b"1"))
        assert bucket.requests.put == 1


def test_a_bucket_that_is_not_there(server):
    bucket = Bucket(bucketurl.parse(server.url.replace("@sightline?", "@nosuch?")), patience_seconds=60)
    with pytest.raises(BucketError, match="no such bucket") as raised:
        bucket.put("z", pa.py_buffer(b"1"))
    assert_no_secret(str(raised.value), server.url)
    with pytest.raises(BucketError, match="is gone"):
        Bucket(bucketurl.parse(server.url)).get("never-put")


def test_a_server_that_says_nothing(monkeypatch):
    monkeypatch.setattr("cluster.bucket.STALL_SECONDS", 1.0)
    with _silent() as port:
        bucket = Bucket(bucketurl.parse(f"s3://key:secret@bucket?scheme=http&endpoint_override=127.0.0.1:{port}"), 0.5)
        began = time.monotonic()
        with pytest.raises(BucketError):
            bucket.put("z", pa.py_buffer(b"1"))
        assert time.monotonic() - began < 40


@contextmanager
def _silent():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def assert_no_secret(text, url):
    key, _, rest = url.removeprefix("s3://").partition(":")
    assert key not in text
    assert rest.partition("@")[0] not in text


def test_a_url_is_read():
    url = bucketurl.parse("s3://key:s%2Fcret@my-bucket/a/b/?endpoint_override=http://host:9000")
    assert (url.base, url.endpoint, url.scheme, url.key, url.secret) == (
        "my-bucket/a/b", "host:9000", "http", "key", "s/cret",
    )  # fmt: skip
    assert url.foreign
    assert "cret" not in f"{url} {url.text}"
    plain = bucketurl.parse("s3://my-bucket?region=eu-west-1")
    assert (plain.base, plain.scheme, plain.region, plain.key) == ("my-bucket", "https", "eu-west-1", None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("bucket", "is no bucket"), ("http://bucket", "is no bucket"), ("s3://", "is no bucket"),
        ("s3://key@bucket", "half of the credentials"), ("s3://k:hush@bucket?endpiont=x", "unknown option endpiont"),
        ("s3://k:hush@bucket?scheme=ftp", "unknown scheme ftp"),
    ],
)  # fmt: skip
def test_what_is_no_bucket_is_refused(text, said):
    with pytest.raises(UsageError, match=said) as raised:
        bucketurl.parse(text)
    assert "hush" not in str(raised.value)


def test_a_server_ends_with_who_began_it():
    with bucket_server() as running:
        assert running.pid > 0
        with socket.create_connection(("127.0.0.1", running.port), timeout=5):
            pass
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", running.port), timeout=1).close()

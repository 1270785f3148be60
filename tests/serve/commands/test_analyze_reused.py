"""`analyze --shape colocated` of more streams than `--jobs`: decoders are used again; one that died is replaced."""

import json
import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest

from actors.verify import verify
from cluster.analysis import analyse
from cluster.job import Analysis
from tests.equal import assert_equal, unexplained
from tests.senders import HttpServer, paced
from tests.serve.defective import defective
from tests.serve.killing import family
from tests.serve.running import DEADLINE, begun, command

pytestmark = [pytest.mark.ray, pytest.mark.timeout(600)]

CLIPS = ("plain.mp4", "flipped.ts", "lost.ts", "jump.ts", "gaps.mp4", "wrap.ts")
LEAST = {"video": 1000, "audio": 400, "packets": 1500, "freeze": 3, "black": 3, "silence": 3, "incidents": 20}


def test_more_streams_than_jobs_give_what_fused_gives(tmp_path):
    clips, fused = [str(defective(name)) for name in CLIPS], str(tmp_path / "fused")
    documents = list(analyse(clips, Analysis(results=fused, jobs=1)))
    assert {document["status"] for document in documents} == {"completed"}
    status, out, said = command("analyze", *clips, "--json", "--jobs", "2", "--shape", "colocated", cwd=tmp_path)
    assert (status, said) == (0, "")
    streams = json.loads(out)["streams"]
    assert [stream["status"] for stream in streams] == ["completed"] * len(CLIPS)
    assert all(stream["usage"]["bytes_object_store"] > 0 for stream in streams)
    results = str(tmp_path / "sightline-results")
    assert verify(results) == []
    assert unexplained(results) == {}
    assert assert_equal(results, fused, **LEAST).streams == len(CLIPS)


@pytest.mark.slow
def test_after_a_decoder_has_died_its_place_is_taken_by_another(tmp_path):
    with HttpServer() as server:
        server.routes["/lost.ts"] = paced(defective("lost.ts").read_bytes(), 40)
        given = (server.url("/lost.ts"), defective("wrap.ts"), defective("flipped.ts"), "--json", "--jobs", "1")
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with begun("analyze", *given, "--shape", "colocated", cwd=tmp_path, **pipes) as process:
            until = time.monotonic() + DEADLINE
            while not server.asked or not (decoders := decoding(process.pid)):
                assert time.monotonic() < until
                time.sleep(0.1)
            os.kill(decoders[0], signal.SIGKILL)
            out, _ = process.communicate(timeout=DEADLINE)
    died, *others = json.loads(out)["streams"]
    assert (died["status"], died["error"]) == ("failed", f"{server.url('/lost.ts')}: its decoder crashed")
    assert [stream["status"] for stream in others] == ["completed"] * 2
    assert verify(str(tmp_path / "sightline-results")) == []


def decoding(process):
    """Processes among its descendants that decode."""
    found = []
    for pid in family(process):
        with suppress(FileNotFoundError, ProcessLookupError):
            if Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"ray::DecoderActor"):
                found.append(pid)
    return found

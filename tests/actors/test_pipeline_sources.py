"""Playlists and servers through the whole pipeline."""

import pytest

from cluster.analysis import analyse
from cluster.job import Analysis
from tests.actors.channel import record
from tests.senders import HttpServer, bytes_of, clip

SECONDS = 12
"""Five segments of 2.4 s; seconds 3 to 5 are black."""


@pytest.fixture(scope="module")
def segments(tmp_path_factory):
    """The bytes of five segments of one stream."""
    folder = tmp_path_factory.mktemp("segments")
    record(str(folder / "all.m3u8"), "hls", SECONDS, {"hls_time": "2.35", "hls_list_size": "0"})
    found = [path.read_bytes() for path in sorted(folder.glob("*.ts"))]
    assert len(found) == 5
    return found


@pytest.fixture
def server():
    with HttpServer() as running:
        yield running


def playlist(server, segments, *lines):
    """Serve a playlist: numbers of segments, and tags. Segments that are not in ``segments`` are missing."""
    for number, data in segments.items():
        server.routes[f"/s{number}.ts"] = bytes_of(data)
    body = "".join(f"{line}\n" if isinstance(line, str) else f"#EXTINF:2.4,\ns{line}.ts\n" for line in lines)
    text = f"#EXTM3U\n#EXT-X-TARGETDURATION:3\n{body}#EXT-X-ENDLIST\n"
    server.routes["/all.m3u8"] = bytes_of(text.encode())
    return server.url("/all.m3u8")


def analysed(source, folder):
    (document,) = analyse([str(source)], Analysis(results=str(folder), jobs=1))
    return document


def found(document, detector):
    return [(i["start_seconds"], i["end_seconds"]) for i in document["incidents"] if i["detector"] == detector]


def unreachable(document):
    return [c for c in document["coverage"] if c["state"] == "unreachable"]


def test_a_playlist_is_one_stream(server, segments, tmp_path):
    document = analysed(playlist(server, dict(enumerate(segments)), 0, 1, 2, 3, 4), tmp_path)
    assert (document["status"], document["error"], document["epochs"]) == ("completed", None, 1)
    assert unreachable(document) == []
    ((start, end),) = found(document, "black")
    assert (start, end - start) == (pytest.approx(3, abs=0.04), pytest.approx(2))
    assert {i["detector"] for i in document["incidents"]} == {"black", "freeze", "scene"}
    video = next(t for t in document["tracks"] if t["track"] == "v:0")
    assert (video["frames"], video["duration_seconds"]) == (300, pytest.approx(12))


@pytest.mark.parametrize("tag", ["#EXT-X-GAP", ""])
def test_a_picture_held_through_a_missing_segment_is_explained_by_the_gap(server, segments, tmp_path, tag):
    there = {number: data for number, data in enumerate(segments) if number != 3}
    incidents = analysed(playlist(server, there, 0, 1, 2, tag, 3, 4), tmp_path)["incidents"]
    (freeze,) = [i for i in incidents if i["detector"] == "freeze" and i["start_seconds"] > 6]
    (gap,) = [i for i in incidents if i["detector"] == "timestamps" and i["track"] == "v:0"]
    assert freeze["end_seconds"] - freeze["start_seconds"] == pytest.approx(2.44, abs=0.05)
    assert (freeze["cause"], freeze["explained_by"]) == ("no_packets", gap["id"])


def test_a_segment_that_is_gone_is_unreachable_and_says_why(server, segments, tmp_path):
    there = {number: data for number, data in enumerate(segments) if number != 3}
    document = analysed(playlist(server, there, 0, 1, 2, 3, 4), tmp_path)
    assert document["status"] == "partial"
    assert "s3.ts" in document["error"]
    assert "404" in document["error"]
    for track in ("v:0", "a:0"):
        (hole,) = [c for c in unreachable(document) if c["track"] == track]
        assert hole["start_seconds"] == pytest.approx(7.2, abs=0.05)
        assert hole["end_seconds"] == pytest.approx(9.6, abs=0.05)
        assert hole["reason"] == document["error"]
    assert len(found(document, "black")) == 1
    gaps = found(document, "timestamps")
    assert len(gaps) == 2
    assert all(end - start == pytest.approx(2.4, abs=0.05) for start, end in gaps)


def test_a_discontinuity_is_a_new_epoch_and_no_defect(server, segments, tmp_path):
    url = playlist(server, dict(enumerate(segments)), 3, 4, "#EXT-X-DISCONTINUITY", 0)
    document = analysed(url, tmp_path)
    assert (document["status"], document["epochs"]) == ("completed", 2)
    assert unreachable(document) == []
    assert {i["detector"] for i in document["incidents"]} <= {"timestamps"}
    jumps = found(document, "timestamps")
    assert all(start == pytest.approx(4.8, abs=0.06) for start, _ in jumps)
    video = next(t for t in document["tracks"] if t["track"] == "v:0")
    assert (video["frames"], video["duration_seconds"]) == (180, pytest.approx(7.2, abs=0.02))


@pytest.mark.parametrize("name", ["bigbuckbunny.mp4", "segment.ts"])
def test_a_server_gives_what_the_file_gives(server, segments, tmp_path, name):
    path = clip(name) if name.endswith("mp4") else tmp_path / name
    if not path.exists():
        path.write_bytes(segments[1])
    server.routes[f"/{name}"] = bytes_of(path.read_bytes())
    here, there = analysed(path, tmp_path / "here"), analysed(server.url(f"/{name}"), tmp_path / "there")
    for key in ("status", "epochs", "tracks", "coverage", "verdicts"):
        assert here[key] == there[key], key
    without_id = [[{**i, "id": None, "explained_by": None} for i in d["incidents"]] for d in (here, there)]
    assert without_id[0] == without_id[1]
    assert here["tracks"]

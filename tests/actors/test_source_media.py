"""Every clip of the shared media folder through the source; run where SIGHTLINE_MEDIA names it."""

import os
from pathlib import Path

import pytest

from actors.source import Packet, SourceError, open_source

MEDIA = Path(os.environ.get("SIGHTLINE_MEDIA", "/nonexistent"))
CLIPS = sorted(path for path in (MEDIA / "real" / "public").rglob("*.*"))
BROKEN = {"mp4_chunk_out_of_range.mp4": "not_media"}
PARTIAL = {"segment_404.m3u8"}

pytestmark = [
    pytest.mark.media,
    pytest.mark.skipif("SIGHTLINE_MEDIA" not in os.environ, reason="SIGHTLINE_MEDIA names no media folder"),
]


@pytest.mark.parametrize("path", CLIPS, ids=lambda path: path.name)
def test_every_real_clip_gives_packets_or_a_clear_line(path):
    if path.name in BROKEN:
        with pytest.raises(SourceError) as caught, open_source(path):
            pass
        assert caught.value.kind == BROKEN[path.name]
        return
    with open_source(path, live=False) as source:
        packets = sum(isinstance(item, Packet) for item in source)
    assert packets >= 10
    assert source.status == ("partial" if path.name in PARTIAL else "completed"), source.reason

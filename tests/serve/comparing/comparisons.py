"""A comparison that was not run: four shapes with figures like those of a minute of 1080p25."""

from collections import Counter

from actors.document import NO_USAGE
from actors.equality import Compared
from cluster.prices import load
from serve.comparing.document import Shown, as_document

FRAMES, FRAME_BYTES = 1500, 1920 * 1080 * 3 // 2
MOVED = FRAMES * FRAME_BYTES
MACHINE = {
    "processor": "Abacus 2", "cores": 2, "memory_bytes": 24 << 30, "system": "Linux", "python": "3.11.7", "load": 0.4,
}  # fmt: skip
TRACK = {
    "track": "v:0", "kind": "video", "codec": "h264", "width": 1920, "height": 1080, "frames": FRAMES,
    "duration_seconds": 60.0,
}  # fmt: skip
USAGES = {
    "fused": {"cpu_decode_seconds": 5.6, "cpu_picture_seconds": 0.9, "cpu_other_seconds": 0.5},
    "colocated": {
        "cpu_decode_seconds": 5.7, "cpu_picture_seconds": 1.9, "cpu_other_seconds": 0.6, "bytes_object_store": MOVED,
    },
    "spread": {
        "cpu_decode_seconds": 5.7, "cpu_picture_seconds": 2.9, "cpu_other_seconds": 0.6, "bytes_object_store": MOVED,
        "bytes_network": MOVED,
    },
    "staged": {
        "cpu_decode_seconds": 9.0, "cpu_picture_seconds": 12.5, "cpu_other_seconds": 2.5, "bytes_bucket": MOVED // 2,
        "batches": 150, "requests_put": 800, "requests_get": 1200, "requests_list": 60, "requests_delete": 400,
        "requests_bucket": 2460,
        "transitions": 1800, "functions": 600, "function_gb_seconds": 310.5,
    },
}  # fmt: skip
JPEG_BYTES = 300_000


def compared(*mismatches):
    rows, events = Counter(video=1500, audio=600, packets=4300), Counter({("black", "opened"): 1})
    return Compared(1, rows, events, 1, 2, 1, list(mismatches))


def ran(shape, *mismatches, jpeg_bytes=None, **usage):
    """A shape that was run, with other figures where they are given."""
    spent = {
        **NO_USAGE, "shape": shape, "media_seconds": 60.0, "wall_seconds": 9.5, "peak_memory_bytes": 350 << 20,
        **USAGES[shape], **usage,
    }  # fmt: skip
    spent["cpu_seconds"] = sum(spent[f"cpu_{stage}_seconds"] for stage in ("decode", "picture", "other"))
    document = {"status": "completed", "error": None, "tracks": [TRACK], "usage": spent}
    return Shown(shape, None, document, compared(*mismatches), jpeg_bytes)


def whole():
    """All four, ``staged`` with JPEG."""
    return [ran("fused"), ran("colocated"), ran("spread"), ran("staged", jpeg_bytes=JPEG_BYTES)]


def documented(*runs, source="clip.mp4", skipped=None):
    return as_document(source, runs or whole(), skipped or {}, load(), MACHINE)

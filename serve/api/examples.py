"""Examples for the API's document, each valid against its model (a test holds it)."""

from __future__ import annotations

from typing import Any

Example = dict[str, Any]

_TAGS = {"team": "sport"}
_SOURCE = "https://live.example.org/channel-1/index.m3u8"

JOB_SPEC: Example = {
    "version": 1, "shape": "auto",
    "defaults": {"detectors": ["black", "freeze", "silence"], "settings": {"freeze": {"minimum_seconds": 4.0}},
                 "tags": _TAGS, "max_lag_seconds": 10.0},
    "streams": [{"source": _SOURCE, "name": "channel-1"}],
    "webhook": {"url": "https://hooks.example.org/sightline", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                "severities": ["critical"]},
}  # fmt: skip

USAGE: Example = {
    "shape": "colocated", "cpu_seconds": 9.42, "cpu_decode_seconds": 5.11, "cpu_picture_seconds": 3.9,
    "cpu_other_seconds": 0.41, "wall_seconds": 6.3, "media_seconds": 60.0, "peak_memory_bytes": 412_000_000,
    "batches": 150, "copies": 150, "bytes_direct": 0, "bytes_object_store": 4_665_600_000, "bytes_network": 0,
    "bytes_bucket": 0, "requests_bucket": 0, "requests_put": 0, "requests_get": 0, "requests_list": 0,
    "requests_delete": 0, "transitions": 0, "functions": 0, "function_gb_seconds": 0.0, "frames_decoded_again": 0,
}  # fmt: skip

JOB: Example = {
    "id": "7f3b0c52a1d94e5c", "status": "running", "created_at": "2026-11-24T07:34:00Z", "shape": "fused",
    "tags": _TAGS,
    "streams": [{"stream": "channel-1", "source": _SOURCE, "status": "running", "error": None}],
    "usage": USAGE,
    "spec": {
        "version": 1, "shape": "auto",
        "defaults": {"detectors": ["black", "freeze", "silence"], "settings": {"freeze": {"minimum_seconds": 4.0}},
                     "tags": _TAGS, "models": None, "max_lag_seconds": 10.0},
        "streams": [{"detectors": None, "settings": {}, "tags": {}, "models": None, "max_lag_seconds": None,
                     "source": _SOURCE, "name": "channel-1"}],
        "webhook": {"url": "https://hooks.example.org/sightline", "severities": ["critical"]},
    },
}  # fmt: skip

CHANGE: Example = {"desired": "stopped", "tags": {"team": "news", "trial": None}}

STREAM: Example = {
    "stream": "channel-1", "job": "7f3b0c52a1d94e5c", "source": _SOURCE, "status": "running", "live": True,
    "shape": "fused", "cell": "cell-0", "position_seconds": 3725.4, "newest_frame_age_seconds": 0.12, "frames": 93135,
    "dropped": 0, "restarts": 0, "open_incidents": 1, "error": None, "tags": _TAGS,
    "usage": None, "processors": {"reserved": 0.2, "by": "settings", "taken": 0.155, "detector": 0.0},
}  # fmt: skip

INCIDENT: Example = {
    "id": "0f2b6f7e-3c38-5d0a-9f0e-5a5c1d7f6a11", "job": "7f3b0c52a1d94e5c", "stream": "channel-1",
    "detector": "freeze", "track": "v:0", "status": "closed", "start_seconds": 3601.2, "end_seconds": 3609.96,
    "opened_at": "2026-11-24T08:34:05.300000Z", "closed_at": "2026-11-24T08:34:11.800000Z", "severity": "critical",
    "peak": 8.76, "unit": "s", "cause": "picture held", "explained_by": None, "message": "frozen for 8.76 s",
    "evidence": {"clip": "/v1/incidents/0f2b6f7e-3c38-5d0a-9f0e-5a5c1d7f6a11/evidence.mkv",
                 "still": "/v1/incidents/0f2b6f7e-3c38-5d0a-9f0e-5a5c1d7f6a11/evidence.jpg"},
}  # fmt: skip

EVENT: Example = {
    "id": "0.4711.2", "kind": "closed", "job": INCIDENT["job"], "stream": INCIDENT["stream"], "incident": INCIDENT,
}  # fmt: skip

MEASUREMENT: Example = {
    "stream": "channel-1", "track": "v:0", "row": 90030, "epoch": 0, "pts": 324108000, "start_seconds": 3601.2,
    "duration_seconds": 0.04, "metrics": {"luma_mean": 97.25, "difference": None},
}  # fmt: skip

COVERAGE: Example = {
    "stream": "channel-1", "job": "7f3b0c52a1d94e5c", "track": "v:0", "start_seconds": 3609.96, "end_seconds": 3625.0,
    "state": "unreachable", "reason": "nothing arrived for 15.0 s",
}  # fmt: skip

DETECTOR: Example = {
    "name": "stalled", "severity": "critical", "tables": ["packets"], "meaning": "No bytes come from the source.",
    "settings": [{"name": "seconds", "default": 5.0, "title": "seconds without a byte",
                  "origin": "Origin: our choice."}],
}  # fmt: skip

FEED = (
    "retry: 2000\nid: 0.4711.1\n\nevent: closed\nid: 0.4711.2\n"
    'data: {"id":"0.4711.2","kind":"closed","job":"7f3b0c52a1d94e5c","stream":"channel-1","incident":{"id":"..."}}\n\n'
    ": nothing new\n\n"
)

DETAILS = {
    401: "send the header Authorization: Bearer slk_PREFIX.SECRET",
    403: "this needs a key with the scope submit; yours has read",
    404: "there is no job '7f3b0c52a1d94e5c'",
    409: "the stream 'channel-1' is watched by the job 7f3b0c52a1d94e5c already",
    413: "a body may have 1048576 bytes",
    422: "query /limit: Input should be less than or equal to 1000",
    429: "too much is asked at once; wait 1 s",
    500: "the request could not be done; the log tells why under the request's id, which is this problem's instance",
    503: "the supervisor does not answer",
}


def page(item: Example, next: str | None) -> Example:
    """A page with one item."""
    return {"items": [item], "next": next}

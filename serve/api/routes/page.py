"""``/`` and ``/page/...``: the dashboard. It holds no data, so anybody may have it; its scripts ask the API."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from typing import NamedTuple

from fastapi import APIRouter, Request, Response

from serve.api.problems import missing

router = APIRouter(include_in_schema=False)

_TYPES = {
    "html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}  # fmt: skip
FIRST = "index.html"


class _File(NamedTuple):
    body: bytes
    media_type: str
    etag: str


def _read() -> dict[str, _File]:
    """Every file of the page by its name. What is served is what is in here, so no path can lead elsewhere."""
    found = {}
    for entry in files("serve").joinpath("page").iterdir():
        media_type = _TYPES.get(entry.name.rpartition(".")[2])
        if entry.is_file() and media_type:
            body = entry.read_bytes()
            found[entry.name] = _File(body, media_type, f'"{hashlib.sha256(body).hexdigest()[:32]}"')
    return found


_FILES = _read()


@router.api_route("/", methods=["GET", "HEAD"])
async def first(request: Request) -> Response:
    """The page."""
    return _served(request, _FILES[FIRST])


@router.api_route("/page/{name}", methods=["GET", "HEAD"])
async def part(request: Request, name: str) -> Response:
    """A style, a script or an image of the page."""
    if name == FIRST or (found := _FILES.get(name)) is None:
        raise missing("file of the page", name)
    return _served(request, found)


def _served(request: Request, file: _File) -> Response:
    headers = {"ETag": file.etag, "Cache-Control": "no-cache"}  # asked for each time, sent only when it is another
    sent = request.headers.get("If-None-Match", "")
    if any(tag.strip().removeprefix("W/") == file.etag for tag in sent.split(",")):
        return Response(status_code=304, headers=headers)
    return Response(file.body, headers=headers, media_type=file.media_type)

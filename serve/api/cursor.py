"""Cursors of paged lists: the key of the last item given, as text that means nothing to others."""

from __future__ import annotations

import base64
import binascii
import json

from serve.api.backend import BadCursor

Key = tuple[str | int | float, ...]


def pack(name: str, key: Key) -> str:
    """The cursor after the item with this key in the list ``name``: letters, digits, ``-`` and ``_``."""
    text = json.dumps([name, *key], separators=(",", ":"), allow_nan=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def unpack(name: str, cursor: str, *types: type[str] | type[int] | type[float]) -> Key:
    """The key that :func:`pack` was given.

    Args:
        name: The list.
        cursor: What a client sent.
        types: Of the key's parts, exactly.

    Raises:
        BadCursor: It is no cursor of this list.
    """
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        packed, *key = json.loads(text)
        if packed == name and [type(part) for part in key] == list(types) and pack(name, tuple(key)) == cursor:
            return tuple(key)
    except (ValueError, TypeError, RecursionError, binascii.Error):
        pass
    raise BadCursor("this cursor was not given for this list; leave it out to begin at the start")

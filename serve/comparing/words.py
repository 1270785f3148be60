"""Numbers of a comparison as people read them: three digits that count, and units that fit."""

from __future__ import annotations

import math

_BYTES = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_THOUSAND = 1024
_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£"}


def number(value: float) -> str:
    """With at least three digits that count, and none behind the point from 100 on."""
    if not value:
        return "0"
    places = max(0, 2 - math.floor(math.log10(abs(float(f"{value:.3g}")))))
    return f"{value:,.{places}f}"


def money(value: float, currency: str) -> str:
    """An amount of money."""
    symbol = _SYMBOLS.get(currency)
    return f"{symbol}{number(value)}" if symbol else f"{number(value)} {currency}"


def size(value: float) -> str:
    """Bytes, in the unit in which they are a number under 1024."""
    step = 0
    while value >= _THOUSAND and step < len(_BYTES) - 1:
        value, step = value / _THOUSAND, step + 1
    return f"{number(value)} {_BYTES[step]}"


def times(value: float | None) -> str:
    """A ratio to ``fused``; a dash where there is none."""
    return "-" if value is None else f"{number(value)} x"


def channel(name: str) -> str:
    """A channel as people call it, by its key: ``bytes_object_store`` is the object store."""
    return name.removeprefix("bytes_").replace("_", " ")

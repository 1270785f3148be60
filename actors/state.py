"""Detector states as text: JSON, exact for integers and floats, never pickle."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import ConfigDict, TypeAdapter, with_config

State = TypeVar("State")

_adapters: dict[type[Any], TypeAdapter[Any]] = {}


def _adapter(kind: type[State]) -> TypeAdapter[State]:
    if kind not in _adapters:
        with_config(ConfigDict(ser_json_inf_nan="constants", extra="forbid"))(kind)
        _adapters[kind] = TypeAdapter(kind)
    return _adapters[kind]


def dump(state: object) -> str:
    """A frozen dataclass of plain values, as one line of JSON."""
    return _adapter(type(state)).dump_json(state).decode()


def load(kind: type[State], text: str) -> State:
    """Read back what :func:`dump` wrote.

    Raises:
        pydantic.ValidationError: If the text is not a state of that kind.
    """
    return _adapter(kind).validate_json(text)

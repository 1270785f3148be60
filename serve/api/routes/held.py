"""What the routes work with: the backend and the settings that the application holds."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from serve.api.backend import Backend
from serve.api.settings import ApiSettings


def _backend(request: Request) -> Backend:
    backend: Backend = request.app.state.backend
    return backend


def _settings(request: Request) -> ApiSettings:
    settings: ApiSettings = request.app.state.settings
    return settings


def _readers(request: Request) -> set[object]:
    readers: set[object] = request.app.state.readers
    return readers


Held = Annotated[Backend, Depends(_backend)]
Settings = Annotated[ApiSettings, Depends(_settings)]
Readers = Annotated[set[object], Depends(_readers)]
"""The responses of all who read events now."""

"""The HTTP API: a plain ASGI application over a :class:`serve.api.backend.Backend`."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import FastAPI

from serve.api.auth import KnownKeys
from serve.api.backend import Backend
from serve.api.guard import BodyLimit, Envelope, Guard
from serve.api.openapi import Api
from serve.api.problems import install
from serve.api.rate import Rate
from serve.api.routes import coverage, events, health, incidents, jobs, measurements, page, reference, streams
from serve.api.settings import ApiSettings


def create_app(backend: Backend, settings: ApiSettings, keys: KnownKeys) -> FastAPI:
    """The application. It starts nothing and owns nothing: the backend lives as long as its caller wants.

    Args:
        backend: Jobs, streams and results.
        settings: ``open_on_loopback`` only where the server is bound to loopback and ``keys`` is empty.
        keys: Who may do what.
    """
    app = Api(
        title="Sightline",
        version=version("sightline"),
        docs_url=None,  # its page takes scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.backend, app.state.settings, app.state.readers = backend, settings, set()
    for part in (jobs, streams, incidents, measurements, coverage, events, reference, health, page):
        app.include_router(part.router)
    install(app, app.methods_at)
    app.add_middleware(BodyLimit)
    rate = Rate(settings.limits.per_second, settings.limits.burst)
    app.add_middleware(Guard, keys=keys, open_on_loopback=settings.open_on_loopback, rate=rate)
    app.add_middleware(Envelope)
    return app

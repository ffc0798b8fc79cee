"""The HTTP application: which routes there are, in which order, behind which edge."""

from __future__ import annotations

import os
from collections.abc import Sequence

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.telemetry import TelemetryConfig

from safelight import __version__
from safelight.http import (
    admin,
    admin_users,
    assets,
    auth,
    auth_oidc,
    catalogue,
    dead_letters,
    farewell,
    jobs,
    keys,
    media,
    service,
    stream,
    uploads,
)
from safelight.http import credits as credits_
from safelight.http.edge import CORS, Edge
from safelight.http.errors import Api, add_error_answers
from safelight.http.reference import add_reference
from safelight.http.shop import Shop
from safelight.http.studio import add_studio

_DESCRIPTION = """\
One dependable API in front of many image models. A submit returns at once; a durable queue does
the work; every stage can be followed live. Errors are RFC 9457 `application/problem+json`.
"""


def create_app(
    shop: Shop | None,
    *,
    hosts: frozenset[str] = frozenset(),
    body_bytes_max: int = 1024 * 1024,
    upload_bytes_max: int = 20 * 1024 * 1024,
    https: bool = False,
    origin: str | None = None,
    cors_origins: Sequence[str] = (),
    image_origins: Sequence[str] = (),
) -> FastAPI:
    """The application over its rooms. Without them (None) only its OpenAPI document is of use.

    hosts: the names it answers to; empty means any. origin: how browsers reach it. cors_origins:
    other sites whose pages may use it. image_origins: where pictures come from besides this host.
    """
    app = Api(
        title="Safelight",
        version=__version__,
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        telemetry=_telemetry(),
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.shop = shop
    for room in (
        jobs,
        stream,
        assets,
        uploads,
        media,
        catalogue,
        credits_,
        auth,
        auth_oidc,
        keys,
        farewell,
        admin,
        admin_users,
        dead_letters,
        service,
    ):
        app.include_router(room.router)
    add_error_answers(app)
    add_reference(app)
    add_studio(app, image_origins=image_origins)
    if cors_origins:
        app.add_middleware(CORSMiddleware, allow_origins=cors_origins, **CORS)
    app.add_middleware(
        Edge,
        hosts=hosts,
        body_bytes_max=body_bytes_max,
        larger={("POST", uploads.PATH): upload_bytes_max + uploads.FRAME_BYTES},
        https=https,
        origin=origin,
        friends=frozenset(cors_origins),
    )
    return app


def _telemetry() -> TelemetryConfig:
    """What FastAPI tells OpenTelemetry: nothing, unless somebody set that up. It would look for a
    set-up with every request, which costs a twentieth of a submit."""
    is_wanted = any(name.startswith(("OTEL_", "FASTAPI_OTEL_")) for name in os.environ)
    return {"tracing": is_wanted, "metrics": is_wanted, "logs": is_wanted}

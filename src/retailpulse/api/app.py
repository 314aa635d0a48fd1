"""Puts the HTTP application together and serves it."""

import asyncio
import contextlib
import logging
import socket

from granian.constants import Interfaces
from granian.server.embed import Server
from litestar import Litestar, get
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.types import ControllerRouterHandler

from retailpulse.api import contract, metrics, v1
from retailpulse.api.errors import answer_http, answer_known, answer_unknown
from retailpulse.api.submitting import Submits
from retailpulse.config.settings import ApiSettings
from retailpulse.domain.errors import ConfigError, RetailPulseError
from retailpulse.domain.images import Depth
from retailpulse.observability.exposition import Metrics
from retailpulse.observability.requests import Application
from retailpulse.service import Service

logger = logging.getLogger(__name__)

CLOSE_SECONDS = 5.0
"""How long requests in flight may take once a stop is asked for; kept-alive connections wait no longer."""


@get("/health/live")
async def live() -> dict[str, str]:
    """Say that the process is up."""
    return {"status": "live"}


@get("/health/ready")
async def ready(service: Service) -> dict[str, str | int]:
    """Say that requests can be served: the database answers and has the right tables; who works on jobs."""
    readiness = await service.readiness()
    return {"status": "ready", "schema": readiness.schema, "workers": readiness.workers}


HANDLERS: list[ControllerRouterHandler] = [
    contract.submit,
    contract.status,
    contract.visits,
    *v1.HANDLERS,
    metrics.metrics,
    live,
    ready,
]


def make_app(service: Service, metrics: Metrics, settings: ApiSettings, default_depth: Depth) -> Litestar:
    """The application over a service that is ready to use."""
    submits = Submits(service, settings, default_depth)
    return Litestar(
        HANDLERS,
        dependencies={
            "service": Provide(lambda: service, sync_to_thread=False),
            "metrics": Provide(lambda: metrics, sync_to_thread=False),
            "api_settings": Provide(lambda: settings, sync_to_thread=False),
            "submits": Provide(lambda: submits, sync_to_thread=False),
        },
        exception_handlers={
            RetailPulseError: answer_known,
            HTTPException: answer_http,
            Exception: answer_unknown,
        },
        request_max_body_size=settings.max_body_bytes,
        openapi_config=None,
        logging_config=None,
    )


async def serve_app(app: Application, settings: ApiSettings, stop: asyncio.Event) -> None:
    """Serves until `stop` is set, then finishes what is in flight; raises ConfigError for a busy port."""
    check_port(settings)
    server = Server(
        app,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGINL,
        websockets=False,
        log_enabled=False,
    )
    serving = asyncio.create_task(server.serve())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not serving.done():
        server.stop()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(serving, CLOSE_SECONDS)


def check_port(settings: ApiSettings) -> None:
    """Raises ConfigError where the address cannot be listened on."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((settings.host, settings.port))
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {settings.host}:{settings.port}: {error.strerror}; "
            "stop what uses it, or choose another with --port"
        ) from error

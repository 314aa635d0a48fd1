"""Puts the HTTP application together and serves it."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from granian.constants import Interfaces
from granian.server.embed import Server
from litestar import Litestar
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.types import ASGIApp, ControllerRouterHandler

from retailpulse.api import contract, health, v1
from retailpulse.api.docs import handlers as docs
from retailpulse.api.docs.files import DocsFiles
from retailpulse.api.errors import answer_http, answer_known, answer_unknown
from retailpulse.api.methods import Methods
from retailpulse.api.openapi import Description, openapi_json
from retailpulse.api.problems import problem_page
from retailpulse.api.submitting import Submits
from retailpulse.config.settings import ApiSettings
from retailpulse.domain.errors import ConfigError, RetailPulseError
from retailpulse.domain.images import Depth
from retailpulse.service import Deliveries, Intake, JobControl, Progress, Results, Service

logger = logging.getLogger(__name__)

CLOSE_SECONDS = 5.0
"""How long requests in flight may take once a stop is asked for; kept-alive connections wait no longer."""


HANDLERS: list[ControllerRouterHandler] = [
    contract.submit,
    contract.status,
    contract.visits,
    *v1.HANDLERS,
    health.live,
    health.ready,
    openapi_json,
    problem_page,
    docs.swagger,
    docs.redoc,
    docs.file,
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Uses:
    """The uses of the service that handlers may ask for, each by its name."""

    service: Service
    intake: Intake
    control: JobControl
    progress: Progress
    results: Results
    deliveries: Deliveries


USES = tuple(field.name for field in fields(Uses))
PROVIDED = (*USES, "api_settings", "submits", "description", "docs_files")
"""The arguments of handlers that the application gives them."""


def make_app(uses: Uses, settings: ApiSettings, default_depth: Depth) -> Litestar:
    """The application over a service that is ready to use."""
    provided: dict[str, Any] = {
        **{name: getattr(uses, name) for name in USES},
        "api_settings": settings,
        "submits": Submits(uses.intake, settings, default_depth),
        "description": Description(HANDLERS, PROVIDED),
        "docs_files": DocsFiles(),
    }
    return Litestar(
        HANDLERS,
        dependencies={name: Provide(_give(value), sync_to_thread=False) for name, value in provided.items()},
        exception_handlers={
            RetailPulseError: answer_known,
            HTTPException: answer_http,
            Exception: answer_unknown,
        },
        request_max_body_size=settings.max_body_bytes,
        openapi_config=None,
        logging_config=None,
    )


def _give(value: Any) -> Callable[[], Any]:
    return lambda: value


async def serve_app(app: ASGIApp, settings: ApiSettings, stop: asyncio.Event) -> None:
    """Serves until `stop` is set, then finishes what is in flight; raises ConfigError for a busy port."""
    check_port(settings)
    server = Server(
        Methods(app),
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

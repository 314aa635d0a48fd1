"""Puts the HTTP application together. Who gets to it is decided before it, in `gate`."""

from collections.abc import Callable
from typing import Any

from litestar import Litestar
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.types import ControllerRouterHandler

from retailpulse.api import contract, health, metrics, v1
from retailpulse.api.docs import handlers as docs
from retailpulse.api.docs.files import DocsFiles
from retailpulse.api.errors import answer_http, answer_known, answer_unknown
from retailpulse.api.openapi import Description, openapi_json
from retailpulse.api.problems import problem_page
from retailpulse.api.submitting import Submits
from retailpulse.config.settings import ApiSettings
from retailpulse.domain.errors import RetailPulseError
from retailpulse.domain.images import Depth
from retailpulse.observability.exposition import Metrics
from retailpulse.service import Results, Service

HANDLERS: list[ControllerRouterHandler] = [
    contract.submit,
    contract.status,
    contract.visits,
    *v1.HANDLERS,
    problem_page,
    health.live,
    health.ready,
    metrics.metrics,
    openapi_json,
    docs.swagger,
    docs.redoc,
    docs.file,
]


PROVIDED = ("service", "results", "metrics", "api_settings", "submits", "description", "docs_files")
"""The arguments of handlers that the application gives them."""


def make_app(
    service: Service, results: Results, metrics: Metrics, settings: ApiSettings, default_depth: Depth
) -> Litestar:
    """The application over a service that is ready to use."""
    provided: dict[str, Any] = {
        "service": service,
        "results": results,
        "metrics": metrics,
        "api_settings": settings,
        "submits": Submits(service, settings, default_depth),
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

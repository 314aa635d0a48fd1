"""Puts the HTTP application together. Which requests reach it is decided before it, in `web.middleware`."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

from litestar import Litestar, Request, Response
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.plugins import PluginProtocol
from litestar.plugins.core import MsgspecDIPlugin
from litestar.types import ControllerRouterHandler

from retailpulse.api import health, v1
from retailpulse.api.docs import handlers as docs
from retailpulse.api.docs.files import DocsFiles
from retailpulse.api.export.writer_process import Exports
from retailpulse.api.held_file_reader import HeldFileReader
from retailpulse.api.legacy import handlers
from retailpulse.api.metrics import metrics as scrape
from retailpulse.api.openapi.document import Description, openapi_json
from retailpulse.api.problem_pages import problem_page
from retailpulse.api.profile import profile_process
from retailpulse.api.submit.handler import SubmitHandler
from retailpulse.api.unknown_parameters import refuse_unknown_parameters
from retailpulse.api.v1.store_files import StoreFiles
from retailpulse.config.settings import ApiSettings
from retailpulse.domain.errors import RetailPulseError
from retailpulse.domain.images import Depth
from retailpulse.metrics.exposition import Metrics
from retailpulse.service import Services
from retailpulse.web.error_responses import answer_http, answer_known, answer_unknown
from retailpulse.web.file_reader import FileReader
from retailpulse.web.middleware.authentication import ApiKeyCache
from retailpulse.web.quotas import Quota

HANDLERS: list[ControllerRouterHandler] = [
    handlers.submit,
    handlers.status,
    handlers.visits,
    *v1.HANDLERS,
    health.live,
    health.ready,
    scrape,
    profile_process,
    openapi_json,
    problem_page,
    docs.swagger,
    docs.file,
]


PROVIDED = (
    *(service.name for service in fields(Services)),
    "metrics",
    "api_settings",
    "store_files",
    "file_reader",
    "submits",
    "event_streams",
    "exports",
    "description",
    "docs_files",
    "api_keys",
)
"""The arguments of handlers that the application gives them."""


class App(Litestar):
    """The framework with msgspec alone: it would load pydantic and attrs wherever they are installed."""

    @staticmethod
    def _get_default_plugins(plugins: list[PluginProtocol]) -> list[PluginProtocol]:
        return [*plugins, MsgspecDIPlugin()]


def make_app(
    services: Services,
    metrics: Metrics,
    settings: ApiSettings,
    default_depth: Depth,
    api_keys: ApiKeyCache,
    more_handlers: Sequence[ControllerRouterHandler] = (),
    answer_unrouted: Callable[[Request[Any, Any, Any], HTTPException], Response[Any]] = answer_http,
) -> Litestar:
    """The application over services that are ready to use; `more_handlers` are another room's.

    `answer_unrouted` answers errors of the framework, such as a path that is not there.
    """
    provided = {
        **{service.name: getattr(services, service.name) for service in fields(services)},
        **_readers(services, settings, default_depth),
        "metrics": metrics,
        "api_settings": settings,
        "event_streams": Quota(
            settings.max_event_streams, settings.key_event_streams, "event streams of one API process"
        ),
        "exports": Exports(settings.spool_dir or None),
        "description": Description(HANDLERS, PROVIDED, lambda: not api_keys.is_open),
        "docs_files": DocsFiles(),
        "api_keys": api_keys,
    }
    return App(
        [*HANDLERS, *more_handlers],
        dependencies={name: Provide(_give(value), sync_to_thread=False) for name, value in provided.items()},
        guards=[refuse_unknown_parameters],
        exception_handlers={
            RetailPulseError: answer_known,
            HTTPException: answer_unrouted,
            Exception: answer_unknown,
        },
        request_max_body_size=settings.max_body_bytes,
        openapi_config=None,
        logging_config=None,
    )


def _readers(services: Services, settings: ApiSettings, default_depth: Depth) -> dict[str, Any]:
    """What reads jobs and store masters, in requests of their own and in files that pages hold."""
    submits = SubmitHandler(
        services.job_submitter, services.submit_preview, services.job_reports, settings, default_depth
    )
    store_files = StoreFiles(settings)
    file_reader: FileReader = HeldFileReader(submits, store_files, services.store_import)
    return {"submits": submits, "store_files": store_files, "file_reader": file_reader}


def _give(value: Any) -> Callable[[], Any]:
    return lambda: value

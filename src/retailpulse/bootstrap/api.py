"""Builds an API process: the application, its services over one database, and the server.

What it is made of is imported when it is built.
"""

import asyncio
import contextlib
import logging
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from retailpulse.bootstrap.access import check_keys
from retailpulse.bootstrap.credentials_key import with_key
from retailpulse.bootstrap.database import check_tables, find_database, find_free_space
from retailpulse.concurrency.outage_log import OutageLog
from retailpulse.config.loading import Loaded, Setting
from retailpulse.config.settings import Settings
from retailpulse.domain.errors import DatabaseUnavailable
from retailpulse.process.loop_heartbeat import watched_loop
from retailpulse.process.loop_watchdog import watch_loop
from retailpulse.process.process_viewer import ProcessViewer
from retailpulse.process.profiled import profiled
from retailpulse.process.signals import LEAVE_SECONDS, exit_within, stop_on_signals
from retailpulse.process.tracing import tracing
from retailpulse.telemetry.tracing import Tracer

if TYPE_CHECKING:
    from retailpulse.metrics.exposition import Metrics
    from retailpulse.service import Machine
    from retailpulse.storage.postgres.database import Database
    from retailpulse.web.ports import Sockets

logger = logging.getLogger(__name__)

WATCHED_AFTER_SECONDS = 5.0
"""So long after its start the event loop of the API is watched: the start itself takes many long turns."""
SWITCH_SECONDS = 0.001
"""So long a thread of the API that reads a large body keeps the interpreter from the event loop, which wants
it many times for one request."""


def run_api_process(
    loaded: Loaded,
    parent_fd: int | None,
    sockets: "Sockets | None" = None,
    *,
    heartbeat_fd: int | None = None,
    profiled_fd: int | None = None,
    profiles_fd: int | None = None,
) -> None:
    """Serves HTTP until a stop, on `sockets` if they listen; its loop is watched as a worker's is.

    By the link `profiled_fd` its parent looks into it, by `profiles_fd` it asks for profiles of all.
    """
    import uvloop

    from retailpulse.measure import check_sandbox
    from retailpulse.service import Machine
    from retailpulse.storage.postgres.database import Database
    from retailpulse.web.ports import check_port

    url, settings = find_database(loaded.settings.database), with_key(loaded.settings)
    check_port(settings.api, sockets)
    sys.setswitchinterval(SWITCH_SECONDS)

    async def run(tracer: Tracer | None) -> None:
        viewer = ProcessViewer(profiles_fd)
        machine = Machine(sandbox_missing=check_sandbox(settings.measure.sandbox), viewer=viewer)
        serve_api = _server_of_api(settings, tuple(loaded.listed()), sockets, heartbeat_fd, tracer, machine)
        stop = stop_on_signals(parent_fd)
        try:
            outages = OutageLog(logger.warning, "the API")
            opened = Database(url, settings.database, is_shared=True, outage_log=outages)
            async with profiled(profiled_fd), viewer.opened(), opened as database:
                await check_tables(database)
                await serve_api(database, stop)
        finally:
            exit_within(LEAVE_SECONDS, 0)

    with tracing("api") as tracer:
        uvloop.run(run(tracer))


def _server_of_api(
    settings: Settings,
    shown_settings: Sequence[Setting],
    sockets: "Sockets | None",
    heartbeat_fd: int | None,
    tracer: Tracer | None,
    machine: "Machine",
) -> Callable[["Database", asyncio.Event], Awaitable[None]]:
    """What serves HTTP over a database until the stop; its loop is judged once all is built."""
    from retailpulse.api.app import make_app
    from retailpulse.dashboard import LiveStreams, make_pages
    from retailpulse.service import ApiKeys, Services, Sessions
    from retailpulse.web.middleware.authentication import ApiKeyCache
    from retailpulse.web.middleware.compression import CompressionMiddleware
    from retailpulse.web.middleware.head_options import HeadOptionsMiddleware
    from retailpulse.web.middleware.logs_and_traces import with_logs_and_traces
    from retailpulse.web.middleware.security import with_security
    from retailpulse.web.server import serve_app

    async def serve_api(database: "Database", stop: asyncio.Event) -> None:
        keys = ApiKeys(database)
        with contextlib.suppress(DatabaseUnavailable):  # until it is known, every request is refused
            await check_keys(keys, settings.api)
        api_keys = ApiKeyCache(keys, Sessions(database), may_be_open=settings.api.may_be_open())
        async with api_keys.running():
            metrics = _metrics_over(database, settings)
            services = Services.over(database, settings, stop, machine)
            live = LiveStreams.over(services, api_keys, settings.api, stop)
            pages = make_pages(services.reviews, lambda: database.away_since, shown_settings, live)
            depth, routers = settings.measure.depth, pages.routers
            app = make_app(services, metrics, settings.api, depth, api_keys, routers, pages.unrouted)
            answering = CompressionMiddleware(HeadOptionsMiddleware(app))
            secured = with_security(answering, api_keys, settings.api, pages.refused)
            whole = metrics.observe(with_logs_and_traces(secured, settings.api, tracer))
            loop_watch = watched_loop(settings.api.stall_seconds, heartbeat_fd)
            async with metrics.reporting(settings.worker.heartbeat_seconds), loop_watch:
                await serve_app(whole, settings.api, stop, sockets)

    return serve_api


def _metrics_over(database: "Database", settings: Settings) -> "Metrics":
    """The metrics of an API process, among them the late turns of the loop that runs."""
    from retailpulse.metrics.exposition import Metrics
    from retailpulse.service.limits import Limits

    free_space = find_free_space(database.url, settings.database)
    metrics = Metrics(database, settings.worker.stale_seconds, Limits.of(settings).scaling, free_space)
    loop = asyncio.get_running_loop()
    loop.call_later(WATCHED_AFTER_SECONDS, watch_loop, metrics.observe_late_turn)
    return metrics

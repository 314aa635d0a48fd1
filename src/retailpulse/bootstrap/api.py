"""Builds an API process: the application, its services over one database, and the server.

What it is made of is imported when it is built.
"""

import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from retailpulse.bootstrap.access import check_keys
from retailpulse.bootstrap.database import check_tables, find_database
from retailpulse.config.settings import ApiSettings, Settings
from retailpulse.domain.errors import DatabaseUnavailable
from retailpulse.process.loop_heartbeat import watched_loop
from retailpulse.process.loop_watchdog import watch_loop
from retailpulse.process.signals import LEAVE_SECONDS, exit_within, stop_on_signals

if TYPE_CHECKING:
    from retailpulse.api.app import Services
    from retailpulse.metrics.exposition import Metrics
    from retailpulse.service import Limits, SubmitTimeout
    from retailpulse.storage.postgres.database import Database
    from retailpulse.web.ports import Sockets

WATCHED_AFTER_SECONDS = 5.0
"""So long after its start the event loop of the API is watched: the start itself takes many long turns."""
SWITCH_SECONDS = 0.001
"""So long a thread of the API that reads a large body keeps the interpreter from the event loop, which wants
it many times for one request."""


def run_api_process(
    settings: Settings,
    parent_fd: int | None,
    sockets: "Sockets | None" = None,
    *,
    heartbeat_fd: int | None = None,
) -> None:
    """Serves HTTP until a stop, on `sockets` if they listen; its loop is watched as a worker's is."""
    import uvloop

    from retailpulse.storage.postgres.database import Database
    from retailpulse.web.ports import check_port

    url = find_database(settings.database)
    check_port(settings.api, sockets)
    serve_api = _server_of_api(settings, sockets, heartbeat_fd)
    sys.setswitchinterval(SWITCH_SECONDS)

    async def run() -> None:
        stop = stop_on_signals(parent_fd)
        asyncio.get_running_loop().call_later(WATCHED_AFTER_SECONDS, watch_loop)
        try:
            async with Database(url, settings.database, is_shared=True) as database:
                await check_tables(database)
                await serve_api(database, stop)
        finally:
            exit_within(LEAVE_SECONDS, 0)

    uvloop.run(run())


def _server_of_api(
    settings: Settings, sockets: "Sockets | None", heartbeat_fd: int | None
) -> Callable[["Database", asyncio.Event], Awaitable[None]]:
    """What serves HTTP over a database until the stop; its loop is judged once all is built."""
    from retailpulse.api.app import make_app
    from retailpulse.metrics.exposition import Metrics
    from retailpulse.service import ApiKeys
    from retailpulse.web.middleware.authentication import ApiKeyCache
    from retailpulse.web.middleware.head_options import HeadOptionsMiddleware
    from retailpulse.web.middleware.security import with_security
    from retailpulse.web.server import serve_app

    async def serve_api(database: "Database", stop: asyncio.Event) -> None:
        keys = ApiKeys(database)
        with contextlib.suppress(DatabaseUnavailable):  # until it is known, every request is refused
            await check_keys(keys, settings.api)
        api_keys = ApiKeyCache(keys, may_be_open=settings.api.may_be_open())
        async with api_keys.running():
            metrics = Metrics(database, settings.worker.stale_seconds)
            services = _make_services(database, settings, stop, metrics)
            app = make_app(services, settings.api, settings.measure.depth, api_keys)
            secured = metrics.observe(with_security(HeadOptionsMiddleware(app), api_keys, settings.api))
            loop_watch = watched_loop(settings.api.stall_seconds, heartbeat_fd)
            async with metrics.reporting(settings.worker.heartbeat_seconds), loop_watch:
                await serve_app(secured, settings.api, stop, sockets)

    return serve_api


def _limits(settings: Settings) -> "Limits":
    from retailpulse.measure import check_sandbox
    from retailpulse.service import Limits

    return Limits(
        sandbox_missing=check_sandbox(settings.measure.sandbox),
        max_unsettled_images=settings.api.max_unsettled_images,
        idempotency_hours=settings.retention.keys_hours,
        stale_seconds=settings.worker.stale_seconds,
    )


def _submit_timeout(api: ApiSettings) -> "SubmitTimeout":
    from retailpulse.service import SubmitTimeout

    return SubmitTimeout(seconds=api.submit_seconds, images_per_second=api.submit_images_per_second)


def _make_services(
    database: "Database",
    settings: Settings,
    stop: asyncio.Event,
    metrics: "Metrics",
) -> "Services":
    """What the API may do, over one database."""
    from retailpulse import service
    from retailpulse.api.app import Services

    limits = _limits(settings)
    hosts = service.Hosts(database, settings.fetch.per_host)
    admission = service.AdmissionControl(limits.max_unsettled_images)
    return Services(
        job_reports=service.JobReports(database, hosts),
        job_submitter=service.JobSubmitter(database, limits, admission, _submit_timeout(settings.api)),
        job_control=service.JobControl(database, admission),
        progress=service.Progress(database, stop),
        job_lists=service.JobLists(database),
        results=service.Results(database),
        visits=service.Visits(database),
        store_import=service.StoreImport(database),
        readiness=service.ReadinessCheck(database, limits),
        stores=service.Stores(database),
        stats=service.Stats(database, limits.stale_seconds),
        hosts=hosts,
        deliveries=service.Deliveries(database),
        metrics=metrics,
    )

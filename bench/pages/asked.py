"""The pages that are measured, by their addresses in a filled database; the application that makes them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import httpx

from retailpulse.api.app import make_app
from retailpulse.config.settings import Settings
from retailpulse.dashboard import make_pages
from retailpulse.dashboard.live import LiveStreams
from retailpulse.measure import check_sandbox
from retailpulse.metrics.exposition import Metrics
from retailpulse.process.process_viewer import ProcessViewer
from retailpulse.service import ApiKeys, Machine, Services, Sessions
from retailpulse.service.limits import Limits
from retailpulse.storage.postgres.database import Database
from retailpulse.web.middleware.authentication import ApiKeyCache

LARGE = "88888888-8888-7888-8888-888888888888"
"""The id of the largest job of a filled database."""
_OF_LARGE = f"/jobs/{LARGE}"

PAGES = {
    "overview": "/",
    "jobs": "/jobs",
    "jobs with failures": "/jobs?state=failed",
    "jobs with a cause": "/jobs?state=failed&cause=truncated",
    "jobs of a name": "/jobs?q=audit+7",
    "a job": _OF_LARGE,
    "a job, later": f"{_OF_LARGE}?after=300000",
    "its failures": f"{_OF_LARGE}?only=failed",
    "its failures of a cause": f"{_OF_LARGE}?cause=truncated",
    "its flagged photos": f"{_OF_LARGE}?only=flagged",
    "its photos with a flag": f"{_OF_LARGE}?flag=stale",
    "its photos of a store": f"{_OF_LARGE}?store=S0000007",
    "its waiting photos": f"{_OF_LARGE}?only=waiting",
    "its stores": f"{_OF_LARGE}/stores",
    "its stores by id": f"{_OF_LARGE}/stores?sort=store",
    "its stores, most failed first": f"{_OF_LARGE}/stores?sort=failed",
    "its stores, most flagged first": f"{_OF_LARGE}/stores?sort=flagged",
    "its stores, searched": f"{_OF_LARGE}/stores?q=s00001",
    "its callbacks": f"{_OF_LARGE}/callbacks",
    "a photo": f"{_OF_LARGE}/photos/403",
    "a flag to decide on": f"/review/set?job={LARGE}&flag=stale",
    "review": "/review",
    "review of a flag": "/review?flag=stale",
    "review of an area": "/review?area=A0007",
    "flagged photos": "/photos",
    "flagged photos of an area": "/photos?area=A0007&flag=stale",
    "stores": "/stores",
    "stores, searched": "/stores?q=store+12",
    "areas": "/areas",
    "an area": "/area?code=A0007",
    "a store": "/store?id=S0000007",
    "a store, all visits": "/store?id=S0000007&since=ever",
}


@asynccontextmanager
async def pages_over(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """The pages of the dashboard over a database, without a server: a client that asks them."""
    settings = Settings()
    api_keys = ApiKeyCache(ApiKeys(database), Sessions(database), may_be_open=True)
    machine = Machine(sandbox_missing=check_sandbox(settings.measure.sandbox), viewer=ProcessViewer(None))
    services = Services.over(database, settings, asyncio.Event(), machine)
    live = LiveStreams.over(services, api_keys, settings.api, asyncio.Event())
    app = make_app(
        services,
        Metrics(database, settings.worker.stale_seconds, Limits.of(settings).scaling),
        settings.api,
        settings.measure.depth,
        api_keys,
        make_pages(services.reviews, lambda: None, (), live).routers,
    )
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=cast(Any, app)),
        base_url="http://127.0.0.1",
        headers={"Accept": "text/html"},
        timeout=120,
    ) as client:
        yield client

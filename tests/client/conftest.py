"""What the tests of the client share: a canned service, and both clients behind one way to call them."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from retailpulse.client import AsyncClient, Client
from tests.canned import CannedService


class Awaited:
    """An AsyncClient whose methods are called from here: one result is given, many are a list."""

    def __init__(self, portal: BlockingPortal, client: AsyncClient) -> None:
        self._portal = portal
        self._client = client

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._client, name)

        async def run(*args: Any, **kwargs: Any) -> Any:
            called = method(*args, **kwargs)
            return [item async for item in called] if hasattr(called, "__aiter__") else await called

        return lambda *args, **kwargs: self._portal.call(lambda: run(*args, **kwargs))


Connect = Callable[..., Any]


@pytest.fixture
def canned() -> Iterator[CannedService]:
    with CannedService() as server:
        yield server


@pytest.fixture(params=["sync", "async"])
def connect(request: pytest.FixtureRequest) -> Iterator[Connect]:
    """Makes a client of either kind."""
    closing: list[Callable[[], object]] = []
    if request.param == "sync":

        def make(url: str, **options: Any) -> Any:
            client = Client(url, **options)
            closing.append(client.close)
            return client

        yield make
        for close in closing:
            close()
        return
    with start_blocking_portal("asyncio") as portal:

        def make_async(url: str, **options: Any) -> Any:
            client = AsyncClient(url, **options)
            closing.append(lambda: portal.call(client.close))
            return Awaited(portal, client)

        yield make_async
        for close in closing:
            close()

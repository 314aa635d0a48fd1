"""What the tests of fetching share: an origin, and downloaders that may ask it."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from retailpulse.config.settings import FetchSettings
from retailpulse.fetch import Downloader
from tests.origin import Origin

MakeDownloader = Callable[..., Downloader]


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin() as server:
        yield server


@pytest.fixture
async def make_downloader() -> AsyncIterator[MakeDownloader]:
    """Makes downloaders that may fetch from loopback and hardly wait between tries.

    Who says how many requests a host may have, means that it never has more.
    """
    made: list[Downloader] = []

    def make(**settings: Any) -> Downloader:
        loopback: dict[str, Any] = {
            "allowed_networks": "127.0.0.0/8,::1/128",
            "ports": "any",
            "backoff_seconds": 0.001,
        }
        loopback["per_host_max"] = settings.get("per_host", 64)
        made.append(Downloader(FetchSettings(**{**loopback, **settings})))
        return made[-1]

    yield make
    for downloader in made:
        await downloader.aclose()


@pytest.fixture
async def downloader(make_downloader: MakeDownloader) -> Downloader:
    return make_downloader()

"""The real thing: libcurl is sent to internal addresses, however they are spelled, and dials none of them.

Offline: the hosts are numbers and localhost alone.
"""

import asyncio
from collections.abc import Iterator

import pytest
from hypothesis import example, given

from retailpulse.config.settings import FetchSettings
from retailpulse.domain.errors import ImageError
from retailpulse.domain.images import Cause
from retailpulse.fetch import Downloader
from tests.fuzz.cases import CaseCounter, share
from tests.fuzz.spelling import INTERNAL_HOSTS
from tests.origin import Origin

REFUSALS = {Cause.BLOCKED_ADDRESS, Cause.BAD_URL, Cause.DNS}
SETTINGS = FetchSettings(ports="any", tries=1, connect_timeout_seconds=1.0)


@pytest.fixture(scope="module")
def listener() -> Iterator[Origin]:
    with Origin() as origin:
        yield origin


@share(0.02)
@given(host=INTERNAL_HOSTS)
@example(host="127.0.0.1")
def test_no_spelling_of_an_internal_address_is_dialled(
    counter: CaseCounter, listener: Origin, host: str
) -> None:
    counter.count("internal hosts")
    error = asyncio.run(failure(listener.url("/a.jpg", host=host)))
    assert error is not None, "it was fetched"
    assert error.cause in REFUSALS, error
    assert listener.connections == 0


async def failure(url: str) -> ImageError | None:
    downloader = Downloader(SETTINGS)
    try:
        await downloader.fetch(url)
    except ImageError as error:
        return error
    finally:
        await downloader.aclose()
    return None

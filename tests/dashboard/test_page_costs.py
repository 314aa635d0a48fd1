"""What pages cost: the buffers that each touches do not grow with the results that are not on it."""

from collections.abc import Iterator

import pytest
from bench.pages.asked import PAGES
from bench.pages.filled import Size, fill
from bench.pages.spent import measure_pages

from retailpulse.storage.postgres.embedded import EmbeddedServer
from tests.storage.servers import created, postgres

__all__ = ["postgres"]

SMALL = Size(results=24_000, large=8_000, stores=1_000, areas=50)
BIG = Size(results=240_000, large=80_000, stores=1_000, areas=50)
"""Ten times as many results, of the same stores."""
DEEPER = 1.5
"""An index of ten times as many rows has a level more: by so much a page may cost more."""
FEW = 150
"""Buffers that no page is asked about: what catalogues take now and then."""
WINDOWS = {"its photos of a store", "review of a flag", "review of an area"}
"""Pages that look through a window of bounded size, which the smaller database does not fill."""
MOST_OF_WINDOWS = 150_000


@pytest.fixture(scope="module")
def filled(postgres: EmbeddedServer) -> Iterator[tuple[str, str]]:
    """The URLs of two databases, the smaller one first."""
    with created(postgres, "template_retailpulse") as small, created(postgres, "template_retailpulse") as big:
        fill(small, SMALL)
        fill(big, BIG)
        yield small, big


async def test_no_page_reads_more_where_there_are_more_results(filled: tuple[str, str]) -> None:
    small, big = [{one.name: one for one in await measure_pages(url, turns=1)} for url in filled]
    assert set(small) == set(PAGES)
    grown = {
        name: (small[name].buffers, big[name].buffers)
        for name in PAGES
        if name not in WINDOWS and big[name].buffers > DEEPER * small[name].buffers + FEW
    }
    assert grown == {}
    assert {name: big[name].buffers for name in WINDOWS if big[name].buffers > MOST_OF_WINDOWS} == {}

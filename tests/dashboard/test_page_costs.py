"""What pages cost: the buffers of each do not grow with the results that are not on it; time has an end."""

import asyncio
from collections.abc import Iterator, Sequence

import httpx
import pytest
from bench.pages.asked import PAGES, pages_over
from bench.pages.filled import Size, fill
from bench.pages.spent import buffers_of_pages

from retailpulse.config.settings import DatabaseSettings
from retailpulse.service import review_sets
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.postgres.embedded import EmbeddedServer
from retailpulse.storage.results import pages
from retailpulse.storage.reviews import queue
from tests.storage.servers import created, postgres

__all__ = ["postgres"]

SMALL = Size(results=40_000, large=16_000, stores=200, areas=10)
BIG = Size(results=200_000, large=80_000, stores=200, areas=10)
"""Five times as many results, of the same stores."""
DEEPER = 1.6
"""An index of more rows has a level more: by so much a page may cost more."""
FEW = 150
"""Buffers that no page is asked about: what catalogues take now and then."""
_REVIEW = {"overview", "review", "review of a flag", "review of an area"}
WINDOWS = {"a flag to decide on", *_REVIEW}
"""Pages that look through a window of bounded size, which the smaller database does not fill."""
MOST_OF_WINDOWS = 150_000


@pytest.fixture(scope="module")
def filled(postgres: EmbeddedServer) -> Iterator[tuple[str, str]]:
    """The URLs of two databases, the smaller one first."""
    with created(postgres, "template_retailpulse") as small, created(postgres, "template_retailpulse") as big:
        fill(small, SMALL)
        fill(big, BIG)
        yield small, big


def grown(filled: tuple[str, str], names: Sequence[str]) -> dict[str, tuple[list[int], list[int]]]:
    """The pages that read more in the bigger database, with the buffers in both.

    The first page also reads what the others find kept.
    """
    small, big = [asyncio.run(buffers_of_pages(url, names)) for url in filled]
    return {
        name: (small[name], big[name]) for name in names if min(big[name]) > DEEPER * max(small[name]) + FEW
    }


def test_no_page_reads_more_where_there_are_more_results(filled: tuple[str, str]) -> None:
    assert grown(filled, list(PAGES)).keys() <= WINDOWS


def test_what_a_page_looks_through_has_an_end(filled: tuple[str, str]) -> None:
    touched = asyncio.run(buffers_of_pages(filled[1], WINDOWS))
    assert {name: found for name, found in touched.items() if min(found) > MOST_OF_WINDOWS} == {}


def test_a_page_looks_through_no_more_where_there_are_more_results(
    filled: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With windows so small that both databases fill them."""
    monkeypatch.setattr(queue, "WINDOW_PHOTOS", 300)
    monkeypatch.setattr(queue, "MOST_COUNTED", 100)
    monkeypatch.setattr(pages, "WINDOW_IMAGES", 1_000)
    monkeypatch.setattr(review_sets, "MOST_DECISIONS", 50)
    assert grown(filled, [name for name in PAGES if name in WINDOWS]) == {}


def test_a_page_that_takes_too_long_says_so_and_what_to_do(filled: tuple[str, str]) -> None:
    async def ask() -> httpx.Response:
        settings = DatabaseSettings(read_seconds=0.001)
        async with (
            Database(filled[1], settings, is_shared=True) as database,
            pages_over(database) as client,
        ):
            return await client.get(PAGES["areas"])

    answer = asyncio.run(ask())
    assert answer.status_code == 503
    assert answer.headers["content-type"].startswith("text/html")
    assert "The database worked on this for 0.001 s and has not found an end; ask for less" in answer.text

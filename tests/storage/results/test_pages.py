"""Filtered results, window by window: what is rare in a long job is found, and nothing comes twice."""

import dataclasses
import itertools
from uuid import UUID

import msgspec
import pytest
from msgspec.structs import replace

from retailpulse.domain.flags import Flag
from retailpulse.domain.images import Cause, Outcome
from retailpulse.schema import ImageResult
from retailpulse.service import Results
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.results import pages
from retailpulse.storage.results import settle as settling
from retailpulse.storage.results.pages import PageFormat, ResultFilter, ResultForm
from tests.storage.jobs import KNOWN, failed, measured, submit_visits

ROWS = ResultForm(page_format=PageFormat.JSON_ROWS)
FAILED = {3, 4, 17, 30, 38}
UNSETTLED = {1, 16, 39, 40}
SUSPECT = {2, 20, 21, 37}
DARK, SOFT = {2, 8, 33}, {8, 9, 34}
STORES = {KNOWN[0]: {*range(1, 6), *range(26, 31)}, KNOWN[1]: {*range(6, 26), *range(31, 41)}}
FILTERS = [
    ResultFilter(outcomes=outcomes, unsettled=unsettled, causes=causes, store_ids=stores, suspect=suspect)
    for outcomes, unsettled, causes, stores, suspect in itertools.product(
        [(), (Outcome.MEASURED,), (Outcome.FAILED,), (Outcome.CANCELLED,)],
        [False, True],
        [(), (Cause.HTTP_STATUS,), (Cause.DNS,)],
        [(), (KNOWN[0],), KNOWN, ("nobody",)],
        [None, True, False],
    )
]
FILTERS += [
    dataclasses.replace(wanted, flags=flags)
    for wanted in FILTERS
    for flags in ((Flag.DARK,), (Flag.DARK, Flag.SOFT))
    if not wanted.causes and wanted.store_ids in {(), (KNOWN[0],)}
]


async def settle(database: Database, ended: list[ImageResult]) -> None:
    """Writes results."""
    async with database.transaction() as connection:
        await settling.settle(connection, ended)


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows of a few images, so that a job of 40 has many."""
    monkeypatch.setattr(pages, "WINDOW_IMAGES", 7)
    monkeypatch.setattr(pages, "WINDOW_OF_STORES_IMAGES", 9)


def seen(job_id: UUID, image_no: int) -> ImageResult:
    """A measured image, which may look damaged or be flagged."""
    result = measured(job_id, image_no)
    assert result.measurement is not None
    suspect = "zeroed" if image_no in SUSPECT else None
    flags = [str(flag) for flag, numbers in ((Flag.DARK, DARK), (Flag.SOFT, SOFT)) if image_no in numbers]
    return replace(result, measurement=replace(result.measurement, suspect=suspect, flags=flags))


@pytest.fixture
async def job_id(database: Database) -> UUID:
    """A job of 40 images in visits to two stores, with few failures and few that are not settled."""
    made = await submit_visits(
        database,
        (KNOWN[0], [f"a{number}" for number in range(5)]),
        (KNOWN[1], [f"b{number}" for number in range(20)]),
        (KNOWN[0], [f"c{number}" for number in range(5)]),
        (KNOWN[1], [f"d{number}" for number in range(10)]),
    )
    settled = set(range(1, 41)) - UNSETTLED
    ended = [failed(made, number) if number in FAILED else seen(made, number) for number in settled]
    await settle(database, ended)
    return made


def expected(wanted: ResultFilter) -> list[int]:
    """The numbers of the images that fit."""
    numbers = set(range(1, 41))
    if wanted.outcomes or wanted.unsettled:
        of_outcome = {
            Outcome.MEASURED: numbers - FAILED - UNSETTLED,
            Outcome.FAILED: FAILED,
            Outcome.CANCELLED: set(),
        }
        numbers = set().union(*(of_outcome[name] for name in wanted.outcomes))
        numbers |= UNSETTLED if wanted.unsettled else set()
    if wanted.causes:
        numbers &= FAILED if Cause.HTTP_STATUS in wanted.causes else set()
    if wanted.flags:
        numbers &= DARK | SOFT if Flag.SOFT in wanted.flags else DARK
    if wanted.suspect is not None:
        numbers = numbers & SUSPECT if wanted.suspect else numbers - SUSPECT
    if wanted.store_ids:
        numbers &= set().union(*(STORES.get(name, set()) for name in wanted.store_ids))
    return sorted(numbers)


def numbers_of(lines: list[bytes]) -> list[int]:
    """The numbers of the images of rows."""
    return [msgspec.json.decode(line)["image_no"] for line in lines]


async def test_pages_of_every_filter_cross_windows_without_gap_or_overlap(
    database: Database, job_id: UUID
) -> None:
    reading = Results(database)
    for wanted, limit in itertools.product(FILTERS, (3, 40)):
        told: list[int] = []
        after: int | None = 0
        while after is not None:
            lines, after = await reading.page(job_id, wanted, ROWS, after=after, limit=limit)
            assert len(lines) == limit or after is None
            told += numbers_of(lines)
        assert told == expected(wanted), (wanted, limit)


async def test_exports_of_every_filter_cross_windows_without_gap_or_overlap(
    database: Database, job_id: UUID
) -> None:
    reading = Results(database)
    for wanted in FILTERS:
        blocks = [block async for block in reading.all(job_id, wanted, ROWS)]
        assert numbers_of(b"".join(blocks).splitlines()) == expected(wanted), wanted


async def test_a_place_behind_the_end_or_the_largest_there_is_gives_nothing(
    database: Database, job_id: UUID
) -> None:
    reading = Results(database)
    for wanted, after in itertools.product(FILTERS, (40, 41, 2**31 - 1)):
        assert await reading.page(job_id, wanted, ROWS, after=after, limit=2) == ([], None)
        async with database.connection() as connection:
            rows = await pages.read_page(connection, job_id, wanted, ROWS, after=after, limit=2)
        assert rows.lines == []


async def test_a_page_of_long_texts_ends_early_also_where_it_is_filtered(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "PAGE_BYTES", 1_000)
    monkeypatch.setattr("retailpulse.service.results.PAGE_BYTES", 1_000)
    made = await submit_visits(database, (KNOWN[0], [f"{'x' * 600}{number}" for number in range(6)]))
    await settle(database, [failed(made, number) for number in (1, 2, 5, 6)])
    reading = Results(database)
    for wanted, numbers in (
        (ResultFilter(), [1, 2, 3, 4, 5, 6]),
        (ResultFilter(outcomes=(Outcome.FAILED,)), [1, 2, 5, 6]),
        (ResultFilter(unsettled=True), [3, 4]),
    ):
        told: list[int] = []
        after: int | None = 0
        while after is not None:
            lines, after = await reading.page(made, wanted, ROWS, after=after, limit=100)
            assert len(lines) <= 2
            told += numbers_of(lines)
        assert told == numbers

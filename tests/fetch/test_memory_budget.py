import asyncio
import hashlib

import pytest

from retailpulse.domain.images import Cause
from retailpulse.fetch.memory_budget import MemoryBudget, Reader
from tests.fetch.conftest import MakeDownloader
from tests.fetch.failing import cause_of
from tests.origin import Origin, Reply


class Transfer:
    """Counts how often it was told to go on."""

    def __init__(self) -> None:
        self.told = 0

    def read_on(self) -> None:
        self.told += 1


def test_over_the_budget_each_has_its_share_and_the_largest_goes_on() -> None:
    budget, large, small = MemoryBudget(200), Transfer(), Transfer()
    assert budget.reserve(large, 90)
    assert budget.reserve(small, 50)
    assert not budget.reserve(small, 1)
    assert budget.reserve(large, 500)
    assert small.told == 0


def test_who_waits_is_told_when_another_is_done() -> None:
    budget, large, small = MemoryBudget(200), Transfer(), Transfer()
    assert budget.reserve(large, 90)
    assert not budget.reserve(small, 60)
    budget.release(large)
    assert small.told == 1
    assert budget.reserve(small, 60)
    budget.release(small)
    assert budget.reserve(large, 100)


def test_one_that_ends_while_it_waits_leaves_nothing_behind() -> None:
    budget, large, small = MemoryBudget(200), Transfer(), Transfer()
    assert budget.reserve(large, 100)
    assert not budget.reserve(small, 60)
    budget.release(small)
    budget.release(large)
    assert small.told == 0
    assert budget.reserve(small, 100)


async def test_bodies_that_do_not_fit_at_once_all_arrive_one_after_the_other(
    origin: Origin, make_downloader: MakeDownloader
) -> None:
    photos = {f"/{number}": bytes([number]) * 3_000_000 for number in range(12)}
    downloader = make_downloader(buffer_bytes=8_000_000)
    urls = [origin.serve(path, Reply(body=body)) for path, body in photos.items()]
    fetched = await asyncio.gather(*map(downloader.fetch, urls))
    told = [hashlib.sha256(photo.body).digest() for photo in fetched]
    assert told == [hashlib.sha256(body).digest() for body in photos.values()]


async def test_what_the_objects_of_a_body_weigh_is_counted(
    origin: Origin, make_downloader: MakeDownloader, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted, reserve = [], MemoryBudget.reserve

    def count(budget: MemoryBudget, reader: Reader, size_bytes: int) -> bool:
        counted.append(size_bytes)
        return reserve(budget, reader, size_bytes)

    monkeypatch.setattr(MemoryBudget, "reserve", count)
    await make_downloader().fetch(origin.serve("/a", Reply(body=bytes(3_000_000))))
    assert sum(counted) >= 3_000_000 * 17 // 16 - 16_384 * 17 // 16


async def test_when_the_largest_is_given_up_the_next_goes_on(
    origin: Origin, make_downloader: MakeDownloader
) -> None:
    downloader = make_downloader(buffer_bytes=2_000_000, timeout_seconds=1.5, tries=1)
    held = origin.serve("/held", Reply(body=bytes(3_000_000), hang_after=2_000_000))
    late = origin.serve("/late", Reply(body=bytes(3_000_000)))
    largest = asyncio.create_task(cause_of(downloader.fetch(held)))
    await asyncio.wait([largest], timeout=0.8)
    next_one = asyncio.create_task(downloader.fetch(late))
    assert await largest is Cause.TIMEOUT
    assert len((await next_one).body) == 3_000_000

import asyncio
import hashlib

from retailpulse.domain.images import Cause
from retailpulse.fetch.budget import Budget
from tests.fetch.conftest import MakeDownloader
from tests.fetch.failing import cause_of
from tests.origin import Origin, Reply


class Transfer:
    """Counts how often it was told to go on."""

    def __init__(self) -> None:
        self.told = 0

    def read_on(self) -> None:
        self.told += 1


def test_over_the_budget_only_the_eldest_goes_on() -> None:
    budget, eldest, younger = Budget(100), Transfer(), Transfer()
    assert budget.take(eldest, 60)
    assert budget.take(younger, 40)
    assert not budget.take(younger, 1)
    assert budget.take(eldest, 500)
    assert younger.told == 0


def test_who_waits_is_told_when_another_is_done() -> None:
    budget, eldest, younger = Budget(100), Transfer(), Transfer()
    assert budget.take(eldest, 60)
    assert not budget.take(younger, 60)
    budget.release(eldest)
    assert younger.told == 1
    assert budget.take(younger, 60)
    budget.release(younger)
    assert budget.take(eldest, 100)


async def test_bodies_that_do_not_fit_at_once_all_arrive_one_after_the_other(
    origin: Origin, make_downloader: MakeDownloader
) -> None:
    photos = {f"/{number}": bytes([number]) * 3_000_000 for number in range(12)}
    downloader = make_downloader(buffer_bytes=4_000_000)
    urls = [origin.serve(path, Reply(body=body)) for path, body in photos.items()]
    fetched = await asyncio.gather(*map(downloader.fetch, urls))
    told = [hashlib.sha256(photo.body).digest() for photo in fetched]
    assert told == [hashlib.sha256(body).digest() for body in photos.values()]


async def test_when_the_eldest_is_given_up_the_next_goes_on(
    origin: Origin, make_downloader: MakeDownloader
) -> None:
    downloader = make_downloader(buffer_bytes=1_000_000, timeout_seconds=1.5, tries=1)
    held = origin.serve("/held", Reply(body=bytes(3_000_000), hang_after=2_000_000))
    late = origin.serve("/late", Reply(body=bytes(3_000_000)))
    eldest = asyncio.create_task(cause_of(downloader.fetch(held)))
    await asyncio.wait([eldest], timeout=0.8)
    younger = asyncio.create_task(downloader.fetch(late))
    assert await eldest is Cause.TIMEOUT
    assert len((await younger).body) == 3_000_000

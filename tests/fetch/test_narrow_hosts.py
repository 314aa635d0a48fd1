"""Hosts that bear few connections lose no photo; dead hosts, and dead URLs beside good ones, end in time."""

import asyncio

import pytest

from retailpulse.domain.errors import ImageError
from retailpulse.domain.hosts import HostLimits
from retailpulse.domain.images import Cause
from retailpulse.fetch import Downloader
from tests.fetch.conftest import MakeDownloader
from tests.fetch.narrow_origins import BODY, NarrowOrigin
from tests.running import wait_for

PHOTOS = 150


async def fetched(downloader: Downloader, origin: NarrowOrigin, paths: list[str]) -> list[object]:
    """What became of each path: its body, or its failure."""
    fetching = (downloader.fetch_pieces(origin.url(path)) for path in paths)
    ends = await asyncio.gather(*fetching, return_exceptions=True)
    return [end if isinstance(end, BaseException) else b"".join(end.pieces) for end in ends]


def paths(count: int = PHOTOS, name: str = "photo") -> list[str]:
    return [f"/{name}{number}" for number in range(count)]


@pytest.mark.parametrize("seconds", [0.0, 0.02])
@pytest.mark.parametrize("start", [2, 16, 64])
async def test_a_host_that_bears_two_connections_and_resets_the_rest_loses_no_photo(
    make_downloader: MakeDownloader, start: int, seconds: float
) -> None:
    downloader = make_downloader(per_host=start, backoff_seconds=0.05)
    with NarrowOrigin(2, patient=False, seconds=seconds) as origin:
        ends = await fetched(downloader, origin, paths())
    assert [end for end in ends if end != BODY] == []
    assert max(origin.requests.values()) == 1
    assert origin.resets > 0 or start == 2


async def test_two_workers_lose_no_photo_at_such_a_host(make_downloader: MakeDownloader) -> None:
    """They do not even know of each other."""
    workers = [make_downloader(per_host=8, backoff_seconds=0.05) for _ in range(2)]
    with NarrowOrigin(2, patient=False, seconds=0.01) as origin:
        ends = await asyncio.gather(
            *(fetched(worker, origin, paths(75, f"w{n}-")) for n, worker in enumerate(workers))
        )
    assert [end for part in ends for end in part if end != BODY] == []


@pytest.mark.parametrize("start", [2, 16])
async def test_a_host_that_serves_one_connection_at_a_time_loses_no_photo(
    make_downloader: MakeDownloader, start: int
) -> None:
    downloader = make_downloader(per_host=start, stall_seconds=30, timeout_seconds=30)
    with NarrowOrigin(1, patient=True, seconds=0.01) as origin:
        host = origin.url("").removesuffix("/")
        ends: list[object] = []
        # That others wait for a second is seen by answers to one; if the machine halts all, it begins again.
        while not downloader.hosts.queue(host).limiter.is_crowded:
            ends += await fetched(downloader, origin, paths(name=f"photo{len(ends)}-"))
    assert [end for end in ends if end != BODY] == []
    assert max(origin.requests.values()) == 1


async def test_a_host_that_was_cut_to_one_at_a_time_is_asked_by_more_once_it_answers(
    make_downloader: MakeDownloader,
) -> None:
    downloader = make_downloader(per_host=4)
    with NarrowOrigin(8, patient=True) as origin:
        queue = downloader.hosts.queue(origin.url("").removesuffix("/"))
        queue.adopt(HostLimits(cap=1, ceiling=2))
        assert await fetched(downloader, origin, paths()) == [BODY] * PHOTOS
    assert queue.limiter.cap > 1


async def test_the_last_photos_of_such_a_host_do_not_wait_for_a_connection_kept_alive(
    make_downloader: MakeDownloader,
) -> None:
    downloader = make_downloader(stall_seconds=30, timeout_seconds=30, tries=1)
    with NarrowOrigin(1, patient=True) as origin:
        assert await fetched(downloader, origin, paths(8)) == [BODY] * 8


@pytest.mark.parametrize("news", ["others fail there", "its slots went to others"])
async def test_a_connection_kept_idle_makes_room_for_another_worker(
    make_downloader: MakeDownloader, news: str
) -> None:
    keeper, other = make_downloader(), make_downloader(tries=1)
    with NarrowOrigin(1, patient=False) as origin:
        queue = keeper.hosts.queue(origin.url("").removesuffix("/"))
        queue.adopt(HostLimits(cap=8, ceiling=16))  # a host that is remembered
        queue.lease(1)
        assert await fetched(keeper, origin, paths(1)) == [BODY]
        assert origin.open_connections == 1
        if news == "others fail there":
            queue.adopt(HostLimits(cap=8, ceiling=16, failing_seconds=0.0, cause="connect"))
        else:
            queue.lease(0)
        await asyncio.to_thread(wait_for, lambda: origin.open_connections == 0)
        assert await fetched(other, origin, paths(1)) == [BODY]


async def test_a_host_that_resets_every_connection_is_asked_three_times_for_a_photo(
    make_downloader: MakeDownloader,
) -> None:
    with NarrowOrigin(1, patient=False, dead=True) as origin:
        ends = await fetched(make_downloader(), origin, paths(5))
        assert [end.cause for end in ends if isinstance(end, ImageError)] == [Cause.CONNECT] * 5
        assert origin.connections <= 15


async def test_urls_that_always_break_do_not_slow_down_the_photos_beside_them(
    make_downloader: MakeDownloader,
) -> None:
    downloader = make_downloader(per_host=8)
    names = [name for number in range(60) for name in (f"/photo{number}", f"/missing{number}")]
    with NarrowOrigin(64, patient=False) as origin:
        ends = await fetched(downloader, origin, [*names, "/reset1", "/reset2"])
        causes = [end.cause for end in ends if isinstance(end, ImageError)]
        assert sorted(causes) == [Cause.CONNECT] * 2 + [Cause.HTTP_STATUS] * 60
        assert ends.count(BODY) == 60
        assert max(origin.requests.values()) <= 3 + 40

"""Claims: in the order of a fair queue at each host, every image to one worker, and only where it lives."""

import asyncio
from collections import Counter
from uuid import UUID

from retailpulse.storage.postgres.database import Database
from retailpulse.storage.scheduling import claims, workers
from retailpulse.storage.scheduling.claims import ClaimRequest
from tests.running import wait_for
from tests.storage import claiming
from tests.storage.ended import rows
from tests.storage.jobs import failed, submit
from tests.storage.settled import settle, waiters


def at(host: str, count: int) -> list[str]:
    """So many URLs of a host."""
    return [f"http://{host}.example/{number}.png" for number in range(count)]


def host_ids(database: Database) -> list[int]:
    """The hosts in the order in which they were first seen."""
    return [
        host_id for (host_id,) in rows(database, "SELECT host_id FROM hosts WHERE host_id > 0 ORDER BY 1")
    ]


async def given_out(database: Database, room: int, claim_count: int, slices: int = 2) -> list[Counter[UUID]]:
    """How many images of each job one claim after the other gives out, as a worker asks at a busy host."""
    worker_id = await claiming.add_worker(database)
    return [
        claiming.counts(await claiming.claim(database, worker_id, room, slices=slices))
        for _ in range(claim_count)
    ]


async def test_a_higher_priority_goes_first_whenever_it_came(database: Database) -> None:
    low, normal, high = [
        await submit(database, at("a", 20), priority=priority) for priority in (-100, 0, 100)
    ]
    order = await given_out(database, room=10, claim_count=6)
    assert order == [{high: 10}, {high: 10}, {normal: 10}, {normal: 10}, {low: 10}, {low: 10}]


async def test_what_a_higher_priority_leaves_of_the_room_goes_to_the_next(database: Database) -> None:
    low = await submit(database, at("a", 20))
    high = await submit(database, at("a", 3), priority=1)
    assert await given_out(database, room=10, claim_count=1) == [{high: 3, low: 7}]


async def test_images_of_a_job_are_given_out_in_the_order_of_its_submit(database: Database) -> None:
    await submit(database, at("a", 300))
    worker_id = await claiming.add_worker(database)
    order = [claiming.numbers(await claiming.claim(database, worker_id, 50)) for _ in range(6)]
    assert order == [list(range(first, first + 50)) for first in range(1, 301, 50)]


async def test_equal_jobs_get_equal_shares_of_a_host_all_the_time(database: Database) -> None:
    jobs = [await submit(database, at("a", 2_000)) for _ in range(5)]
    total: Counter[UUID] = Counter()
    for given in await given_out(database, room=16, claim_count=60):
        total += given
        assert max(total.values()) - min(total[job_id] for job_id in jobs) <= 32
    assert sum(total.values()) > 600
    assert max(total.values()) - min(total.values()) <= 16, total


async def test_a_small_new_job_does_not_wait_for_the_rest_of_a_big_one(database: Database) -> None:
    big = await submit(database, at("a", 2_000))
    await given_out(database, room=100, claim_count=7)
    small = await submit(database, at("a", 1))
    first = (await given_out(database, room=16, claim_count=1))[0]
    assert first[small] == 1
    assert first[big] == 15


async def test_a_job_that_comes_later_takes_nothing_of_what_others_missed_before(database: Database) -> None:
    old = await submit(database, at("a", 1_000))
    await given_out(database, room=100, claim_count=4)
    new = await submit(database, at("a", 1_000))
    total: Counter[UUID] = Counter()
    for given in await given_out(database, room=20, claim_count=20):
        total += given
    assert abs(total[old] - total[new]) <= 64 + 20, total


async def test_each_host_has_a_line_and_a_room_of_its_own(database: Database) -> None:
    await submit(database, [*at("a", 10), *at("b", 10)])
    a, b = host_ids(database)
    worker_id = await claiming.add_worker(database)
    async with database.dedicated(planned_once=True) as connection:
        asks = {
            a: ClaimRequest(room=2, slices=2),
            b: ClaimRequest(room=5, slices=2),
            -7: ClaimRequest(room=9, slices=2),
        }
        granted = await claims.claim(connection, worker_id, asks)
    assert {grant.host_id: claiming.numbers([grant]) for grant in granted} == {
        a: [1, 2], b: [11, 12, 13, 14, 15]
    }  # fmt: skip


async def test_eight_workers_that_claim_at_once_get_every_image_once(database: Database) -> None:
    jobs = [await submit(database, [*at("a", 150), *at("b", 150)]) for _ in range(4)]
    hosts = host_ids(database)

    async def work(rooms: int) -> list[tuple[UUID, int]]:
        got: list[tuple[UUID, int]] = []
        worker_id = await claiming.add_worker(database)
        asks = {host_id: ClaimRequest(room=rooms, slices=4) for host_id in hosts}
        async with database.dedicated(planned_once=True) as connection:
            while rows_left():
                for grant in await claims.claim(connection, worker_id, asks):
                    got += [(grant.job_id, image.image_no) for image in grant.images]
                    assert [image.image_url for image in grant.images] == [
                        urls[image.image_no - 1] for image in grant.images
                    ]
        return got

    def rows_left() -> bool:
        return bool(rows(database, "SELECT FROM slices LIMIT 1"))

    urls = [*at("a", 150), *at("b", 150)]
    taken = await asyncio.gather(*(work(room) for room in (1, 2, 3, 5, 8, 13, 21, 34)))
    given = Counter(image for of_worker in taken for image in of_worker)
    assert set(given) == {(job_id, number) for job_id in jobs for number in range(1, 301)}
    assert set(given.values()) == {1}
    assert sum(1 for of_worker in taken if of_worker) > 1, "one had all of them"


async def test_a_claim_in_progress_is_not_waited_for_by_another(database: Database) -> None:
    await submit(database, at("a", 300))
    (host,) = host_ids(database)
    one, other = [await claiming.add_worker(database) for _ in range(2)]
    ask = {host: ClaimRequest(room=128, slices=1)}
    async with (
        database.dedicated(planned_once=True) as first,
        database.dedicated(planned_once=True) as second,
        first.transaction(),
    ):
        held = await claims.claim(first, one, ask)
        async with asyncio.timeout(30):
            beside = await claims.claim(second, other, ask)
    both = claiming.numbers([*held, *beside])
    assert held
    assert beside
    assert both == list(range(1, 1 + len(both)))


async def test_a_worker_that_was_swept_or_never_was_claims_nothing(database: Database) -> None:
    job_id = await submit(database, at("a", 10))
    worker_id = await claiming.add_worker(database)
    claiming.silence(database, worker_id)
    await claiming.sweep(database)
    assert await claiming.claim(database, worker_id) == []
    assert await claiming.claim(database, worker_id + 1_000) == []
    assert claiming.in_line(database, job_id) == list(range(1, 11))


async def test_a_claim_that_meets_the_sweep_of_its_worker_waits_and_gets_nothing(database: Database) -> None:
    job_id = await submit(database, at("a", 10))
    worker_id = await claiming.add_worker(database)
    claiming.silence(database, worker_id)
    async with database.transaction() as sweeping:
        await workers.sweep(sweeping, 10.0)
        claiming_now = asyncio.create_task(claiming.claim(database, worker_id))
        await asyncio.to_thread(wait_for, lambda: waiters(database.url))
    assert await claiming_now == []
    assert claiming.in_line(database, job_id) == list(range(1, 11))


async def test_a_sweep_leaves_a_worker_alone_whose_claim_is_in_progress(database: Database) -> None:
    await submit(database, at("a", 10))
    (host,) = host_ids(database)
    worker_id = await claiming.add_worker(database)
    claiming.silence(database, worker_id)
    async with database.dedicated(planned_once=True) as connection, connection.transaction():
        await claims.claim(connection, worker_id, {host: ClaimRequest(room=4, slices=2)})
        assert await claiming.sweep(database) == (0, 0)
    assert await claiming.sweep(database) == (1, 4)


async def test_a_claim_tells_how_often_an_image_has_failed_before_and_whether_its_job_has_begun(
    database: Database,
) -> None:
    job_id = await submit(database, at("a", 3))
    (granted,) = await claiming.claim(database, await claiming.add_worker(database), 2)
    assert (granted.is_started, [image.earlier for image in granted.images]) == (False, [0, 0])
    async with database.connection() as connection:
        assert len(await claims.start_jobs(connection, [job_id])) == 1
        assert await claims.start_jobs(connection, [job_id]) == {}
    (granted,) = await claiming.claim(database, await claiming.add_worker(database), 2)
    assert granted.is_started
    await settle(database, [failed(job_id, 3)], [granted.grant_id])

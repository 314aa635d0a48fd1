"""What workers give back or lose waits again where it was: once, in its order, without what is settled."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from retailpulse.storage.integrity.check import check_invariants
from retailpulse.storage.jobs.cancel import cancel_job
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.scheduling import claims, hosts, workers
from retailpulse.storage.scheduling.claims import Granted, ReturnedImage
from tests.storage import claiming
from tests.storage.ended import rows
from tests.storage.jobs import measured, submit
from tests.storage.settled import settle
from tests.storage.truth import THRESHOLDS, check_truth

URLS = [f"http://photos.example/{number}.png" for number in range(8)]  # one slice
ORDER = (
    "SELECT host_id, rank, tag, image_nos FROM slices WHERE job_id = %s ORDER BY host_id, rank, tag, slice_id"
)


async def hand_back(
    database: Database,
    worker_id: int,
    granted: Granted,
    image_nos: Sequence[int],
    *,
    host_id: int | None = None,
) -> None:
    """Gives images of a grant back, to their host or to another one."""
    given = [
        ReturnedImage(grant_id=granted.grant_id, host_id=host_id or granted.host_id, image_no=number)
        for number in image_nos
    ]
    async with database.transaction() as connection:
        await claims.hand_back(connection, worker_id, given, [granted.job_id])


def agrees(database: Database) -> bool:
    return check_invariants(database.url, THRESHOLDS).findings == ()


async def test_what_is_handed_back_is_first_again(database: Database) -> None:
    job_id, other = await submit(database, URLS), await submit(database, URLS)
    worker_id = await claiming.add_worker(database)
    mine, theirs = sorted(
        await claiming.claim(database, worker_id, 8, slices=2), key=lambda grant: grant.job_id != job_id
    )
    await hand_back(database, worker_id, mine, [2, 3])
    await hand_back(database, worker_id, theirs, [1])
    assert (claiming.in_work(database, job_id), claiming.in_work(database, other)) == ([1, 4], [2, 3, 4])
    again = await claiming.claim(database, worker_id, 3)
    assert {grant.job_id: claiming.numbers([grant]) for grant in again} == {job_id: [2, 3], other: [1]}
    assert agrees(database)


async def test_a_grant_that_is_handed_back_whole_is_no_more(database: Database) -> None:
    job_id = await submit(database, URLS)
    worker_id = await claiming.add_worker(database)
    (granted,) = await claiming.claim(database, worker_id, 4)
    await hand_back(database, worker_id, granted, [1, 2, 3, 4])
    assert (claiming.in_work(database, job_id), claiming.in_line(database, job_id)) == (
        [],
        list(range(1, 9)),
    )


async def test_what_a_worker_does_not_have_any_more_it_cannot_hand_back(database: Database) -> None:
    """It slept, was swept, and another has its images by now; or it says the same twice."""
    job_id = await submit(database, URLS)
    sleeper, other = [await claiming.add_worker(database) for _ in range(2)]
    (granted,) = await claiming.claim(database, sleeper)
    await hand_back(database, sleeper, granted, [1, 2])
    await hand_back(database, sleeper, granted, [1, 2])
    await hand_back(database, other, granted, [3])
    assert claiming.in_line(database, job_id) == [1, 2]
    claiming.silence(database, sleeper)
    await claiming.sweep(database)
    await claiming.claim(database, other)
    await hand_back(database, sleeper, granted, [3, 4])
    assert (claiming.in_line(database, job_id), claiming.in_work(database, job_id)) == (
        [],
        list(range(1, 9)),
    )


async def test_images_of_a_job_that_has_ended_are_not_put_in_line(database: Database) -> None:
    job_id = await submit(database, URLS)
    worker_id = await claiming.add_worker(database)
    (granted,) = await claiming.claim(database, worker_id)
    async with database.transaction() as connection:
        await cancel_job(connection, job_id)
    await hand_back(database, worker_id, granted, [1, 2])
    check_truth(database.url, job_id)


async def test_images_of_a_bucket_spill_to_their_host_behind_none_of_their_priority(
    database: Database,
) -> None:
    busy = await submit(database, URLS)
    spilled = await submit(database, [f"http://other.example/{number}.png" for number in range(4)])
    worker_id = await claiming.add_worker(database)
    (host, bucket) = [
        host_id for (host_id,) in rows(database, "SELECT DISTINCT host_id FROM slices ORDER BY 1")
    ]
    await claiming.claim(database, worker_id, 4, hosts=[host])
    (granted,) = await claiming.claim(database, worker_id, hosts=[bucket])
    await hand_back(database, worker_id, granted, [1, 3], host_id=host)
    assert claiming.in_work(database, spilled) == [2, 4]
    shares = claiming.counts(await claiming.claim(database, worker_id, 4, hosts=[host]))
    assert shares == {busy: 2, spilled: 2}
    assert agrees(database)


async def test_what_a_dead_worker_had_waits_again_with_its_place_and_without_what_is_settled(
    database: Database,
) -> None:
    job_id = await submit(database, URLS)
    urgent = await submit(database, URLS, priority=9)
    dead, living = [await claiming.add_worker(database) for _ in range(2)]
    before = rows(database, ORDER, urgent)
    await claiming.claim(database, dead, 14, slices=2)
    kept = await claiming.claim(database, living, 2)
    await settle(database, [measured(urgent, number) for number in (1, 5)] + [measured(job_id, 3)])
    claiming.silence(database, dead)
    assert await claiming.sweep(database) == (1, 11)
    ((host, rank, tag, _),) = before
    assert rows(database, ORDER, urgent) == [(host, rank, tag, [2, 3, 4, 6, 7, 8])]
    assert claiming.in_line(database, job_id) == [1, 2, 4, 5, 6]
    assert claiming.in_work(database, job_id) == claiming.numbers(kept) == [7, 8]
    assert agrees(database)


async def test_the_slots_of_a_dead_worker_are_free_and_those_of_others_stay(database: Database) -> None:
    dead, living = [await claiming.add_worker(database) for _ in range(2)]
    async with database.transaction() as connection:
        ids = await hosts.find_hosts(connection, ["http://a", "http://b"])
        for worker_id, host, slots in ((dead, "a", 3), (living, "a", 2), (dead, "b", 4)):
            await connection.execute(
                "INSERT INTO leases (host_id, worker_id, slots) VALUES (%s, %s, %s)",
                [ids[f"http://{host}"], worker_id, slots],
            )
            await connection.execute(
                "UPDATE hosts SET leased = leased + %s WHERE host_id = %s", [slots, ids[f"http://{host}"]]
            )
    claiming.silence(database, dead)
    assert await claiming.sweep(database) == (1, 0)
    assert rows(database, "SELECT leased FROM hosts WHERE host_id > 0 ORDER BY origin") == [(2,), (0,)]
    assert rows(database, "SELECT worker_id FROM leases") == [(living,)]


async def test_two_sweeps_and_the_worker_that_leaves_give_its_images_back_once(database: Database) -> None:
    job_id = await submit(database, URLS)
    worker_id = await claiming.add_worker(database)
    await claiming.claim(database, worker_id)
    claiming.silence(database, worker_id)
    await asyncio.gather(
        claiming.sweep(database), claiming.leave(database, worker_id), claiming.sweep(database)
    )
    assert claiming.in_line(database, job_id) == list(range(1, 9))
    assert rows(database, "SELECT FROM workers") == []


async def test_a_job_all_of_whose_images_were_settled_by_the_dead_gets_nothing_in_line(
    database: Database,
) -> None:
    jobs: list[UUID] = [await submit(database, URLS) for _ in range(2)]
    worker_id = await claiming.add_worker(database)
    await claiming.claim(database, worker_id)
    await settle(database, [measured(jobs[0], number) for number in range(1, 9)])
    claiming.silence(database, worker_id)
    assert await claiming.sweep(database) == (1, 8)
    assert [claiming.in_line(database, job_id) for job_id in jobs] == [[], list(range(1, 9))]


async def test_a_worker_that_goes_on_under_a_new_id_keeps_what_it_knows_of_and_no_more(
    database: Database,
) -> None:
    """It lost its connection, and with it the answer to a claim."""
    job_id = await submit(database, URLS)
    old = await claiming.add_worker(database)
    known = await claiming.claim(database, old, 3)
    await claiming.claim(database, old, 3)  # never heard of
    await settle(database, [measured(job_id, 4)])
    async with database.transaction() as connection:
        new = await workers.renew(connection, old, claiming.grant_ids(known))
    assert new is not None
    assert (claiming.in_work(database, job_id), claiming.in_line(database, job_id)) == (
        [1, 2, 3],
        [5, 6, 7, 8],
    )
    assert await claiming.claim(database, old) == []
    assert rows(database, "SELECT DISTINCT worker_id FROM grants") == [(new,)]
    claiming.silence(database, new)
    await claiming.sweep(database)
    async with database.transaction() as connection:
        assert await workers.renew(connection, new, []) is None
    assert agrees(database)

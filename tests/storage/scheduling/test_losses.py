"""Images that were in hand when two workers were lost wait in quarantine; nothing else sends them there."""

from uuid import UUID, uuid4

from retailpulse.domain.images import Depth
from retailpulse.storage.integrity.check import check_invariants
from retailpulse.storage.jobs.cancel import cancel_job
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.scheduling import losses, workers
from retailpulse.storage.scheduling.claims import Granted
from retailpulse.storage.scheduling.losses import QUARANTINE
from tests.storage import claiming
from tests.storage.ended import rows
from tests.storage.jobs import measured, submit
from tests.storage.settled import settle
from tests.storage.truth import THRESHOLDS, check_truth

URLS = [f"http://photos.example/{number}.png" for number in range(8)]  # one slice
IN_QUARANTINE = "SELECT unnest(image_nos) AS no FROM slices WHERE job_id = %s AND host_id = 0 ORDER BY no"


async def begin(database: Database, process: UUID | None = None) -> int:
    """A worker that is a process."""
    async with database.transaction() as connection:
        return await workers.register(connection, process)


async def lose(database: Database, images: int = 100) -> list[Granted]:
    """A worker takes so many images of each host, the quarantine left out, and is lost; what it had."""
    worker_id = await claiming.add_worker(database)
    found = [host_id for (host_id,) in rows(database, "SELECT DISTINCT host_id FROM slices")]
    taken = await claiming.claim(database, worker_id, images, hosts=[one for one in found if one])
    claiming.silence(database, worker_id)
    assert (await claiming.sweep(database))[0] == 1
    return taken


def quarantined(database: Database, job_id: UUID) -> list[int]:
    return [number for (number,) in rows(database, IN_QUARANTINE, job_id)]


async def test_images_that_two_workers_were_lost_with_wait_alone_the_others_where_they_were(
    database: Database,
) -> None:
    job_id = await submit(database, URLS, priority=3)
    await lose(database, 4)
    assert quarantined(database, job_id) == []
    assert claiming.in_line(database, job_id) == list(range(1, 9))
    await lose(database, 3)
    assert quarantined(database, job_id) == [1, 2, 3]
    assert claiming.in_line(database, job_id) == list(range(1, 9))
    assert rows(database, "SELECT DISTINCT rank FROM slices") == [(-3,)]
    assert check_invariants(database.url, THRESHOLDS).findings == ()


async def test_what_waits_in_quarantine_is_claimed_one_by_one_and_ends_its_job(database: Database) -> None:
    job_id = await submit(database, URLS[:2])
    for _ in range(2):
        await lose(database)
    worker_id = await claiming.add_worker(database)
    for number in (1, 2):
        (granted,) = await claiming.claim(database, worker_id, 1)
        assert (granted.host_id, claiming.numbers([granted])) == (QUARANTINE, [number])
        await settle(database, [measured(job_id, number)], [granted.grant_id])
    check_truth(database.url, job_id)


async def test_jobs_take_turns_in_quarantine_and_higher_priority_goes_first(database: Database) -> None:
    for _ in range(2):
        await submit(database, URLS[:4], depth=Depth.HEADER)
    for _ in range(2):
        await lose(database)
    urgent = await submit(database, URLS[:1], priority=9)
    for _ in range(2):
        await lose(database)
    worker_id = await claiming.add_worker(database)
    taken = [(await claiming.claim(database, worker_id, 1, hosts=[QUARANTINE]))[0].job_id for _ in range(5)]
    assert taken[0] == urgent
    assert set(taken[1:3]) == set(taken[3:5])
    assert len(set(taken[1:3])) == 2


async def test_a_worker_that_is_lost_again_with_the_same_process_is_one_loss(database: Database) -> None:
    """It lost its connection, goes on under another id, and is swept: it is still one process."""
    job_id, process = await submit(database, URLS), uuid4()
    for _ in range(2):
        worker_id = await begin(database, process)
        await claiming.claim(database, worker_id)
        claiming.silence(database, worker_id)
        await claiming.sweep(database)
    assert quarantined(database, job_id) == []


async def test_who_lives_after_all_takes_the_loss_back(database: Database) -> None:
    job_id, sleeper = await submit(database, URLS), uuid4()
    worker_id = await begin(database, sleeper)
    await claiming.claim(database, worker_id)
    claiming.silence(database, worker_id)
    await claiming.sweep(database)
    async with database.transaction() as connection:
        await losses.forget(connection, sleeper)
    await lose(database)
    assert quarantined(database, job_id) == []
    await lose(database)
    assert quarantined(database, job_id) == list(range(1, 9))


async def test_clean_ends_new_connections_and_stops_that_took_too_long_are_no_losses(
    database: Database,
) -> None:
    job_id = await submit(database, URLS)
    for _ in range(3):
        leaver, other, stopping = [await claiming.add_worker(database) for _ in range(3)]
        await claiming.claim(database, leaver)
        await claiming.leave(database, leaver)
        await claiming.claim(database, other)
        async with database.transaction() as connection:
            renewed = await workers.renew(connection, other, [])
        assert renewed is not None
        await claiming.leave(database, renewed)
        await claiming.claim(database, stopping)
        async with database.connection() as connection:
            assert await workers.beat(connection, stopping, is_stopping=True)
        claiming.silence(database, stopping)
        await claiming.sweep(database)
    assert rows(database, "SELECT FROM losses") == []
    assert (quarantined(database, job_id), claiming.in_line(database, job_id)) == ([], list(range(1, 9)))


async def test_a_process_that_was_seen_to_die_is_released_at_once_and_no_other(database: Database) -> None:
    job_id, dead, living = await submit(database, URLS), uuid4(), uuid4()
    await claiming.claim(database, await begin(database, dead), 4)
    await claiming.claim(database, await begin(database, living), 2)
    async with database.transaction() as connection:
        assert await workers.release(connection, dead) == 4
        assert await workers.release(connection, dead) == 0
    assert claiming.in_work(database, job_id) == [5, 6]
    assert rows(database, "SELECT process FROM losses") == [(dead,)]


async def test_what_the_dead_had_settled_or_was_cancelled_is_not_put_in_quarantine(
    database: Database,
) -> None:
    job_id, cancelled = await submit(database, URLS), await submit(database, URLS)
    await lose(database)
    worker_id = await claiming.add_worker(database)
    await claiming.claim(database, worker_id)
    await settle(database, [measured(job_id, number) for number in (2, 3, 4)])
    async with database.transaction() as connection:
        await cancel_job(connection, cancelled)
    claiming.silence(database, worker_id)
    await claiming.sweep(database)
    assert quarantined(database, job_id) == [1, 5, 6, 7, 8]
    check_truth(database.url, cancelled)
    assert check_invariants(database.url, THRESHOLDS).findings == ()


async def test_a_worker_that_is_lost_while_an_image_is_tried_alone_leaves_it_in_quarantine(
    database: Database,
) -> None:
    job_id = await submit(database, URLS[:1])
    for _ in range(2):
        await lose(database)
    for _ in range(2):
        worker_id = await claiming.add_worker(database)
        await claiming.claim(database, worker_id, 1, hosts=[QUARANTINE])
        claiming.silence(database, worker_id)
        await claiming.sweep(database)
        assert quarantined(database, job_id) == [1]


async def test_losses_are_forgotten_when_their_job_has_ended(database: Database) -> None:
    ended, ongoing = await submit(database, URLS[:1]), await submit(database, URLS[:1])
    await lose(database)
    await settle(database, [measured(ended, 1)])
    async with database.transaction() as connection:
        await losses.forget_ended(connection)
    assert rows(database, "SELECT job_id FROM losses") == [(ongoing,)]

"""A submit puts each image in line once: at its host, or in a bucket where there are very many hosts."""

from retailpulse.domain.ids import new_job_id
from retailpulse.fetch import origin_key
from retailpulse.storage.integrity.check import check_invariants
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.scheduling.enqueue import enqueue_missing
from retailpulse.storage.scheduling.slice_builder import BUCKETS, MANY_HOSTS, MOST_IMAGES
from tests.storage import claiming
from tests.storage.checking import change
from tests.storage.ended import rows
from tests.storage.jobs import place, submit
from tests.storage.scheduling.buffers import add_job
from tests.storage.truth import THRESHOLDS

PLACES = "SELECT host_id, unnest(image_nos) AS no FROM slices WHERE job_id = %s ORDER BY 2"


async def test_many_hosts_with_few_images_share_buckets_and_one_with_many_has_its_own_line(
    database: Database,
) -> None:
    """One host has 50 images, the others one each."""
    urls = [f"http://big.example/{number}" for number in range(50)]
    urls += [f"http://{number}.example/photo" for number in range(MANY_HOSTS)]
    job_id = await submit(database, urls)
    found = rows(database, PLACES, job_id)
    assert [number for _, number in found] == list(range(1, 1 + len(urls)))
    assert rows(database, "SELECT origin FROM hosts WHERE host_id > 0") == [("http://big.example:80",)]
    assert {host_id > 0 for host_id, number in found if number <= 50} == {True}
    used = {host_id for host_id, number in found if number > 50}
    assert used == set(range(-BUCKETS, 0))
    ((count, most),) = rows(
        database, "SELECT count(*), max(cardinality(image_nos)) FROM slices WHERE host_id < 0"
    )
    assert count <= 16 * BUCKETS
    assert most <= MOST_IMAGES
    assert check_invariants(database.url, THRESHOLDS).findings == ()


async def test_a_host_fewer_and_each_has_a_line_of_its_own(database: Database) -> None:
    job_id = await submit(database, [f"http://{number}.example/photo" for number in range(MANY_HOSTS - 1)])
    assert len({host_id for host_id, _ in rows(database, PLACES, job_id)}) == MANY_HOSTS - 1


async def test_images_of_one_host_are_in_one_bucket_whoever_submits_them(database: Database) -> None:
    urls = [f"http://{number}.example/photo" for number in range(MANY_HOSTS)]
    one, other = await submit(database, urls), await submit(database, urls)
    assert rows(database, PLACES, one) == rows(database, PLACES, other)


async def test_what_is_in_line_is_the_same_from_memory_and_from_rows(database: Database) -> None:
    for hosts in (7, MANY_HOSTS):
        from_rows = await add_job(database, 2 * MANY_HOSTS, hosts=hosts)
        placed = rows(database, PLACES, from_rows)
        sizes = rows(database, "SELECT host_id, cardinality(image_nos) FROM slices ORDER BY 1, 2")
        urls = [f"http://{number % hosts}.example/{number}.png" for number in range(1, 2 * MANY_HOSTS + 1)]
        change(database, "DELETE FROM slices")
        from_memory = await submit(database, urls)
        assert rows(database, PLACES, from_memory) == placed
        assert rows(database, "SELECT host_id, cardinality(image_nos) FROM slices ORDER BY 1, 2") == sizes
        change(database, "DELETE FROM slices")


async def test_a_url_that_nobody_will_ask_waits_all_the_same(database: Database) -> None:
    """Its worker finds out what is wrong with it."""
    job_id = await submit(database, ["no url", "http://", "ftp://a/1", ""])
    assert claiming.in_line(database, job_id) == [1, 2, 3, 4]
    granted = await claiming.claim(database, await claiming.add_worker(database))
    assert [image.image_url for image in claiming.images(granted)] == ["no url", "http://", "ftp://a/1", ""]


async def test_only_what_is_missing_is_put_in_line_again(database: Database) -> None:
    job_id = await submit(database, [f"http://a.example/{number}" for number in range(40)])
    await claiming.claim(database, await claiming.add_worker(database), 8)
    change(database, "DELETE FROM slices WHERE 20 = ANY(image_nos)")
    lost = 32 - len(claiming.in_line(database, job_id))
    async with database.transaction() as connection:
        assert await enqueue_missing(connection, place(job_id), origin_key) == lost > 0
        assert await enqueue_missing(connection, place(job_id), origin_key) == 0
        assert await enqueue_missing(connection, place(new_job_id()), origin_key) == 0
    assert claiming.in_line(database, job_id) == list(range(9, 41))

"""The slice builder gathers each image at its host, whatever its URL and however many hosts there are."""

import random

from retailpulse.domain.ids import new_job_id
from retailpulse.fetch import origin_key
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.scheduling import notifications
from retailpulse.storage.scheduling.slice_builder import FEW_IMAGES, MANY_IMAGES, MORE_HOSTS, SliceBuilder
from tests.storage.ended import rows
from tests.storage.jobs import place

PLACES = """
    SELECT no, host_id, CASE WHEN host_id > 0 THEN origin END
    FROM slices CROSS JOIN unnest(image_nos) WITH ORDINALITY AS image (no, place)
    JOIN hosts USING (host_id) WHERE job_id = %s ORDER BY host_id, tag, slice_id, place
"""
# What looks like the beginning of another URL comes right before it.
URLS = [
    "http:", "http://a.example/1", "http://a.example", "http://a.example.org/1", "http://A.example/2",
    "http://", "http://a.example/3", "http:/", "https://a.example/4", "http:\\\\a.example/5",
    "http:\\\\a.example//c.example/", "", "http://a.example:80/6", "http://a.example:81/7", "//a.example/8",
    "https://a.example?x=//b.example/", "/", "//", "///", " \t http://a.example/9", "http:///a.example/1",
    "http://b.example#//a.example/", "no url", "http://user@a.example/", "http://a.example/b//c",
    "http:/\\a.example/", "ftp://a.example/1", "a", "a/b//c/d",
]  # fmt: skip


async def put_in_line(database: Database, builder: SliceBuilder) -> list[tuple[int, int, str | None]]:
    """Where each image waits, by number: the id of a host with its origin, or of a bucket with None."""
    job = place(new_job_id())
    async with database.transaction() as connection:
        count = await builder.enqueue(connection, job)
    found: list[tuple[int, int, str | None]] = rows(database, PLACES, job.job_id)
    assert count == len(found)
    assert found == sorted(found, key=lambda row: (row[1], row[0]))  # they are asked for in their order
    return sorted(found)


async def origins(database: Database, builder: SliceBuilder) -> list[tuple[int, str | None]]:
    return [(number, origin) for number, _, origin in await put_in_line(database, builder)]


async def test_every_image_waits_at_the_host_that_it_will_be_asked_of(database: Database) -> None:
    dice = random.Random(4)
    for _ in range(20):
        urls = dice.sample(URLS, len(URLS))
        builder = SliceBuilder(origin_key)
        for number, url in enumerate(urls, 1):
            builder.add(number, url)
        assert await origins(database, builder) == [
            (number, origin_key(url)) for number, url in enumerate(urls, 1)
        ]


async def test_images_in_blocks_wait_where_they_would_one_by_one(database: Database) -> None:
    blocks = [
        [f"http://a.example/{number}" for number in range(30)],
        [f"http://a.example/{number}" for number in range(5)],
        ["http://a.example/", "http://b.example/", "http://c.example/"],
        ["http://c.example/1"],
        URLS,
    ]
    builder, first_no = SliceBuilder(origin_key), 1
    for block in blocks:
        builder.add_all(first_no, block)
        first_no += len(block)
    urls = [url for block in blocks for url in block]
    assert await origins(database, builder) == [
        (number, origin_key(url)) for number, url in enumerate(urls, 1)
    ]


async def test_what_is_left_out_waits_nowhere_and_hosts_without_images_are_not_noted(
    database: Database,
) -> None:
    builder = SliceBuilder(origin_key)
    builder.add_all(
        1, ["http://a.example/1", "http://b.example/2", "http://a.example/3", "no url", "http://c/5"]
    )
    builder.leave_out(bytearray([0, 0, 1, 1, 0, 1]))
    assert await origins(database, builder) == [(1, "http://a.example:80"), (4, None)]
    assert rows(database, "SELECT origin FROM hosts WHERE host_id > 0") == [("http://a.example:80",)]


async def test_a_line_without_images_changes_nothing(database: Database) -> None:
    builder = SliceBuilder(origin_key)
    assert await put_in_line(database, builder) == []
    builder.add(1, "http://a.example/1")
    builder.leave_out(bytearray([0, 1]))
    assert await put_in_line(database, builder) == []
    assert rows(database, "SELECT FROM hosts WHERE host_id > 0") == []


async def test_of_more_hosts_than_are_kept_each_image_waits_once(database: Database) -> None:
    """Hosts that are let go of may come again: who has many images has a line, the others share a bucket."""
    before = ["early"] * (FEW_IMAGES + 1) + ["split"] * 2
    others = [f"n{number}" for number in range(MORE_HOSTS - 2)]
    after = (
        ["late", "early", "split", *others[-300:], *others[-300:]]
        + ["late"] * FEW_IMAGES
        + ["few"] * FEW_IMAGES
    )
    names = before + others + after
    builder = SliceBuilder(origin_key)
    for number, name in enumerate(names, 1):
        ports = f":{'0' * number}80" if number < 4 else ""
        builder.add(number, f"http://{name}.example{ports}/{number}")
    found = await put_in_line(database, builder)
    assert [number for number, _, _ in found] == list(range(1, 1 + len(names)))
    own = {"early", "late"}
    for number, host_id, origin in found:
        name = names[number - 1]
        assert (host_id > 0, origin) == (name in own, f"http://{name}.example:80" if name in own else None)
    assert len({host_id for number, host_id, _ in found if names[number - 1] == "split"}) == 1


async def test_workers_hear_where_many_images_came_and_where_few_did(database: Database) -> None:
    builder = SliceBuilder(origin_key)
    urls = [f"http://many.example/{number}" for number in range(MANY_IMAGES)]
    builder.add_all(1, urls)
    builder.add_all(len(urls) + 1, ["http://few.example/1"])
    async with database.dedicated() as listening:
        await notifications.listen(listening)
        places = await put_in_line(database, builder)
        heard = [
            notifications.read_hosts(told.payload)
            async for told in listening.notifies(timeout=5, stop_after=2)
        ]
    many, few = places[0][1], places[-1][1]
    assert sorted((told.are_many, *(told.host_ids or ())) for told in heard) == [(False, few), (True, many)]


async def test_very_many_hosts_make_about_as_many_slices_as_one(database: Database) -> None:
    slices = []
    for hosts in (1, 100_000):
        line, job = SliceBuilder(origin_key), place(new_job_id())
        line.add_all(1, [f"http://photos-{number % hosts}.example/{number}" for number in range(100_000)])
        async with database.transaction() as connection:
            assert await line.enqueue(connection, job) == 100_000
        slices.append(len(rows(database, "SELECT FROM slices WHERE job_id = %s", job.job_id)))
    one, many = slices
    assert many <= 1.2 * one

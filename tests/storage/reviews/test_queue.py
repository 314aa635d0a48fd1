"""The queue of photos to decide on: which are in it, in which order, page by page, and how many are left."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from retailpulse.domain.flags import Flag
from retailpulse.domain.reviews import Decision
from retailpulse.service import Reviews
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.reviews import queue
from retailpulse.storage.reviews.decide import NewDecision
from retailpulse.storage.reviews.history import Photo
from retailpulse.storage.reviews.queue import FIRST, QueueFilter
from tests.storage.jobs import KNOWN
from tests.storage.reviews.photos import copied_photo, decide, flagged_job

EVERYTHING = QueueFilter()


async def walk(database: Database, wanted: QueueFilter, *, limit: int = 2) -> list[Photo]:
    """All photos that are asked for, page by page."""
    found: list[Photo] = []
    after: Photo | None = FIRST
    while after is not None:
        page = await Reviews(database).queue(wanted, after=after, limit=limit)
        assert len(page.photos) <= limit
        found += [(UUID(photo.job_id), photo.image_no) for photo in page.photos]
        after = page.following
    return found


@pytest.mark.parametrize("window", [1, 3, 100])
async def test_it_holds_what_is_undecided_and_by_itself_only_what_fraud_raises(
    database: Database, monkeypatch: pytest.MonkeyPatch, window: int
) -> None:
    monkeypatch.setattr(queue, "WINDOW_PHOTOS", window)
    first = await flagged_job(database, [Flag.BLANK], [Flag.DARK], [Flag.DARK, Flag.BLANK], [])
    second = await flagged_job(database, [Flag.BLANK], [Flag.BLANK, Flag.SOFT], [Flag.BLANK])
    await decide(database, second, 2, Decision.ACCEPTED)
    assert await walk(database, EVERYTHING) == [(first, 1), (first, 3), (second, 1), (second, 3)]
    assert await walk(database, QueueFilter(flags=(Flag.DARK,))) == [(first, 2), (first, 3)]
    assert await walk(database, QueueFilter(store_ids=(KNOWN[1],))) == [(first, 3), (second, 3)]
    assert await walk(database, QueueFilter(area_codes=("7100016",))) == []
    assert await walk(database, QueueFilter(decision=Decision.ACCEPTED)) == [(second, 2)]
    assert await walk(database, QueueFilter(decision=Decision.ACCEPTED, flags=(Flag.DARK,))) == []
    assert await walk(database, QueueFilter(decision=Decision.REJECTED)) == []


async def test_it_is_asked_for_by_the_time_of_results(database: Database) -> None:
    job_id = await flagged_job(database, [Flag.BLANK], [Flag.DARK])
    now = datetime.now(UTC)
    day = timedelta(days=1)
    assert await walk(database, QueueFilter(start=now - day, end=now + day)) == [(job_id, 1)]
    assert await walk(database, QueueFilter(flags=(Flag.DARK,), end=now + day)) == [(job_id, 2)]
    assert await walk(database, QueueFilter(start=now + day)) == []
    assert await walk(database, QueueFilter(end=now - day)) == []


async def test_each_photo_names_its_match(database: Database) -> None:
    first, second = await copied_photo(database)
    await flagged_job(database, [Flag.BLANK])
    page = await Reviews(database).queue(EVERYTHING, after=FIRST, limit=9)
    named = [photo.matched and (photo.matched.job_id, photo.matched.store_id) for photo in page.photos]
    assert (page.photos[0].job_id, named) == (str(second), [(str(first), "RP00002"), None])


@pytest.mark.parametrize("window", [1, 100])
async def test_by_itself_it_shows_copies_of_other_stores_alone(
    database: Database, monkeypatch: pytest.MonkeyPatch, window: int
) -> None:
    monkeypatch.setattr(queue, "WINDOW_PHOTOS", window)
    copies = [
        (later, 1)
        for seed, store in enumerate(("RP00002", "RP00001", "RP00002", "RP00003"), 1)
        for _, later in [await copied_photo(database, seed=seed, store=store)]
    ]
    assert await walk(database, EVERYTHING) == [copies[1], copies[3]]
    assert await walk(database, QueueFilter(store_ids=("RP00001", "RP00002"))) == [copies[1]]
    assert await walk(database, QueueFilter(flags=(Flag.COPY,))) == copies
    if window == 100:
        reviews = Reviews(database)
        assert await reviews.waiting(EVERYTHING) == (2, True)
        assert await reviews.before(EVERYTHING, copies[3]) == copies[1]


async def test_what_is_left_is_counted_up_to_a_bound(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = await flagged_job(database, *[[Flag.BLANK]] * 5)
    page = await Reviews(database).queue(EVERYTHING, after=(job_id, 2), limit=1)
    assert (len(page.photos), page.left, page.counted_all) == (1, 3, True)
    monkeypatch.setattr(queue, "MOST_COUNTED", 4)
    page = await Reviews(database).queue(EVERYTHING, after=FIRST, limit=1)
    assert (page.left, page.counted_all) == (4, False)


async def test_a_batch_is_answered_one_by_one_in_its_order(database: Database) -> None:
    job_id = await flagged_job(database, *[[Flag.BLANK]] * 3)
    await decide(database, job_id, 2, Decision.ACCEPTED, by="ben")
    numbers = (3, 9, 2, 1)
    batch = [NewDecision(photo=(job_id, no), decision=Decision.REJECTED, by="anna") for no in numbers]
    for _ in range(2):
        answers = await Reviews(database).decide_many(batch)
        assert [(answer.image_no, answer.status) for answer in answers] == [
            (3, 200),
            (9, 404),
            (2, 409),
            (1, 200),
        ]
    assert "ben has decided accepted" in str(answers[2].detail)
    assert await walk(database, QueueFilter(decision=Decision.REJECTED)) == [(job_id, 1), (job_id, 3)]


async def test_the_queue_is_read_along_its_index(database: Database) -> None:
    """The condition of the index and that of the queue are the same, so that nothing else is read."""
    async with database.transaction() as connection:
        await connection.execute("SET LOCAL enable_seqscan = off")
        seen = queue.candidates(EVERYTHING)
        values = {"job_id": UUID(int=0), "image_no": 0, "window": 10}
        cursor = await connection.execute(b"EXPLAIN " + seen.as_bytes(connection), values)
        plan = "\n".join(str(line) for (line,) in await cursor.fetchall())
    assert "results_to_review" in plan


@pytest.mark.parametrize("wanted", [EVERYTHING, QueueFilter(store_ids=(KNOWN[0], KNOWN[1]))])
async def test_the_photo_before_is_found_backwards(database: Database, wanted: QueueFilter) -> None:
    first = await flagged_job(database, [Flag.BLANK], [Flag.DARK], [Flag.BLANK])
    second = await flagged_job(database, [Flag.BLANK], [Flag.BLANK])
    await decide(database, first, 3, Decision.ACCEPTED)
    reviews = Reviews(database)
    assert await reviews.before(wanted, (second, 2)) == (second, 1)
    assert await reviews.before(wanted, (second, 1)) == (first, 1)
    assert await reviews.before(wanted, (first, 1)) is None
    assert await reviews.before(QueueFilter(flags=(Flag.DARK,)), (second, 1)) == (first, 2)
    assert await reviews.waiting(wanted) == (3, True)

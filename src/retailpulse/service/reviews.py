"""What people decide on photos: one by one or many at once, undone, with their history; what is left."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec

from retailpulse.domain.errors import Conflict, InvalidRequest, NotFound
from retailpulse.schema import PhotoRef, Review, ReviewAnswer, ReviewedPhoto, ReviewEntry
from retailpulse.storage.jobs.read import known_job
from retailpulse.storage.postgres.bulkhead import Share
from retailpulse.storage.postgres.database import Connection, Database
from retailpulse.storage.reviews import decide as deciding
from retailpulse.storage.reviews import queue
from retailpulse.storage.reviews.decide import NewDecision
from retailpulse.storage.reviews.history import Entry, Photo, read_history
from retailpulse.storage.reviews.queue import QueueFilter

TRANSACTION_DECISIONS = 100
"""How many decisions of a batch are made in one transaction, while others wait for their turn."""
PAGE_WINDOWS = 10
"""How many windows one page looks at: 50,000 flagged photos."""
_STATUSES: tuple[tuple[type[Exception], int], ...] = ((NotFound, 404), (Conflict, 409), (InvalidRequest, 400))


@dataclass(frozen=True, kw_only=True, slots=True)
class QueuePage:
    """Photos of the queue, where the next page begins, and how many are left from the beginning of this one.

    `counted_all` is False if there are more than `left`.
    """

    photos: list[ReviewedPhoto]
    following: Photo | None
    left: int
    counted_all: bool


class Reviews:
    """Decisions of people over one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def state(self, photo: Photo) -> Review:
        """A photo with all decisions on it, also if its job is gone; raises NotFound."""
        async with self._database.connection(share=Share.READS) as connection:
            return await _state(connection, photo)

    async def decide(self, new: NewDecision) -> Review:
        """Writes a decision, once if it comes twice; raises NotFound, InvalidRequest or Conflict."""
        async with self._database.transaction(share=Share.WRITES) as connection:
            await deciding.lock_reviews(connection)
            await deciding.decide(connection, new)
            return await _state(connection, new.photo)

    async def decide_many(self, decisions: Sequence[NewDecision]) -> list[ReviewAnswer]:
        """Writes decisions; one that is refused is answered so, and hinders no other.

        Some may stand if it raises; the same batch once more does the rest.
        """
        answers: dict[int, ReviewAnswer] = {}
        # Rows are locked in the order in which other transactions lock several.
        ordered = sorted(enumerate(decisions), key=lambda numbered: numbered[1].photo)
        for start in range(0, len(ordered), TRANSACTION_DECISIONS):
            async with self._database.transaction(share=Share.WRITES) as connection:
                await deciding.lock_reviews(connection)
                for number, new in ordered[start : start + TRANSACTION_DECISIONS]:
                    answers[number] = await _answer(connection, new)
        return [answers[number] for number in range(len(decisions))]

    async def undo(self, photo: Photo, *, by: str, revision: int | None) -> Review:
        """Undoes the decision that stands, so that the one before it does; raises NotFound or Conflict."""
        async with self._database.transaction(share=Share.WRITES) as connection:
            await deciding.lock_reviews(connection)
            await deciding.undo(connection, photo, by=by, revision=revision)
            return await _state(connection, photo)

    async def queue(self, wanted: QueueFilter, *, after: Photo, limit: int) -> QueuePage:
        """A page of the queue, the oldest job first; it may be short, or empty, and yet have a next one."""
        found: list[Mapping[str, Any]] = []
        following: Photo | None = after
        async with self._database.connection(share=Share.READS) as connection:
            for _ in range(PAGE_WINDOWS):
                if following is None or len(found) == limit:
                    break
                window = await queue.read_window(
                    connection, wanted, after=following, limit=limit - len(found)
                )
                found += window.photos
                following = window.reached
            left, counted_all = await queue.count_left(connection, wanted, after=after)
        if counted_all and len(found) == left:
            following = None
        return QueuePage(
            photos=[_record(row) for row in found],
            following=following,
            left=left,
            counted_all=counted_all,
        )

    async def before(self, wanted: QueueFilter, photo: Photo) -> Photo | None:
        """The undecided photo before this one in the queue, or None."""
        async with self._database.connection(share=Share.READS) as connection:
            return await queue.find_before(connection, wanted, photo)

    async def waiting(self, wanted: QueueFilter) -> tuple[int, bool]:
        """How many photos are in the queue, as far as they are counted, and whether these are all."""
        async with self._database.connection(share=Share.READS) as connection:
            return await queue.count_left(connection, wanted, after=queue.FIRST)


async def _answer(connection: Connection, new: NewDecision) -> ReviewAnswer:
    job_id, image_no = new.photo
    status, detail = 200, None
    try:
        await deciding.decide(connection, new)
    except (NotFound, Conflict, InvalidRequest) as error:
        status = next(code for kind, code in _STATUSES if isinstance(error, kind))
        detail = str(error)
    return ReviewAnswer(job_id=str(job_id), image_no=image_no, status=status, detail=detail)


async def _state(connection: Connection, photo: Photo) -> Review:
    found = await queue.find_photo(connection, photo)
    if found is None:
        await known_job(connection, photo[0])
        raise NotFound(f"there is no image {photo[1]} in the job {photo[0]}")
    entries = await read_history(connection, photo)
    record = _record(found)
    return Review(
        **{name: getattr(record, name) for name in ReviewedPhoto.__struct_fields__},
        history=[_entry(entry) for entry in entries],
    )


def _record(row: Mapping[str, Any]) -> ReviewedPhoto:
    pair = _pair(row["pair_job_id"], row["pair_image_no"])
    return msgspec.convert({**row, "pair": pair}, ReviewedPhoto)


def _entry(entry: Entry) -> ReviewEntry:
    return ReviewEntry(
        revision=entry.revision,
        decision=entry.decision,
        undoes=entry.undoes,
        flags=entry.flags or [],
        flag=entry.flag,
        pair=_pair(entry.pair_job_id, entry.pair_image_no),
        reason=entry.reason,
        by=entry.decided_by,
        at=entry.decided_at,
    )


def _pair(job_id: UUID | str | None, image_no: int | None) -> PhotoRef | None:
    return None if job_id is None or image_no is None else PhotoRef(job_id=str(job_id), image_no=image_no)

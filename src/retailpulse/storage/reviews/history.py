"""The history of decisions on a photo: read, and what of it stands.

An undo is an entry of its own, which names the decision that it undoes. A decision stands if none does, and
the newest one that stands is the photo's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.rows import class_row

from retailpulse.domain.reviews import ReviewStep
from retailpulse.storage.postgres.database import Connection

Photo = tuple[UUID, int]
"""A job, and the number of an image in it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One entry of the history of a photo; `undoes` is the revision of the decision that it undoes."""

    entry_id: int
    revision: int
    decision: str
    undoes: int | None
    flags: list[str] | None
    flag: str | None
    pair_job_id: UUID | None
    pair_image_no: int | None
    reason: str | None
    decided_by: str
    decided_at: datetime

    @property
    def pair(self) -> Photo | None:
        """The other photo of the pair that it is about, if it is about one."""
        if self.pair_job_id is None or self.pair_image_no is None:
            return None
        return self.pair_job_id, self.pair_image_no

    @property
    def is_undo(self) -> bool:
        """Whether it undoes a decision."""
        return self.decision == ReviewStep.UNDONE


_READ = """
    SELECT entry_id, revision, decision, undoes, flags, flag, pair_job_id, pair_image_no, reason,
        decided_by, decided_at
    FROM review_history WHERE job_id = %s AND image_no = %s ORDER BY revision
"""


async def read_history(connection: Connection, photo: Photo) -> list[Entry]:
    """All entries of a photo, the oldest first."""
    cursor = await connection.cursor(row_factory=class_row(Entry)).execute(_READ, photo)
    return await cursor.fetchall()


def standing(entries: Sequence[Entry]) -> list[Entry]:
    """The decisions that no later entry undoes, the oldest first."""
    undone = {entry.undoes for entry in entries}
    return [entry for entry in entries if not entry.is_undo and entry.revision not in undone]

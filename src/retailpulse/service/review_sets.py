"""One decision on all photos of a job that have a flag and that nobody has decided on.

Put together from the list of flagged photos and from single decisions; what another person decides stands.
"""

from dataclasses import dataclass
from uuid import UUID

import msgspec

from retailpulse.domain.flags import Flag
from retailpulse.domain.reviews import PAIR_FLAGS, Decision
from retailpulse.schema import FlaggedPhoto
from retailpulse.service.photos import Photos
from retailpulse.service.reviews import Reviews
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.results.photos import PhotoFilter, PhotoPlace
from retailpulse.storage.reviews.decide import NewDecision

MOST_DECISIONS = 500
"""How many photos are decided on at once."""
_WRITTEN = 200
_PAGE = 250
_PAGES = 20
"""How many pages of photos are looked through for those that are undecided."""
_DECODER = msgspec.json.Decoder(FlaggedPhoto)


@dataclass(frozen=True, kw_only=True, slots=True)
class SetDecided:
    """How many photos the decision stands on now, how many were refused; whether others may be left."""

    decided: int
    refused: int
    are_more: bool


class ReviewSets:
    """Decisions on sets of photos over one database."""

    def __init__(self, database: Database) -> None:
        self._photos = Photos(database)
        self._reviews = Reviews(database)

    async def undecided(self, job_id: UUID, flag: Flag) -> tuple[list[int], bool]:
        """The numbers of photos to decide on, at most `MOST_DECISIONS`, and whether there may be more."""
        wanted = PhotoFilter(job_ids=(job_id,), flags=(flag,))
        found: list[int] = []
        after: PhotoPlace | None = None
        for _ in range(_PAGES):
            page, after = await self._photos.page(wanted, after=after, limit=_PAGE)
            rows = map(_DECODER.decode, page)
            found += [row.image_no for row in rows if row.review is None]
            if after is None or len(found) > MOST_DECISIONS:
                break
        return found[:MOST_DECISIONS], after is not None or len(found) > MOST_DECISIONS

    async def decide(
        self, job_id: UUID, flag: Flag, decision: Decision, *, by: str, reason: str | None
    ) -> SetDecided:
        """Writes the decision on each; that a match is none is said of each photo and its own earlier one."""
        image_nos, are_more = await self.undecided(job_id, flag)
        named = flag if decision is Decision.FLAG_WRONG and flag not in PAIR_FLAGS else None
        answers = await self._reviews.decide_many(
            [
                NewDecision(photo=(job_id, image_no), decision=decision, by=by, reason=reason, flag=named)
                for image_no in image_nos
            ]
        )
        decided = sum(answer.status == _WRITTEN for answer in answers)
        return SetDecided(decided=decided, refused=len(answers) - decided, are_more=are_more)

"""One photo with all that is known of it, and the earlier photo that it is most like, for pages of people.

Put together from what else is asked of results, reviews, matches and stores.
"""

from dataclasses import dataclass
from uuid import UUID

import msgspec

from retailpulse.config.settings import MeasureSettings
from retailpulse.domain.errors import NotFound
from retailpulse.schema import Result, Review, Store
from retailpulse.service.matches import Matches
from retailpulse.service.results import Results
from retailpulse.service.reviews import Reviews
from retailpulse.service.stores import Stores
from retailpulse.storage.matches.list import MatchRow
from retailpulse.storage.matches.of_photo import LaterPhoto
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.results.pages import PageFormat, ResultFilter, ResultForm

MOST_LATER = 12
"""How many later photos are told of."""
_EVERYTHING = ResultFilter()
_FORM = ResultForm(page_format=PageFormat.JSON_ROWS, with_earlier=True)
_ROW = msgspec.json.Decoder(Result)


@dataclass(frozen=True, kw_only=True, slots=True)
class PhotoDetail:
    """A photo; `store` is None if the master has none, `earlier` if the photo was not handed in before.
    `later` are the first photos that were handed in again after it.

    Photos further than `allowed_meters` from their store are flagged; 0: none is.
    """

    result: Result
    review: Review
    store: Store | None
    match: MatchRow | None
    earlier: Result | None
    later: list[LaterPhoto]
    allowed_meters: int


class PhotoDetails:
    """Photos with all that is known of them."""

    def __init__(self, database: Database, measure: MeasureSettings) -> None:
        self._results = Results(database)
        self._reviews = Reviews(database)
        self._matches = Matches(database)
        self._stores = Stores(database)
        self._allowed_meters = measure.far_from_store_meters

    async def read(self, job_id: UUID, image_no: int) -> PhotoDetail:
        """All of one photo; raises NotFound."""
        result = await self._result(job_id, image_no)
        match = await self._matches.of_photo(job_id, image_no)
        return PhotoDetail(
            result=result,
            review=await self._reviews.state((job_id, image_no)),
            store=await self._store(result.store_id),
            match=match,
            earlier=None if match is None else await self._earlier(match),
            later=await self._matches.later(job_id, image_no, limit=MOST_LATER),
            allowed_meters=self._allowed_meters,
        )

    async def _result(self, job_id: UUID, image_no: int) -> Result:
        lines, _ = await self._results.page(job_id, _EVERYTHING, _FORM, after=image_no - 1, limit=1)
        found = _ROW.decode(lines[0]) if lines else None
        if found is None or found.image_no != image_no:
            raise NotFound(f"there is no image {image_no} in the job {job_id}")
        return found

    async def _earlier(self, match: MatchRow) -> Result | None:
        try:
            return await self._result(match.earlier_job_id, match.earlier_image_no)
        except NotFound:  # its job was deleted a moment ago
            return None

    async def _store(self, store_id: str) -> Store | None:
        try:
            return await self._stores.find(store_id)
        except NotFound:
            return None

"""Matches: photos that were handed in before, across all jobs; JSON pages, or all of them as CSV or XLSX."""

from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, get
from litestar.params import Parameter
from litestar.response import Stream

from retailpulse.api.openapi.annotations import Tag
from retailpulse.api.v1.filters import JobIds, instant, job_ids, texts
from retailpulse.api.v1.list_files import ListRequest, documented_list
from retailpulse.api.v1.pages import Cursors, Page, RowNumber
from retailpulse.api.v1.parameter_objects import with_parameter_objects
from retailpulse.domain.matches import MatchKind, Relation
from retailpulse.schema import Match, MatchedPhoto
from retailpulse.schema.matches import MatchLine
from retailpulse.service import Matches
from retailpulse.storage.matches.list import MatchFilter, MatchPlace, MatchRow

MATCHES: Cursors[MatchPlace] = Cursors("matches", tuple[datetime, UUID, RowNumber])
"""A position is that of the match after which a page begins."""


@get(
    "/api/v1/matches",
    operation_id="listMatches",
    summary="Photos that were handed in before, the newest first",
    tags=[Tag.RESULTS],
    opt=documented_list(Match, line=MatchLine, meaning="A page of matches, or every one as a file."),
)
@with_parameter_objects
async def list_matches(
    *,
    matches: Matches,
    kind: Annotated[list[MatchKind] | None, Parameter(description="Only matches of this kind.")] = None,
    relation: Annotated[
        list[Relation] | None, Parameter(description="Only matches of visits that belong together so.")
    ] = None,
    job_id: JobIds = None,
    store_id: Annotated[list[str] | None, Parameter(description="Only photos of this store.")] = None,
    area: Annotated[list[str] | None, Parameter(description="Only photos of stores in this area.")] = None,
    since: Annotated[
        str | None, Parameter(description="Only photos settled then or later: a date or an RFC 3339 time.")
    ] = None,
    until: Annotated[
        str | None, Parameter(description="Only photos settled before: a date or an RFC 3339 time.")
    ] = None,
    asked: ListRequest,
) -> Response[Page[Match]] | Stream:
    """List photos that were handed in before, each with the earliest one that it is most like.

    A photo of the same file or a copy, or of the same scene, is named once. Filters look at the later photo.
    Matches are found within moments of the result, so a new one may come after the end of its job; one that
    names a photo of a deleted job is gone.
    """
    wanted = MatchFilter(
        kinds=tuple(dict.fromkeys(kind or ())),
        relations=tuple(dict.fromkeys(relation or ())),
        job_ids=job_ids(job_id),
        store_ids=texts("store_id", store_id),
        areas=texts("area", area),
        start=instant("since", since),
        end=instant("until", until),
    )
    read = partial(matches.page, wanted)
    return await asked.answer(MatchLine, MATCHES, read, _lines(matches.all(wanted)), _match)


def _match(row: MatchRow) -> Match:
    return Match(
        photo=MatchedPhoto(
            job_id=str(row.job_id),
            image_no=row.image_no,
            store_id=row.store_id,
            visit_time=row.visit_time,
            image_url=row.image_url,
            settled_at=row.settled_at,
        ),
        earlier=MatchedPhoto(
            job_id=str(row.earlier_job_id),
            image_no=row.earlier_image_no,
            store_id=row.earlier_store_id,
            visit_time=row.earlier_visit_time,
            image_url=row.earlier_image_url,
            settled_at=row.earlier_settled_at,
        ),
        kind=row.kind,
        distance=row.distance,
        relation=row.relation,
        area=row.area,
    )


async def _lines(rows: AsyncIterator[MatchRow]) -> AsyncIterator[MatchLine]:
    async for row in rows:
        values = {name: getattr(row, name) for name in MatchLine.__struct_fields__}
        ids = {"job_id": str(row.job_id), "earlier_job_id": str(row.earlier_job_id)}
        yield msgspec.convert(values | ids, MatchLine)

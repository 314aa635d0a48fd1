"""Flagged photos of all jobs: by flag, area, store, time; JSON pages, or all of them as CSV or XLSX."""

from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get
from litestar.params import Parameter
from litestar.response import Stream

from retailpulse.api.export.records import export_records
from retailpulse.api.export.writer_process import Exports
from retailpulse.api.openapi.annotations import Tag
from retailpulse.api.v1.filters import instant, texts
from retailpulse.api.v1.list_files import Safe, documented_list, list_format
from retailpulse.api.v1.pages import (
    DEFAULT_LIMIT,
    Cursors,
    CursorText,
    Limit,
    Page,
    page_response,
    write_cursor,
)
from retailpulse.domain.errors import InvalidRequest
from retailpulse.domain.flags import Flag
from retailpulse.domain.ids import parse_job_id
from retailpulse.schema import FlaggedPhoto
from retailpulse.service import Photos
from retailpulse.storage.results.photos import PhotoFilter, PhotoPlace

Since = Annotated[
    str | None, Parameter(description="Only results of then or later: a date or an RFC 3339 time.")
]
Until = Annotated[str | None, Parameter(description="Only results from before: a date or an RFC 3339 time.")]
PHOTOS: Cursors[PhotoPlace] = Cursors("photos", PhotoPlace)
"""A position is that of the photo after which a page begins."""


@get(
    "/api/v1/photos",
    operation_id="listPhotos",
    summary="Flagged photos of all jobs, the newest first",
    tags=[Tag.PHOTOS],
    opt=documented_list(FlaggedPhoto, meaning="A page of photos, or every one as a file."),
)
async def list_photos(
    request: Request[Any, Any, Any],
    photos: Photos,
    exports: Exports,
    flag: Annotated[
        list[Flag] | None, Parameter(description="Only photos with this flag; without one, with any.")
    ] = None,
    area: Annotated[list[str] | None, Parameter(description="Only stores of this area.")] = None,
    store_id: Annotated[list[str] | None, Parameter(description="Only this store.")] = None,
    job_id: Annotated[list[str] | None, Parameter(description="Only photos of this job.")] = None,
    since: Since = None,
    until: Until = None,
    safe: Safe = None,
    cursor: CursorText = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Response[Page[msgspec.Raw]] | Stream:
    """List measured photos that are flagged, by when their results were written, with all that these say."""
    wanted = PhotoFilter(
        flags=tuple(flag or ()),
        area_codes=texts("area", area),
        store_ids=texts("store_id", store_id),
        job_ids=tuple(map(_job_id, job_id or ())),
        start=instant("since", since),
        end=instant("until", until),
    )
    name, after = list_format(request), PHOTOS.read(cursor)
    if name != "json":
        return await _file(request, exports, name, photos.all(wanted), is_safe=bool(safe))
    page, following = await photos.page(wanted, after=after, limit=limit)
    return page_response(request, list(map(msgspec.Raw, page)), write_cursor(PHOTOS, following), limit)


async def _file(
    request: Request[Any, Any, Any],
    exports: Exports,
    name: str,
    rows: AsyncIterator[FlaggedPhoto],
    *,
    is_safe: bool,
) -> Stream:
    return await export_records(
        request, exports, name="photos", format=name, record=FlaggedPhoto, rows=rows, for_spreadsheet=is_safe
    )


def _job_id(text: str) -> UUID:
    job_id = parse_job_id(text)
    if job_id is None:
        raise InvalidRequest(f"job_id: {text[:100]!r} is no id of a job")
    return job_id

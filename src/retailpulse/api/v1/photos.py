"""Flagged photos of all jobs: by flag, area, store, time; JSON pages, or all of them as CSV or XLSX."""

from functools import partial
from typing import Annotated

import msgspec
from litestar import Response, get
from litestar.params import Parameter
from litestar.response import Stream

from retailpulse.api.openapi.annotations import Tag
from retailpulse.api.v1.filters import Areas, JobIds, StoreIds, instant, job_ids, texts
from retailpulse.api.v1.list_files import ListRequest, documented_list
from retailpulse.api.v1.pages import Cursors, Page
from retailpulse.api.v1.parameter_objects import with_parameter_objects
from retailpulse.domain.flags import Flag
from retailpulse.schema import FlaggedPhoto
from retailpulse.service import Photos
from retailpulse.storage.results.photos import PhotoFilter, PhotoPlace

PHOTOS: Cursors[PhotoPlace] = Cursors("photos", PhotoPlace)
"""A position is that of the photo after which a page begins."""


@get(
    "/api/v1/photos",
    operation_id="listPhotos",
    summary="Flagged photos of all jobs, the newest first",
    tags=[Tag.PHOTOS],
    opt=documented_list(FlaggedPhoto, meaning="A page of photos, or every one as a file."),
)
@with_parameter_objects
async def list_photos(
    *,
    photos: Photos,
    flag: Annotated[
        list[Flag] | None, Parameter(description="Only photos with this flag; without one, with any.")
    ] = None,
    area: Areas = None,
    store_id: StoreIds = None,
    job_id: JobIds = None,
    since: Annotated[
        str | None, Parameter(description="Only results of then or later: a date or an RFC 3339 time.")
    ] = None,
    until: Annotated[
        str | None, Parameter(description="Only results from before: a date or an RFC 3339 time.")
    ] = None,
    asked: ListRequest,
) -> Response[Page[msgspec.Raw]] | Stream:
    """List measured photos that are flagged, by when their results were written, with all that these say."""
    wanted = PhotoFilter(
        flags=tuple(flag or ()),
        area_codes=texts("area", area),
        store_ids=texts("store_id", store_id),
        job_ids=job_ids(job_id),
        start=instant("since", since),
        end=instant("until", until),
    )
    read = partial(photos.page, wanted)
    return await asked.answer(FlaggedPhoto, PHOTOS, read, photos.all(wanted), msgspec.Raw)

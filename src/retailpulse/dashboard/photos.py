"""Flagged photos of all jobs as a grid, the newest first: by flag, area, store and day."""

from dataclasses import asdict
from typing import Annotated

import msgspec
from litestar import Response, get
from litestar.params import QueryParameter

from retailpulse.dashboard import words
from retailpulse.dashboard.places import read_photo_place, write_photo_place
from retailpulse.dashboard.queries import address_of
from retailpulse.dashboard.rendering import AnyRequest, page
from retailpulse.dashboard.review_queue import asked_of
from retailpulse.schema import FlaggedPhoto
from retailpulse.service import Photos

PATH = "/photos"
TILES = 60
_ROW = msgspec.json.Decoder(FlaggedPhoto)


@get(PATH, include_in_schema=False)
async def flagged_photos(
    request: AnyRequest,
    photos: Photos,
    after: Annotated[str, QueryParameter(name="after")] = "",
) -> Response[bytes]:
    """Photos that were flagged, whatever was decided on them."""
    asked = asked_of(request.query_params)
    query = asdict(asked)
    lines, following = await photos.page(asked.listed, after=read_photo_place(after), limit=TILES)
    found = [_ROW.decode(line) for line in lines]
    return page(
        request,
        "photos.html",
        photos=[(photo.job_id, photo, words.alt(photo)) for photo in found],
        query=query,
        flags={name: address_of(PATH, query | {"flag": name}) for name in words.FLAGS},
        without={part: address_of(PATH, query | {part: ""}) for part in query},
        next_page=address_of(PATH, query | {"after": write_photo_place(following)}) if following else None,
    )

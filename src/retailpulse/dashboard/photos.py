"""Flagged photos of all jobs as a grid, the newest first: by flag, area, store and job."""

from typing import Annotated
from urllib.parse import urlencode

import msgspec
from litestar import Response, get
from litestar.params import QueryParameter

from retailpulse.dashboard import words
from retailpulse.dashboard.places import read_photo_place, write_photo_place
from retailpulse.dashboard.rendering import AnyRequest, page
from retailpulse.domain.days import day_bounds
from retailpulse.domain.flags import Flag
from retailpulse.schema import FlaggedPhoto
from retailpulse.service import Photos
from retailpulse.storage.results.photos import PhotoFilter

TILES = 60
_ROW = msgspec.json.Decoder(FlaggedPhoto)


@get("/photos", include_in_schema=False)
async def flagged_photos(
    request: AnyRequest,
    photos: Photos,
    flag: Annotated[str, QueryParameter(name="flag")] = "",
    area: Annotated[str, QueryParameter(name="area")] = "",
    store: Annotated[str, QueryParameter(name="store")] = "",
    day: Annotated[str, QueryParameter(name="day")] = "",
    after: Annotated[str, QueryParameter(name="after")] = "",
) -> Response[bytes]:
    """Photos that were flagged, whatever was decided on them."""
    query = {
        "flag": flag if flag in set(Flag) else "",
        "area": _plain(area),
        "store": _plain(store),
        "day": day if day_bounds(day) else "",
    }
    lines, following = await photos.page(_wanted(query), after=read_photo_place(after), limit=TILES)
    found = [_ROW.decode(line) for line in lines]
    return page(
        request,
        "photos.html",
        photos=[(photo.job_id, photo, words.alt(photo)) for photo in found],
        query=query,
        flags={name: _address(query | {"flag": name}) for name in words.FLAGS},
        without={part: _address(query | {part: ""}) for part in query},
        next_page=_address(query | {"after": write_photo_place(following)}) if following else None,
    )


def _wanted(query: dict[str, str]) -> PhotoFilter:
    start, end = day_bounds(query["day"]) or (None, None)
    return PhotoFilter(
        flags=(Flag(query["flag"]),) if query["flag"] else (),
        area_codes=(query["area"],) if query["area"] else (),
        store_ids=(query["store"],) if query["store"] else (),
        start=start,
        end=end,
    )


def _address(query: dict[str, str]) -> str:
    given = {name: value for name, value in query.items() if value}
    return f"/photos?{urlencode(given)}" if given else "/photos"


def _plain(text: str) -> str:
    return text.replace("\0", "").strip()

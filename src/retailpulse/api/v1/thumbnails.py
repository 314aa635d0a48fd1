"""The thumbnail of one image of a job, for people to look at."""

import hashlib
from typing import Any, Literal

from litestar import Request, Response, get

from retailpulse.api.openapi.annotations import (
    JPEG,
    ContentSpec,
    HeaderSpec,
    ParameterSpec,
    ResponseSpec,
    Tag,
    documented,
)
from retailpulse.api.v1.paths import known_id
from retailpulse.domain.errors import InvalidRequest, NotFound
from retailpulse.domain.thumbnails import ThumbnailKind
from retailpulse.service import Thumbnails

_KEPT = {"Cache-Control": "private, no-cache", "Vary": "Authorization"}
"""A copy is asked for again, as photos are deleted. By headers of all answers no browser takes it
for anything but a picture."""
_DIGITS = 9


@get(
    "/api/v1/jobs/{job_id:str}/images/{image_no:str}/thumbnail",
    operation_id="readThumbnail",
    summary="The thumbnail of an image",
    tags=[Tag.RESULTS],
    opt=documented(
        None,
        404,
        answers={
            200: ResponseSpec(
                meaning="The picture.",
                contents=(ContentSpec(shape=bytes, media_type=JPEG),),
                headers={"ETag": HeaderSpec(meaning="Names these bytes.", is_always=True)},
            ),
            304: ResponseSpec(meaning="It is what `If-None-Match` names."),
        },
        params=(
            ParameterSpec(
                name="size",
                meaning="thumbnail: at most 320 pixels; review: at most 1024, which flagged photos have.",
                shape=Literal["thumbnail", "review"],
                example="thumbnail",
            ),
            ParameterSpec(name="If-None-Match", meaning="The ETag of a copy in hand.", place="header"),
        ),
    ),
)
async def thumbnail(
    request: Request[Any, Any, Any], thumbnails: Thumbnails, job_id: str, image_no: str
) -> Response[bytes]:
    """Give a small picture of a photo, upright, as JPEG, without any of its metadata.

    If it has none of the size that is asked for, the other size.
    """
    known = known_id(job_id)
    if not (image_no.isascii() and image_no.isdigit() and len(image_no) <= _DIGITS):
        raise NotFound(f"there is no image {image_no[:100]}")
    jpeg = await thumbnails.read(known, int(image_no), _kind(request))
    tag = f'"{hashlib.sha256(jpeg).hexdigest()[:32]}"'
    headers = {**_KEPT, "ETag": tag}
    if _matches(request.headers.get("if-none-match", ""), tag):
        return Response(b"", status_code=304, headers=headers, media_type=JPEG)
    return Response(jpeg, headers=headers, media_type=JPEG)


def _kind(request: Request[Any, Any, Any]) -> ThumbnailKind:
    asked = request.query_params.getall("size", [ThumbnailKind.THUMBNAIL])
    try:
        return ThumbnailKind(asked[0] if len(asked) == 1 else "")
    except ValueError:
        raise InvalidRequest("size: write thumbnail or review") from None


def _matches(asked: str, tag: str) -> bool:
    """Whether an If-None-Match names a tag; a weak one counts too (RFC 9110, 13.1.2)."""
    return asked.strip() == "*" or tag in {each.strip().removeprefix("W/") for each in asked.split(",")}

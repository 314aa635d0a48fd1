"""One photo: its picture, all that is known of it, and the earlier photo that it is most like."""

import re
from typing import Any

from litestar import Response, get

from retailpulse.dashboard import comparison, words
from retailpulse.dashboard.job import name_of, parse_job_id
from retailpulse.dashboard.rendering import AnyRequest, page
from retailpulse.dashboard.sketch import sketch
from retailpulse.domain.errors import NotFound
from retailpulse.domain.images import Depth, Outcome
from retailpulse.domain.matches import MatchKind
from retailpulse.domain.reviews import QUEUED_FLAGS
from retailpulse.schema.reasons import Earlier, reason
from retailpulse.service import JobReports, PhotoDetail, PhotoDetails
from retailpulse.service.photo_details import MOST_LATER
from retailpulse.storage.matches.of_photo import LaterPhoto

_NUMBER = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)


@get("/jobs/{job_id:str}/photos/{image_no:str}", include_in_schema=False)
async def photo_page(
    request: AnyRequest, job_reports: JobReports, photo_details: PhotoDetails, job_id: str, image_no: str
) -> Response[bytes]:
    """A photo of a job."""
    known = parse_job_id(job_id)
    number = parse_image_no(image_no)
    job = (await job_reports.brief(known)).job
    detail = await photo_details.read(known, number)
    asked_by = next((flag for flag in detail.result.flags if flag in QUEUED_FLAGS), None)
    return page(
        request,
        "photo.html",
        **shown(detail),
        job=job,
        title=name_of(job),
        later=_by_kind(detail),
        most_later=MOST_LATER,
        has_picture=job.depth == Depth.DECODE and detail.result.outcome is Outcome.MEASURED,
        in_queue_by=(asked_by or detail.result.flags[0])
        if detail.result.flags and not detail.review.review
        else None,
        before=number - 1 if number > 1 else None,
        following=number + 1 if number < job.images.total else None,
    )


def parse_image_no(text: str) -> int:
    """The number of an image in an address; raises NotFound."""
    if not _NUMBER.fullmatch(text):
        raise NotFound(f"there is no image {text[:100]!r}")
    return int(text)


def shown(detail: PhotoDetail) -> dict[str, Any]:
    """What pages say of a photo, and of the earlier one that it is most like."""
    photo, match, earlier = detail.result, detail.match, detail.earlier
    return {
        "photo": photo,
        "review": detail.review,
        "store": detail.store,
        "alt": words.alt(photo),
        "reasons": [(flag, reason(photo, flag, _named(detail))) for flag in photo.flags],
        "facts": comparison.facts(photo),
        "checks": comparison.checks(photo),
        "sketch": sketch(detail),
        "allowed_meters": detail.allowed_meters,
        "match": None if earlier is None else match,
        "earlier": earlier,
        "headline": None if match is None else comparison.headline(match),
        "compared": [] if earlier is None else comparison.compared(photo, earlier),
    }


def _by_kind(detail: PhotoDetail) -> list[tuple[MatchKind, list[LaterPhoto]]]:
    """Later photos, the same file apart from copies and from the same scene."""
    found = [(kind, [one for one in detail.later if one.kind == kind]) for kind in MatchKind]
    return [(kind, photos) for kind, photos in found if photos]


def _named(detail: PhotoDetail) -> Earlier | None:
    earlier = detail.earlier
    if earlier is None:
        return None
    return Earlier(earlier.image_no, earlier.store_id, earlier.visit_time)

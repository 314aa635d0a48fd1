"""Reviews: what people decide on photos, one by one or many at once, and the queue of what is left."""

import re
from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, delete, get, post, put
from litestar.params import Parameter
from litestar.types import Scope

from retailpulse.api.v1 import review_operations as operations
from retailpulse.api.v1.filters import Areas, StoreIds, bounds_of_day, checked, instant, texts
from retailpulse.api.v1.pages import Cursors, PageRequest, link_header, write_cursor
from retailpulse.api.v1.parameter_objects import with_parameter_objects
from retailpulse.api.v1.paths import known_id
from retailpulse.api.v1.review_operations import (
    ImageNumber,
    NewReview,
    PhotoDecision,
    RawReviews,
    ReviewAnswers,
    ReviewPage,
)
from retailpulse.api.v1.small_bodies import SMALL_BODY_BYTES, read_json
from retailpulse.domain.errors import InvalidRequest, NotFound
from retailpulse.domain.flags import Flag
from retailpulse.domain.ids import first_job_id
from retailpulse.domain.reviews import LOCAL, MAX_NAME_CHARACTERS, Decision, ReviewState
from retailpulse.schema import Review, ReviewAnswer
from retailpulse.service import Reviews
from retailpulse.storage.reviews.decide import NewDecision
from retailpulse.storage.reviews.history import Photo
from retailpulse.storage.reviews.queue import FIRST, QueueFilter
from retailpulse.web.caller import key_name_of

MANY_BODY_BYTES = 8 * 1024 * 1024
"""Most bytes of a thousand decisions with their reasons."""
CURSORS: Cursors[Photo] = Cursors("reviews", tuple[UUID, int])
"""A position is that of the photo after which a page begins."""
_NUMBER = re.compile(r"[1-9][0-9]{0,9}", re.ASCII)
MeasuredOn = Annotated[
    str | None,
    Parameter(
        description="Only photos whose result was written on this day, in UTC: a date. Of photos on which a "
        "decision stands, those of jobs that are gone are left out."
    ),
]
_WORDS = {"decision": Decision, "flag": Flag}
_PATH = "/api/v1/jobs/{job_id:str}/images/{image_no:str}/review"


@get(_PATH, **operations.STATE)
async def read_review(reviews: Reviews, job_id: str, image_no: str) -> Review:
    """Read what people decided on a photo, with its whole history, which outlives its job."""
    return await reviews.state(_photo(job_id, image_no))


@put(_PATH, request_max_body_size=SMALL_BODY_BYTES, **operations.DECIDE)
async def review_image(
    request: Request[Any, Any, Any], reviews: Reviews, job_id: str, image_no: str
) -> Review:
    """Decide on a measured photo, flagged or not. The same decision once more changes nothing.

    Another decision that stands is replaced only if `revision` is that of the photo, else it is a conflict:
    so of two people who decide at once, the later one learns what the other has decided.
    """
    asked = read_json(await request.body(), NewReview, _WORDS)
    new = _decision(_photo(job_id, image_no), asked, by=_who(request.scope, asked.by))
    return await reviews.decide(new)


@delete(_PATH, status_code=200, **operations.UNDO)
async def undo_review(
    request: Request[Any, Any, Any],
    reviews: Reviews,
    job_id: str,
    image_no: str,
    revision: Annotated[
        int | None,
        Parameter(
            ge=0,
            lt=2**31,
            description="The `revision` of the photo; needed to undo what another person decided.",
        ),
    ] = None,
    by: Annotated[str | None, Parameter(description="Who undoes it, at a service without API keys.")] = None,
) -> Review:
    """Undo the decision that stands: the one before it stands again, or none. Both stay in the history.

    The same undo once more changes nothing; with the new `revision` it undoes the decision before too.
    """
    return await reviews.undo(_photo(job_id, image_no), by=_who(request.scope, by), revision=revision)


@get("/api/v1/review", **operations.QUEUE)
@with_parameter_objects
async def list_reviews(
    *,
    reviews: Reviews,
    decision: Annotated[
        ReviewState, Parameter(description="`undecided`, or only photos on which this decision stands.")
    ] = ReviewState.UNDECIDED,
    flag: Annotated[
        list[Flag] | None,
        Parameter(
            description="Only photos with this flag. Without it, undecided ones are copies of photos of "
            "other stores, and those flagged far_from_store, time_mismatch, stale or blank."
        ),
    ] = None,
    area: Areas = None,
    store_id: StoreIds = None,
    since: Annotated[
        str | None, Parameter(description="Only jobs submitted then or later: a date or an RFC 3339 time.")
    ] = None,
    day: MeasuredOn = None,
    page: PageRequest,
) -> Response[ReviewPage]:
    """List the photos that wait for a decision, or that have one; those of the oldest job first.

    A page may be short, or empty, and yet have a `next`.
    """
    start, end = bounds_of_day("day", day)
    wanted = QueueFilter(
        decision=None if decision is ReviewState.UNDECIDED else Decision(decision),
        flags=tuple(flag or ()),
        area_codes=texts("area", area),
        store_ids=texts("store_id", store_id),
        start=start,
        end=end,
    )
    after = max(_first_since(since), CURSORS.read(page.cursor) or FIRST)
    found = await reviews.queue(wanted, after=after, limit=page.limit)
    following = page.link(write_cursor(CURSORS, found.following))
    body = ReviewPage(items=found.photos, next=following, left=found.left, counted_all=found.counted_all)
    return Response(body, headers=link_header(following))


def _first_since(since: str | None) -> Photo:
    submitted = instant("since", since)
    return FIRST if submitted is None else (first_job_id(submitted), 0)


@post("/api/v1/review", status_code=200, request_max_body_size=MANY_BODY_BYTES, **operations.DECIDE_MANY)
async def review_images(request: Request[Any, Any, Any], reviews: Reviews) -> ReviewAnswers:
    """Decide on up to 1,000 photos; each decision is answered, and one that is refused hinders no other."""
    asked = read_json(await request.body(), RawReviews, _WORDS)
    by = _who(request.scope, asked.by)
    read = [_read_decision(bytes(each), by=by) for each in asked.decisions]
    made = iter(await reviews.decide_many([each for each in read if isinstance(each, NewDecision)]))
    return ReviewAnswers(items=[each if isinstance(each, ReviewAnswer) else next(made) for each in read])


def _read_decision(given: bytes, *, by: str) -> NewDecision | ReviewAnswer:
    """A decision of a batch; one that cannot be read is answered, by what can be read of its photo."""
    try:
        asked = read_json(given, PhotoDecision, _WORDS)
    except InvalidRequest as error:
        job_id, image_no = _read_part(given, "job_id", UUID), _read_part(given, "image_no", ImageNumber)
        return ReviewAnswer(job_id=job_id and str(job_id), image_no=image_no, status=400, detail=str(error))
    return _decision((asked.job_id, asked.image_no), asked, by=by)


def _read_part(given: bytes, name: str, kind: Any) -> Any:
    try:
        whole = msgspec.json.decode(given)
        return msgspec.convert(whole[name], kind) if isinstance(whole, Mapping) and name in whole else None
    except (msgspec.MsgspecError, RecursionError):
        return None


def _decision(photo: Photo, asked: NewReview | PhotoDecision, *, by: str) -> NewDecision:
    return NewDecision(
        photo=photo,
        decision=asked.decision,
        by=by,
        reason=(asked.reason or "").strip() or None,
        flag=asked.flag,
        pair=None if asked.pair is None else (asked.pair.job_id, asked.pair.image_no),
        revision=asked.revision,
    )


def _photo(job_id: str, image_no: str) -> Photo:
    known = known_id(job_id)
    number = int(image_no) if _NUMBER.fullmatch(image_no) else 0
    if not 0 < number < 2**31:
        raise NotFound(f"there is no image {image_no[:100]} in the job {known}")
    return known, number


def _who(scope: Scope, given: str | None) -> str:
    """The name that a decision is kept under; raises InvalidRequest for one that cannot be."""
    name = None if given is None else given.strip()
    key_name = key_name_of(scope)
    if key_name is not None:
        if name not in {None, key_name}:
            raise InvalidRequest(f"by: who decides is told by the API key, {key_name}; leave it out")
        return key_name
    if name is not None and not 0 < len(name) <= MAX_NAME_CHARACTERS:
        raise InvalidRequest(f"by: a name has 1 to {MAX_NAME_CHARACTERS} characters")
    checked("by", name or "")
    return name or LOCAL

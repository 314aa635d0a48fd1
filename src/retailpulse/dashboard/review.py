"""Review: flagged photos one after the other, and what a person decides on each; forms need no script."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Response, get, post
from litestar.params import QueryParameter
from litestar.response import Redirect

from retailpulse.dashboard import comparison, words
from retailpulse.dashboard.forms import FormBody
from retailpulse.dashboard.photo import shown
from retailpulse.dashboard.rendering import AnyRequest, page
from retailpulse.dashboard.review_queue import (
    Asked,
    asked_of,
    following,
    position_before,
    read_photo,
    write_photo,
)
from retailpulse.domain.errors import Conflict, InvalidRequest
from retailpulse.domain.flags import Flag
from retailpulse.domain.reviews import LOCAL, MAX_REASON_CHARACTERS, Decision
from retailpulse.schema import ReviewedPhoto
from retailpulse.service import PhotoDetail, PhotoDetails, Reviews
from retailpulse.storage.reviews.decide import NewDecision
from retailpulse.storage.reviews.history import Photo
from retailpulse.web.caller import key_name_of

STRIP = 6
"""How many photos of the queue are shown below the one that is decided on."""
MOST_REVISION = 2**31
_SAID = {
    "accepted": "The photo is accepted: it counts.",
    "rejected": "The photo is rejected: it does not count.",
    "flag_wrong": "The flag is recorded as wrong.",
    "undone": "The decision is undone.",
    "taken": "Somebody else has decided on that photo meanwhile; nothing was changed.",
}
"""What the page says first after a decision, by the word in its address."""


@get("/review", include_in_schema=False)
async def review_page(
    request: AnyRequest,
    reviews: Reviews,
    photo_details: PhotoDetails,
    at: Annotated[str, QueryParameter(name="at")] = "",
) -> Response[bytes]:
    """The first photo of the queue from a place on, beside the earlier one that it is most like."""
    asked, place = asked_of(request.query_params), read_photo(at)
    found = await reviews.queue(asked.wanted, after=position_before(place), limit=STRIP)
    total, is_all = found.left, found.counted_all
    if place is not None:  # else this is the beginning, before which there is nothing
        total, is_all = await reviews.waiting(asked.wanted)
    values: dict[str, Any] = {
        "asked": asked,
        "flag_names": list(Flag),
        "total": total,
        "is_all": is_all,
        "said": _said(request, asked),
    }
    if not found.photos:
        further = (
            None if found.following is None else asked.address(at=write_photo(following(found.following)))
        )
        return page(request, "review_empty.html", **values, further=further)
    job_id, image_no = _key(found.photos[0])
    detail = await photo_details.read(job_id, image_no)
    before = await reviews.before(asked.wanted, (job_id, image_no)) if place is not None else None
    return page(
        request,
        "review.html",
        **values,
        **shown(detail),
        position=total - found.left + 1 if is_all and found.counted_all else None,
        strip=[(asked.address(at=write_photo(_key(one))), one) for one in found.photos],
        skip=asked.address(at=write_photo(following((job_id, image_no)))),
        back=None if before is None else asked.address(at=write_photo(before)),
        **_form(asked, (job_id, image_no), detail),
    )


@post("/review", include_in_schema=False)
async def decide(
    request: AnyRequest,
    reviews: Reviews,
    data: FormBody,
) -> Redirect:
    """Writes a decision, and goes on to the next photo of the queue."""
    asked, new = asked_of(request.query_params), _decision(request, data)
    onwards = write_photo(following(new.photo))
    try:
        state = await reviews.decide(new)
    except Conflict:
        return _to(asked.address(at=onwards, done="taken", photo=write_photo(new.photo)))
    revision = str(state.revision)
    return _to(asked.address(at=onwards, done=new.decision, photo=write_photo(new.photo), revision=revision))


@post("/review/undo", include_in_schema=False)
async def undo(
    request: AnyRequest,
    reviews: Reviews,
    data: FormBody,
) -> Redirect:
    """Undoes a decision, and goes back to its photo."""
    asked, photo = asked_of(request.query_params), _photo(data.get("photo", ""))
    name = write_photo(photo)
    try:
        await reviews.undo(photo, by=who(request), revision=_revision(data.get("revision", "")))
    except Conflict:
        return _to(asked.address(at=name, done="taken", photo=name))
    return _to(asked.address(at=name, done="undone", photo=name))


def _decision(request: AnyRequest, data: dict[str, str]) -> NewDecision:
    said = read_decision(data)
    is_wrong = said is Decision.FLAG_WRONG
    wrong_flag = data.get("wrong_flag", "")
    return NewDecision(
        photo=_photo(data.get("photo", "")),
        decision=said,
        by=who(request),
        reason=read_reason(data),
        flag=Flag(wrong_flag) if is_wrong and wrong_flag in set(Flag) else None,
        pair=read_photo(data.get("pair", "")) if is_wrong else None,
        revision=_revision(data.get("seen", "")),
    )


def read_decision(data: dict[str, str]) -> Decision:
    """The decision of a form; raises InvalidRequest."""
    said = data.get("decision", "")
    if said not in set(Decision):
        raise InvalidRequest("decision: accept the photo, reject it, or say that its flag is wrong")
    return Decision(said)


def read_reason(data: dict[str, str]) -> str | None:
    """The reason of a form, None without one; raises InvalidRequest."""
    reason = data.get("reason", "").replace("\0", "").strip()
    if len(reason) > MAX_REASON_CHARACTERS:
        raise InvalidRequest(f"reason: it has {len(reason):,} characters, {MAX_REASON_CHARACTERS:,} at most")
    return reason or None


def _photo(text: str) -> Photo:
    found = read_photo(text)
    if found is None:
        raise InvalidRequest(f"photo: {text[:100]!r} names none")
    return found


def _revision(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) < MOST_REVISION):
        raise InvalidRequest(f"revision: {text[:100]!r} is none")
    return int(text)


def who(request: AnyRequest) -> str:
    """Who decides: by the name of the key, if the service wants keys."""
    return key_name_of(request.scope) or LOCAL


def _form(asked: Asked, photo: Photo, detail: PhotoDetail) -> dict[str, Any]:
    """What the form of a decision needs."""
    return {
        "action": asked.address(),
        "job_id": str(photo[0]),
        "named": write_photo(photo),
        "wrong": _wrong(detail),
        "most_characters": MAX_REASON_CHARACTERS,
    }


def _wrong(detail: PhotoDetail) -> dict[str, str]:
    """What else a person may say of a photo: that it is no copy, or that its flag is wrong."""
    match, flags = detail.match, detail.result.flags
    if match is not None and comparison.is_reused(detail):
        pair = write_photo((match.earlier_job_id, match.earlier_image_no))
        return {
            "title": "Not a duplicate",
            "text": "this pair is never asked again",
            "pair": pair,
            "flag": "",
        }
    only = flags[0] if len(flags) == 1 else ""
    title = f"“{words.flag(only)}” is wrong" if only else "Flags are wrong"
    return {"title": title, "text": "it counts, the flag is kept as wrong", "pair": "", "flag": only}


def _said(request: AnyRequest, asked: Asked) -> dict[str, str] | None:
    """What was done before this page, with what it takes to undo it."""
    query = request.query_params
    done, photo = query.get("done", ""), read_photo(query.get("photo", ""))
    if done not in _SAID or photo is None:
        return None
    return {
        "text": _SAID[done],
        "link": f"/jobs/{photo[0]}/photos/{photo[1]}",
        "number": str(photo[1]),
        "photo": write_photo(photo),
        "revision": query.get("revision", "") if done in set(Decision) else "",
        "undo": asked.address("/review/undo"),
    }


def _key(photo: ReviewedPhoto) -> Photo:
    return UUID(photo.job_id), photo.image_no


def _to(address: str) -> Redirect:
    return Redirect(address, status_code=303)

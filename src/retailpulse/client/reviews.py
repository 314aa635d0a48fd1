"""Reviews: what people decide on photos, and the queue of those that wait for it."""

from collections.abc import AsyncGenerator, Iterable, Mapping
from typing import Any

import msgspec

from retailpulse.client.exchange import Exchange, Page
from retailpulse.client.params import Some, When, filters, job_path
from retailpulse.client.transports import LONG_SECONDS, HttpRequest
from retailpulse.schema import Review, ReviewAnswer, ReviewedPhoto

_QUEUE = "/api/v1/review"
_JSON = {"Content-Type": "application/json"}
BATCH_DECISIONS = 1_000
"""How many decisions the service takes at once."""


class _Answers(msgspec.Struct, frozen=True, kw_only=True):
    items: list[ReviewAnswer]


class ReviewCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many photos of the queue are left, at most 1,000; `counted_all` is false if there are more."""

    left: int
    counted_all: bool


async def review(exchange: Exchange, job_id: str, image_no: int) -> Review:
    """What was decided on a photo, with the whole history. Raises NotFound.

    >>> client.review(job_id, 1).history
    []
    """
    return await exchange.fetch(HttpRequest(method="GET", path=_path(job_id, image_no)), Review)


async def decide(
    exchange: Exchange,
    job_id: str,
    image_no: int,
    decision: str,
    *,
    reason: str | None = None,
    flag: str | None = None,
    pair: tuple[str, int] | None = None,
    by: str | None = None,
    revision: int | None = None,
) -> Review:
    """Decide on a measured photo: `accepted`, `rejected` or `flag_wrong`.

    `flag` is the flag that it is about; `pair` the other photo, job and number, of a pair that is no copy:
    without it, of `flag_wrong`, the photo's own match.
    `by` is who decides, at a service without API keys. To replace a decision that stands, give the
    `revision` of the photo. Raises NotFound; Conflict if another decision stands, or it was not measured.
    """
    said = {
        "decision": decision,
        "reason": reason,
        "flag": flag,
        "pair": None if pair is None else {"job_id": pair[0], "image_no": pair[1]},
        "by": by,
        "revision": revision,
    }
    request = HttpRequest(
        method="PUT",
        path=_path(job_id, image_no),
        headers=_JSON,
        content=msgspec.json.encode({name: value for name, value in said.items() if value is not None}),
    )
    return await exchange.fetch(request, Review)


async def decide_many(
    exchange: Exchange, decisions: Iterable[Mapping[str, Any]], *, by: str | None = None
) -> list[ReviewAnswer]:
    """Decide on many photos, a thousand at a time; one that is refused hinders no other.

    Each decision has `job_id`, `image_no` and `decision`, and maybe `reason`, `flag`, `pair` and `revision`.

    >>> decisions = [{"job_id": job_id, "image_no": 1, "decision": "accepted"}]
    >>> [(answer.status, answer.detail[:26]) for answer in client.decide_many(decisions)]
    [(409, 'the image was not measured')]
    """
    said, answers = list(decisions), list[ReviewAnswer]()
    for start in range(0, len(said), BATCH_DECISIONS):
        body: dict[str, Any] = {"decisions": said[start : start + BATCH_DECISIONS]}
        request = HttpRequest(
            method="POST",
            path=_QUEUE,
            headers=_JSON,
            content=msgspec.json.encode(body if by is None else body | {"by": by}),
            read_seconds=LONG_SECONDS,
        )
        answers += (await exchange.fetch(request, _Answers)).items
    return answers


async def undo_review(
    exchange: Exchange, job_id: str, image_no: int, *, by: str | None = None, revision: int | None = None
) -> Review:
    """Undo the decision that stands, so that the one before it stands again, or none.

    What another person decided is undone only with the `revision` of the photo. Raises NotFound, Conflict.

    >>> client.undo_review(job_id, 1).review is None
    True
    """
    request = HttpRequest(
        method="DELETE", path=_path(job_id, image_no), params=filters(by=by, revision=revision)
    )
    return await exchange.fetch(request, Review)


async def review_queue(
    exchange: Exchange,
    *,
    decision: str | None = None,
    flag: Some = None,
    area: Some = None,
    store_id: Some = None,
    since: When = None,
    day: When = None,
) -> AsyncGenerator[ReviewedPhoto, None]:
    """Photos that wait for a decision, one by one, those of the oldest job first.

    Without `flag`, copies of photos of other stores, and those flagged far_from_store, time_mismatch, stale
    or blank. With `decision`, those on which it stands. `since`: only of jobs submitted then or later; `day`:
    only those whose result was written on that day, in UTC.

    >>> [photo.flags for photo in client.review_queue()]
    []
    """
    params = filters(decision=decision, flag=flag, area=area, store_id=store_id, since=since, day=day)
    async for item in exchange.pages(_QUEUE, params, Page[ReviewedPhoto]):
        yield item


async def review_count(
    exchange: Exchange,
    *,
    decision: str | None = None,
    flag: Some = None,
    area: Some = None,
    store_id: Some = None,
    since: When = None,
    day: When = None,
) -> ReviewCount:
    """How many photos `review_queue` would give, counted up to 1,000.

    >>> client.review_count().left
    0
    """
    params = filters(decision=decision, flag=flag, area=area, store_id=store_id, since=since, day=day)
    request = HttpRequest(method="GET", path=_QUEUE, params=[*params, ("limit", "1")])
    return await exchange.fetch(request, ReviewCount)


def _path(job_id: str, image_no: int) -> str:
    return job_path(job_id, "images", str(image_no), "review")

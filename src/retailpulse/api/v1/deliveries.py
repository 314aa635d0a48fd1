"""Deliveries: how the receiver of a job was told that it ended, try by try, and telling it again."""

from functools import partial

from litestar import Response, get, post

from retailpulse.api.openapi.annotations import JOB_ID, LINK, Tag, documented
from retailpulse.api.v1.pages import Cursors, Page, PageRequest, RowNumber
from retailpulse.api.v1.parameter_objects import with_parameter_objects
from retailpulse.api.v1.paths import known_id
from retailpulse.domain.callbacks import JOB_ENDED
from retailpulse.schema import Delivery
from retailpulse.service import Deliveries
from retailpulse.storage.webhooks.deliveries import DeliveryRow

CURSORS = Cursors("deliveries", RowNumber)
"""A position is the number of the delivery that a page begins after."""


_DELIVERED = {
    "delivery_id": f"msg_{JOB_ID.replace('-', '')}_1",
    "event": JOB_ENDED,
    "url": "https://hooks.example/retailpulse",
    "state": "delivered",
    "ended_at": "2026-11-20T10:04:12.613508Z",
    "tries": [
        {"at": "2026-11-20T10:04:13.020114Z", "status": 503, "error": None, "seconds": 0.051},
        {"at": "2026-11-20T10:04:15.871402Z", "status": 204, "error": None, "seconds": 0.084},
    ],
    "next_try_at": None,
}
_SENT_AGAIN = _DELIVERED | {"state": "pending", "next_try_at": "2026-11-20T11:30:00.417211Z"}


@get(
    "/api/v1/jobs/{job_id:str}/deliveries",
    operation_id="listDeliveries",
    summary="List the callbacks of a job",
    tags=[Tag.DELIVERIES],
    opt=documented(
        Page[Delivery],
        404,
        meaning="A page of deliveries, the first end of the job first.",
        example={"items": [_DELIVERED], "next": None},
        headers={"Link": LINK},
    ),
)
@with_parameter_objects
async def job_deliveries(deliveries: Deliveries, job_id: str, page: PageRequest) -> Response[Page[Delivery]]:
    """List how the receiver of a job was told of its ends, with every try.

    A job has one delivery for each time that it ended: a job that is retried ends again. A job without a
    `callback_url`, or that has not ended yet, has none.
    """
    return await page.answer(CURSORS, partial(deliveries.page, known_id(job_id)), _describe)


@post(
    "/api/v1/jobs/{job_id:str}/redeliver",
    status_code=202,
    operation_id="redeliver",
    summary="Send the callback of a job again",
    tags=[Tag.DELIVERIES],
    opt=documented(
        Delivery,
        404,
        409,
        status=202,
        meaning="It is sent again within moments, whatever came of it before.",
        example=_SENT_AGAIN,
    ),
)
async def redeliver(deliveries: Deliveries, job_id: str) -> Delivery:
    """Send the callback of the last end of a job once more, with the same `webhook-id` and body.

    Waits and the time after which it is given up begin again. A job that has no `callback_url`, or that has
    not ended yet, is a conflict.
    """
    return _describe(await deliveries.send_again(known_id(job_id)))


def _describe(row: DeliveryRow) -> Delivery:
    return Delivery(
        delivery_id=row.key.message_id,
        event=JOB_ENDED,
        url=row.url,
        state=row.state,
        ended_at=row.ended_at,
        tries=list(row.tries),
        next_try_at=row.next_try_at,
    )

"""Callbacks of all jobs: which receivers were told, which were not and why, and telling one again."""

from typing import Annotated
from urllib.parse import urlencode

from litestar import Response, get, post
from litestar.params import QueryParameter
from litestar.response import Redirect

from retailpulse.dashboard.forms import FormBody
from retailpulse.dashboard.job import parse_job_id
from retailpulse.dashboard.places import read_delivery_place, write_delivery_place
from retailpulse.dashboard.rendering import AnyRequest, page
from retailpulse.domain.callbacks import DeliveryState
from retailpulse.service import Deliveries
from retailpulse.storage.webhooks.listing import MOST_COUNTED

ROWS = 50
STATES = {
    DeliveryState.GIVEN_UP: "Given up",
    DeliveryState.PENDING: "Waiting",
    DeliveryState.DELIVERED: "Delivered",
}


@get("/system/callbacks", include_in_schema=False)
async def callbacks_page(
    request: AnyRequest,
    deliveries: Deliveries,
    wanted: Annotated[str, QueryParameter(name="state")] = "",
    after: Annotated[str, QueryParameter(name="after")] = "",
) -> Response[bytes]:
    """Callbacks by their state; without one, those that were given up, or else wait, or else arrived."""
    counts = await deliveries.counts()
    first = next((state for state in STATES if counts[state]), DeliveryState.GIVEN_UP)
    state = DeliveryState(wanted) if wanted in set(DeliveryState) else first
    found, following = await deliveries.of_state(state, after=read_delivery_place(after), limit=ROWS)
    query = {"state": str(state), "after": write_delivery_place(following)} if following else None
    return page(
        request,
        "callbacks.html",
        tab="callbacks",
        deliveries=found,
        counts=counts,
        most_counted=MOST_COUNTED,
        states=STATES,
        state=state,
        is_first=not after,
        next_page=f"/system/callbacks?{urlencode(query)}" if query else None,
    )


@post("/system/callbacks/{job_id:str}/send-again", include_in_schema=False)
async def send_again(deliveries: Deliveries, job_id: str, data: FormBody) -> Redirect:
    """Has the callback of a job sent once more; then the list that the button was in."""
    await deliveries.send_again(parse_job_id(job_id))
    state = data.get("state", "")
    kept = {"state": state} if state in set(DeliveryState) else {}
    return Redirect(f"/system/callbacks?{urlencode({**kept, 'done': 'callback'})}", status_code=303)

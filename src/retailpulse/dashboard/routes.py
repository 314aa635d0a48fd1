"""All pages of the dashboard, and how their errors are shown: as a page, in words that say what to do."""

from typing import Annotated, Any

from litestar import Request, Response, Router, get
from litestar.exceptions import HTTPException
from litestar.params import QueryParameter
from litestar.types import ControllerRouterHandler

from retailpulse.dashboard import (
    import_stores,
    job,
    jobs,
    overview,
    photo,
    review,
    sign_in,
    stores,
    submit,
    system,
)
from retailpulse.dashboard.assets import read_assets
from retailpulse.dashboard.rendering import page
from retailpulse.dashboard.waiting import count_waiting
from retailpulse.domain.errors import NotFound, RetailPulseError
from retailpulse.service import Reviews
from retailpulse.web.error_responses import answer_http, answer_known, answer_unknown

_KEPT = "public, max-age=31536000, immutable"


@get("/assets/{name:str}", include_in_schema=False, sync_to_thread=False)
def asset(name: str, v: Annotated[str, QueryParameter(name="v")] = "") -> Response[bytes]:
    """A file of the pages; one that is asked for with its version may be kept for ever."""
    assets = read_assets()
    if name not in assets.files:
        raise NotFound(f"there is no file {name[:100]!r}")
    content, media_type = assets.files[name]
    kept = _KEPT if v == assets.version else "no-cache"
    return Response(content, media_type=media_type, headers={"Cache-Control": kept})


def _as_page(request: Request[Any, Any, Any], answer: Response[dict[str, Any]]) -> Response[bytes]:
    shown = page(request, "error.html", status=answer.status_code or 500, problem=answer.content)
    shown.headers |= {name: value for name, value in answer.headers.items() if name != "content-type"}
    return shown


def _known(request: Request[Any, Any, Any], error: RetailPulseError) -> Response[bytes]:
    return _as_page(request, answer_known(request, error))


def _http(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    return _as_page(request, answer_http(request, error))


def _unknown(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    return _as_page(request, answer_unknown(request, error))


def make_router(reviews: Reviews) -> Router:
    """All pages; each says how many photos wait for a decision."""
    return Router(
        "/",
        route_handlers=HANDLERS,
        before_request=count_waiting(reviews),
        exception_handlers={RetailPulseError: _known, HTTPException: _http, Exception: _unknown},
    )


HANDLERS: list[ControllerRouterHandler] = [
    overview.overview,
    jobs.jobs,
    job.job_photos,
    job.job_stores,
    job.job_about,
    job.change_job,
    photo.photo_page,
    review.review_page,
    review.decide,
    review.undo,
    stores.stores_page,
    stores.areas_page,
    stores.store_page,
    submit.submit_page,
    submit.hand_in_visits,
    submit.look_at_visits,
    submit.send_visits,
    import_stores.import_page,
    import_stores.hand_in_stores,
    import_stores.look_at_stores,
    import_stores.load_stores,
    system.health,
    system.photo_hosts,
    system.keys_page,
    system.make_key,
    system.revoke_key,
    sign_in.sign_in_page,
    sign_in.sign_in,
    sign_in.sign_out,
    asset,
]

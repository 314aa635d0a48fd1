"""All pages of the dashboard, and the files that they need."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from litestar import Response, Router, get
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.params import QueryParameter
from litestar.types import ControllerRouterHandler

from retailpulse.config.loading import Setting
from retailpulse.dashboard import (
    callbacks,
    checks,
    choices,
    import_stores,
    job,
    job_actions,
    job_photos,
    job_stores,
    jobs,
    keys,
    overview,
    photo,
    photos,
    profile,
    review,
    review_set,
    settings,
    sign_in,
    stores,
    submit,
    system,
)
from retailpulse.dashboard.assets import read_assets
from retailpulse.dashboard.error_pages import ErrorPages
from retailpulse.dashboard.live import LiveStreams
from retailpulse.dashboard.rendering import AnyRequest
from retailpulse.dashboard.waiting import count_waiting
from retailpulse.domain.errors import NotFound, RetailPulseError
from retailpulse.service import Reviews

MOST_FORM_BYTES = 64 * 1024
"""Most bytes of a form, but of those that send a file: they are read by anybody who reaches the service."""
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Pages:
    """All pages, and those for requests that reach none: refused before, or of a path that is not there."""

    routers: tuple[Router]
    refused: Callable[[AnyRequest, RetailPulseError], Response[bytes]]
    unrouted: Callable[[AnyRequest, HTTPException], Response[Any]]


def make_pages(
    reviews: Reviews,
    away_since: Callable[[], datetime | None],
    shown_settings: Sequence[Setting],
    live: LiveStreams,
) -> Pages:
    """All pages; `away_since` tells since when the database is away.

    Each page says how many photos wait for a decision, one shows the settings of this process; `live`
    keeps them up to date.
    """
    errors = ErrorPages(away_since)
    router = Router(
        "/",
        route_handlers=HANDLERS,
        request_max_body_size=MOST_FORM_BYTES,
        before_request=count_waiting(reviews),
        middleware=[live.middleware()],
        dependencies={"shown_settings": Provide(lambda: shown_settings, sync_to_thread=False)},
        exception_handlers={
            RetailPulseError: errors.known,
            HTTPException: errors.http,
            Exception: errors.unknown,
        },
    )
    return Pages(routers=(router,), refused=errors.known, unrouted=errors.unrouted)


HANDLERS: list[ControllerRouterHandler] = [
    overview.overview,
    jobs.jobs,
    job_photos.job_photos,
    job_stores.job_stores,
    job.job_callbacks,
    job.job_about,
    job_actions.confirm_deletion,
    job_actions.delete_jobs,
    job_actions.change_job,
    photos.flagged_photos,
    photo.photo_page,
    review.review_page,
    review.decide,
    review.undo,
    review_set.confirm_set,
    review_set.decide_set,
    stores.stores_page,
    stores.areas_page,
    stores.area_page,
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
    system.workers_page,
    system.photo_hosts,
    callbacks.callbacks_page,
    callbacks.send_again,
    settings.settings_page,
    profile.profile_page,
    profile.begin_profile,
    profile.profile_picture,
    checks.check_page,
    checks.start_check,
    keys.keys_page,
    keys.make_key,
    keys.revoke_key,
    sign_in.sign_in_page,
    sign_in.sign_in,
    sign_in.sign_out,
    choices.choose,
    asset,
]

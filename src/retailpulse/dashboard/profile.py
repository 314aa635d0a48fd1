"""A profile of a running process, begun by a form: how far it is, and the last picture."""

import re

from litestar import Response, get, post
from litestar.response import Redirect

from retailpulse.dashboard.forms import FormBody
from retailpulse.dashboard.rendering import AnyRequest, page
from retailpulse.domain.errors import InvalidRequest, NotProfiled
from retailpulse.domain.profiles import MOST_SECONDS, ProfileKind
from retailpulse.service import Profiles
from retailpulse.web.pictures import answer_picture

_HEAD_BYTES = 2_000
_SIZE = re.compile(r'<svg[^>]* width="(\d+)" height="(\d+)"')


@get("/system/profile", include_in_schema=False)
async def profile_page(request: AnyRequest, profiles: Profiles) -> Response[bytes]:
    """The last profile, and the form that begins one; or how far the one is that is being made."""
    running, last = profiles.running, profiles.last
    names, missing = await _names(profiles) if running is None else ((), None)
    return page(
        request,
        "profile.html",
        tab="profile",
        running=running,
        took_seconds=0 if running is None else min(running.seconds, round(running.took_seconds)),
        names=names,
        missing=missing,
        last=last,
        size=None if last is None else _SIZE.search(last.content[:_HEAD_BYTES].decode("latin-1")),
        failure=profiles.failure,
        most_seconds=MOST_SECONDS,
    )


@post("/system/profile", include_in_schema=False)
async def begin_profile(profiles: Profiles, data: FormBody) -> Redirect:
    """Begins a profile; then its page, which shows how far it is."""
    seconds, kind = data.get("seconds", ""), data.get("kind", "")
    if not (seconds.isascii() and seconds.isdigit()):
        raise InvalidRequest(f"seconds: write a whole number from 1 to {MOST_SECONDS}")
    if kind not in list(ProfileKind):
        raise InvalidRequest(f"kind: write {' or '.join(ProfileKind)}")
    profiles.begin(data.get("process", ""), ProfileKind(kind), int(seconds[:9]))
    return Redirect("/system/profile", status_code=303)


@get("/system/profile/picture", include_in_schema=False)
async def profile_picture(profiles: Profiles) -> Response[bytes]:
    """The last picture, by itself: its scripts run, but reach nothing."""
    return answer_picture(profiles.picture())


async def _names(profiles: Profiles) -> tuple[tuple[str, ...], str | None]:
    """The processes that can be looked into, or why there are none."""
    try:
        return await profiles.names(), None
    except NotProfiled as error:
        return (), str(error)
